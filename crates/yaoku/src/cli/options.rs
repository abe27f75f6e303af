//! What every call takes besides its parameters: where the server is, who calls, how the answer is
//! written.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What the help of each group of commands ends with.
pub(super) const NOTES: &str = "\
The access key is the first that is there of: --access-key; --profile; ALIBABA_CLOUD_ACCESS_KEY_ID and \
…_SECRET; a session from ALIBABA_CLOUD_CREDENTIALS_URI; the profile that ALIBABA_CLOUD_PROFILE or --config-path asks for; ./yaoku-dev/dev.json, if \
its server is on this machine; the current profile of ~/.aliyun/config.json. --verbose says which it \
was.

Exit status: 0 if it was done; 1 if the server refused it or could not be reached, or if a signature \
or code is wrong; 2 if nothing was done, because the command was wrong or nobody said yes.";

/// All of it.
#[derive(Clone, Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) reach: Reach,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Where the server is, and who calls.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server and caller")]
pub(super) struct Reach {
    /// The server: HOST:PORT for HTTPS. `http://` goes to loopback only.
    #[arg(long, global = true, value_name = "HOST:PORT|URL", env = "YAOKU_ENDPOINT")]
    pub(super) endpoint: Option<String>,
    /// Lets `http://` go to other machines: whoever is on the way reads it all.
    #[arg(long, global = true)]
    pub(super) insecure: bool,
    /// The certificates that the server is trusted by, PEM. Without it, those of the machine (or of
    /// `SSL_CERT_FILE`).
    #[arg(long, global = true, value_name = "FILE", env = "YAOKU_CA")]
    pub(super) ca: Option<PathBuf>,
    /// A file with an access key, as `yaoku dev` and `yaoku init` write it. What it says of endpoint,
    /// CA and region is used too.
    #[arg(long, global = true, value_name = "FILE", env = "YAOKU_ACCESS_KEY")]
    pub(super) access_key: Option<PathBuf>,
    /// A profile of the aliyun CLI's configuration.
    #[arg(long, short, global = true, value_name = "NAME", conflicts_with = "access_key")]
    pub(super) profile: Option<String>,
    /// That configuration, if it is not `~/.aliyun/config.json`.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config_path: Option<PathBuf>,
    /// The region.
    #[arg(long, global = true, value_name = "REGION", env = "ALIBABA_CLOUD_REGION_ID")]
    pub(super) region: Option<String>,
    /// How long to wait for a connection.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value = "10",
        env = "ALIBABA_CLOUD_CONNECT_TIMEOUT",
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    pub(super) connect_timeout: u32,
    /// How long to wait for the answer.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value = "30",
        env = "ALIBABA_CLOUD_READ_TIMEOUT",
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    pub(super) read_timeout: u32,
    /// Says in the audit journal who is behind the call.
    #[arg(long, global = true, value_name = "NAME", env = "ALIBABA_CLOUD_USER_AGENT")]
    pub(super) user_agent: Option<String>,
    /// Says on standard error which server is called, as whom, and where that was found.
    #[arg(long, short, global = true)]
    pub(super) verbose: bool,
}

/// How the answer is written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// What of the answer to write: a `JMESPath` expression (<https://jmespath.org>).
    #[arg(long, global = true, value_name = "JMESPATH", alias = "cli-query")]
    pub(super) query: Option<String>,
    /// The form: JSON for operations, tables for friendly verbs.
    #[arg(long, short, global = true, value_enum)]
    pub(super) output: Option<Form>,
}

/// A form of answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Form {
    /// JSON, indented.
    Json,
    /// Columns, or lines of names and values; a single text as it is.
    Table,
    /// YAML.
    Yaml,
}
