//! One call through the admin socket.

use std::{io, path::Path};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use serde_json::{Map, Value};
use tokio::net::UnixStream;
use yaoku_model::ids::AccountId;
use yaoku_server::{api::Product, listen::ADMIN_SOCKET};

use crate::exchange::{Answer, Refused, exchange};

/// Calls an operation as the one who runs the program. Parameters without a value are left out.
pub(crate) async fn call(
    data: &Path,
    account: Option<&AccountId>,
    product: Product,
    action: &str,
    params: &[(&str, Option<&str>)],
) -> anyhow::Result<Result<Answer, Refused>> {
    let stream = connect(data).await?;
    let version = product.version();
    let mut request = Request::post(format!("/?Action={action}&Version={version}"))
        .header(header::HOST, "yaoku")
        .header(header::USER_AGENT, concat!("yaoku/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(account) = account {
        request = request.header("x-yaoku-account", account.as_str());
    }
    exchange(stream, request.body(body(params))?).await
}

fn body(params: &[(&str, Option<&str>)]) -> Full<Bytes> {
    let given = params.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let members: Map<String, Value> =
        given.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    Full::new(Value::from(members).to_string().into())
}

async fn connect(data: &Path) -> anyhow::Result<UnixStream> {
    let path = data.join(ADMIN_SOCKET);
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(stream),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            bail!(
                "no yaoku is running on {}: start one there, or name another --data",
                data.display()
            )
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be opened", path.display())),
    }
}
