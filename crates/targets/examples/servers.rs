//! The real servers of the tests, for programs that are not Rust: a line for each when it takes logins,
//! `ENGINE PORT ADMIN PASSWORD HOST_KEY` parted by tabs. They are gone when standard input ends.

use std::{
    io::{Read as _, Write as _},
    thread,
};

use yaoku_model::target::Engine;
use yaoku_targets::{Proof, testing::TestServer};

fn main() -> std::io::Result<()> {
    // Each starts in a thread of its own. One that does not start says why, and all are gone.
    let start = |engine| thread::spawn(move || TestServer::start(engine, ""));
    let starting = [Engine::MySql, Engine::Postgres, Engine::Redis, Engine::Ssh].map(start);
    let mut servers = Vec::new();
    for it in starting {
        let failed = |_| std::io::Error::other("a server of the tests does not start");
        servers.push(it.join().map_err(failed)?);
    }
    let mut out = std::io::stdout();
    for server in &servers {
        let (target, admin) = (server.target(), server.admin());
        let Proof::Password(password) = &admin.proof else { continue };
        let key = target.host_key.as_deref().unwrap_or_default();
        let (engine, port, user) = (target.engine.as_str(), target.port, &admin.user);
        writeln!(out, "{engine}\t{port}\t{user}\t{}\t{key}", password.expose_text())?;
    }
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
