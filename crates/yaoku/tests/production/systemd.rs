//! What systemd hears.

use std::{os::unix::net::UnixDatagram, time::Duration};

use rustix::process::Signal;

use crate::harness::Deployment;

#[test]
fn systemd_hears_that_it_is_ready_alive_reloading_and_stopping() {
    let it = Deployment::with_key_files().made();
    let path = it.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut server = it.start(|it| {
        it.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    });
    hear(&socket, "READY=1\nSTATUS=serving");
    hear(&socket, "WATCHDOG=1");
    server.wait_for("serving");
    server.signal(Signal::HUP);
    hear(&socket, "RELOADING=1\nMONOTONIC_USEC=");
    hear(&socket, "READY=1");
    server.signal(Signal::TERM);
    hear(&socket, "STOPPING=1");
    assert!(server.ended().0.success());
}

/// Waits for a message that begins so.
fn hear(socket: &UnixDatagram, start: &str) {
    let mut buffer = [0; 512];
    loop {
        let length = socket.recv(&mut buffer).unwrap();
        if buffer[..length].starts_with(start.as_bytes()) {
            return;
        }
    }
}
