//! What systemd hears of the program, where it asks (`NOTIFY_SOCKET`): nothing otherwise.

use std::time::Duration;

use sd_notify::NotifyState;
use yaoku_server::standing::Standing;

/// It serves, or waits to be unsealed.
pub(crate) fn ready(standing: &Standing) {
    let status = if standing.node().is_some() { "serving" } else { "sealed: yaoku unseal" };
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// It looks for a new certificate.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It takes no more calls, and finishes those in flight.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishing calls in flight")]);
}

/// Says that it is alive, twice as often as systemd asks for. Returns at once if it does not ask.
pub(crate) async fn watchdog() {
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    let mut beats = tokio::time::interval((every / 2).max(Duration::from_millis(10)));
    loop {
        beats.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
