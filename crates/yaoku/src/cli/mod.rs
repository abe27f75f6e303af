//! The command line as a client: operations by their own names (`yaoku kms …`) and friendlier verbs
//! (`yaoku key …`, `yaoku secret …`), both over the same signed call.

mod calls;
mod client;
mod completion;
pub(crate) mod credentials;
pub(crate) mod data_key;
pub(crate) mod key;
mod options;
mod output;
mod parameters;
mod products;
mod profile;
pub(crate) mod run;
pub(crate) mod secret;
mod session;

use std::{fmt, io::Write as _, process::ExitCode};

pub(crate) use self::{
    completion::Completion,
    products::{asked, with_products},
};
use crate::exchange::Refused;

/// A fault in how the program was called: nothing was sent.
#[derive(Debug)]
struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// A misuse, as an error to return.
fn misuse(said: impl Into<String>) -> anyhow::Error {
    Misuse(said.into()).into()
}

/// Ends a verb as the aliyun CLI does: 0, 1 if the server refused, 2 if nothing was sent for want of
/// a rightful command. Source: clients.md A.3; deploy-and-skill.md D.2.
fn finish(ended: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    let error = match ended {
        Ok(code) => return Ok(code),
        Err(error) => error,
    };
    let mut screen = std::io::stderr();
    if let Some(refused) = error.downcast_ref::<Refused>() {
        writeln!(screen, "{refused}")?;
        return Ok(ExitCode::FAILURE);
    }
    if let Some(misuse) = error.downcast_ref::<Misuse>() {
        writeln!(screen, "yaoku: {misuse}")?;
        return Ok(ExitCode::from(2));
    }
    Err(error)
}
