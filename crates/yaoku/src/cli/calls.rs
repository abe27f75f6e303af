//! What friendly verbs call through: operations, one by one or page by page, and the names of keys.

use std::{process::ExitCode, sync::Arc};

use serde_json::Value;
use yaoku_model::arn::KeyRef;
use yaoku_server::api::Product;

use super::{
    client::Client,
    options::{Form, Options},
    output::{Writer, print, query},
};
use crate::exchange::Answer;

/// Items of one page: as many as any list gives. Source: keys.md §6.3, §7.
const PAGE: usize = 100;

/// What verbs call through.
pub(super) struct Calls {
    pub(super) client: Arc<Client>,
    pub(super) writer: Writer,
}

/// Parameters; those without a value are left out.
pub(super) type Params<'a> = [(&'a str, Option<&'a str>)];

/// A list that was read to its end, or as far as was asked for.
pub(super) struct Listed {
    pub(super) items: Vec<Value>,
    /// How many there are, read or not.
    pub(super) total: usize,
}

impl Listed {
    /// How many were read, and how many there are: `2 of 120 keys`.
    pub(super) fn counted(&self, thing: &str) -> String {
        counted(self.items.len(), self.total, thing)
    }
}

/// How many of all are shown.
pub(super) fn counted(shown: usize, total: usize, thing: &str) -> String {
    match (shown, total) {
        (1, 1) => format!("1 {thing}"),
        (shown, total) if shown == total => format!("{total} {thing}s"),
        (shown, total) => format!("{shown} of {total} {thing}s"),
    }
}

impl Calls {
    /// Finds caller and server. Nothing is sent yet. Answers are tables, unless others are asked for.
    pub(super) fn open(options: &Options) -> anyhow::Result<Self> {
        let Options { reach, output } = options;
        let query = query(output.query.as_deref())?;
        let writer = Writer { query, form: output.output.unwrap_or(Form::Table) };
        Ok(Self { client: Arc::new(Client::open(reach)?), writer })
    }

    /// Calls an operation of KMS.
    pub(super) async fn ask(&self, action: &str, params: &Params<'_>) -> anyhow::Result<Answer> {
        self.ask_of(Product::Kms, action, params).await
    }

    /// Calls an operation of any product.
    pub(super) async fn ask_of(
        &self,
        product: Product,
        action: &str,
        params: &Params<'_>,
    ) -> anyhow::Result<Answer> {
        let given = params.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        self.client.call(product, action, &given.collect::<Vec<_>>()).await
    }

    /// Calls an operation, and writes its answer.
    pub(super) async fn show(&self, action: &str, params: &Params<'_>) -> anyhow::Result<ExitCode> {
        self.writer.write(self.ask(action, params).await?.json())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Calls an operation whose answer describes one thing, and writes it.
    pub(super) async fn show_one(
        &self,
        action: &str,
        params: &Params<'_>,
    ) -> anyhow::Result<ExitCode> {
        self.writer.write_one(self.ask(action, params).await?.json())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Calls an operation whose answer says nothing, and writes what was done.
    pub(super) async fn tell(
        &self,
        action: &str,
        params: &Params<'_>,
        done: &str,
    ) -> anyhow::Result<ExitCode> {
        self.ask(action, params).await?;
        print(&format!("{done}\n"))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Reads the list at a path of an operation's pages, to the end or to `limit` items.
    pub(super) async fn list(
        &self,
        action: &str,
        params: &Params<'_>,
        path: &str,
        limit: Option<usize>,
    ) -> anyhow::Result<Listed> {
        let limit = limit.unwrap_or(usize::MAX);
        // The same size for all pages, for a page begins where others of its size end.
        let size = limit.clamp(1, PAGE).to_string();
        let mut listed = Listed { items: Vec::new(), total: 0 };
        for page in 1.. {
            let page: String = format!("{page}");
            let place = [("PageNumber", Some(&*page)), ("PageSize", Some(&*size))];
            let answer = self.ask(action, &[params, &place].concat()).await?;
            let total = answer.json()["TotalCount"].as_u64().unwrap_or_default();
            listed.total = usize::try_from(total)?;
            let found = answer.list(path);
            listed.items.extend_from_slice(found);
            if found.is_empty() || listed.items.len() >= listed.total.min(limit) {
                break;
            }
        }
        listed.items.truncate(limit);
        Ok(listed)
    }

    /// A key for operations that take no alias: an alias is looked up (`DescribeKey`), anything else
    /// stays as it is. Source: keys.md §2.1.
    pub(super) async fn key(&self, named: &str) -> anyhow::Result<String> {
        if named.parse::<KeyRef>().is_ok_and(|it| it.is_alias()) {
            return self.id(named).await;
        }
        Ok(named.to_owned())
    }

    /// The id of a key, however it is named.
    pub(super) async fn id(&self, named: &str) -> anyhow::Result<String> {
        let shown = self.ask("DescribeKey", &[("KeyId", Some(named))]).await?;
        Ok(shown.text("/KeyMetadata/KeyId").to_owned())
    }
}
