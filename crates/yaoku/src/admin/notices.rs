//! `yaoku notices`: what happened to keys and secrets that somebody should know of.

use std::process::ExitCode;

use clap::Args;

use super::{Answer, Reach};
use crate::screen::table;

/// Lists notices: rotations of secrets, deletions, what is about to expire. The last first.
#[derive(Debug, Args)]
pub(crate) struct Notices {
    #[command(flatten)]
    reach: Reach,
    /// Which page.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    page: u32,
    /// How many a page has, from 1 to 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    page_size: u32,
}

impl Notices {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let columns = [
            ("TIME", "/EventTime"),
            ("LEVEL", "/Level"),
            ("NOTICE", "/Name"),
            ("ABOUT", "/ResourceId"),
            ("WAITING", "/WebhooksWaiting"),
        ];
        let show = |it: &Answer| table(it.list("/Notices/Notice"), &columns);
        let (page, size) = (self.page.to_string(), self.page_size.to_string());
        let params = [("PageNumber", Some(&*page)), ("PageSize", Some(&*size))];
        self.reach.call("ListNotices", &params, show).await
    }
}
