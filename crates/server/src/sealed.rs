//! A sealed program: what opens the root key is handed in through the admin socket, in pieces if
//! need be, and kept only until it is enough.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::{Mutex, Notify};
use yaoku_model::ids::Region;
use yaoku_store::Store;
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use crate::{
    error::ApiError,
    root::{self, NamedOpener, OpenedRoot, Opener, RootError, Share, WrapKind, WrapName},
};

/// A wrap of the root key that somebody must be asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Awaited {
    /// Its name.
    pub name: WrapName,
    /// How it is opened.
    pub kind: WrapKind,
    /// How many pieces open it: 1, but for shares.
    pub needed: u8,
}

/// What waits for the root key.
pub struct Sealed {
    store: Arc<dyn Store>,
    region: Region,
    awaited: Vec<Awaited>,
    inner: Mutex<Inner>,
    opened: Notify,
}

#[derive(Default)]
struct Inner {
    shares: BTreeMap<WrapName, Vec<Share>>,
    /// Whether it was enough.
    done: bool,
    /// Until somebody takes it.
    root: Option<OpenedRoot>,
}

impl Sealed {
    /// Nothing was handed in yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, region: Region, awaited: Vec<Awaited>) -> Self {
        Self { store, region, awaited, inner: Mutex::default(), opened: Notify::new() }
    }

    /// Whether there is anything that somebody could hand in.
    #[must_use]
    pub fn can_be_opened(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// Waits until what was handed in is enough, and takes the root key.
    pub async fn opened(&self) -> OpenedRoot {
        loop {
            self.opened.notified().await;
            if let Some(root) = self.inner.lock().await.root.take() {
                return root;
            }
        }
    }

    /// Serves the two operations of a sealed program. They are nobody's but the operator's, who may
    /// open the socket; there is no journal yet, so the log says what was handed in.
    pub(crate) async fn answer(
        &self,
        action: &str,
        params: &mut Params,
    ) -> Result<Fields, ApiError> {
        match action {
            "GetSealStatus" => Ok(self.status().await),
            "Unseal" => self.unseal(params).await,
            _ => Err(ApiError::sealed()),
        }
    }

    async fn status(&self) -> Fields {
        let inner = self.inner.lock().await;
        let wraps = self.awaited.iter().map(|it| {
            let given = inner.shares.get(&it.name).map_or(0, Vec::len);
            Fields::default()
                .text("Name", it.name.as_str())
                .text("Kind", it.kind.as_str())
                .number("Given", i64::try_from(given).unwrap_or(i64::MAX))
                .number("Needed", i64::from(it.needed))
        });
        Fields::default().flag("Sealed", !inner.done).list("Wraps", "Wrap", wraps.collect())
    }

    /// Takes a share or a passphrase. Of shares, any order will do, and one twice counts once.
    async fn unseal(&self, params: &mut Params) -> Result<Fields, ApiError> {
        let mut inner = self.inner.lock().await;
        if !inner.done {
            if let Some(text) = params.text("Share") {
                let share: Share = text.parse().map_err(|_| ApiError::invalid("Share"))?;
                self.take_share(&mut inner, share).await?;
            } else {
                let wrap: WrapName = params.required("Wrap")?;
                let text = params.text("Passphrase").ok_or(ApiError::missing("Passphrase"))?;
                let by = Opener::Passphrase(text.as_str().into());
                self.open(&mut inner, NamedOpener { wrap, by }).await?;
            }
        }
        drop(inner);
        Ok(self.status().await)
    }

    async fn take_share(&self, inner: &mut Inner, share: Share) -> Result<(), ApiError> {
        let wrap = share.wrap().clone();
        let awaited = self.awaited.iter().find(|it| it.name == wrap);
        let needed = awaited.ok_or_else(|| ApiError::invalid("Share"))?.needed;
        let shares = inner.shares.entry(wrap.clone()).or_default();
        if !shares.iter().any(|it| it.number() == share.number()) {
            shares.push(share);
        }
        let given = shares.len();
        tracing::info!(%wrap, given, needed, "a share was handed in");
        if given < usize::from(needed) {
            return Ok(());
        }
        // If they do not open it, one of them is wrong, and nobody knows which: they begin again.
        let shares = std::mem::take(shares);
        self.open(inner, NamedOpener { wrap, by: Opener::Shares(shares) }).await
    }

    async fn open(&self, inner: &mut Inner, by: NamedOpener) -> Result<(), ApiError> {
        match root::open(&*self.store, &self.region, &[by]).await {
            Ok(root) => {
                tracing::info!("unsealed");
                (inner.done, inner.root) = (true, Some(root));
                self.opened.notify_one();
                Ok(())
            }
            // The reason is in the log.
            Err(RootError::Sealed(_)) => Err(ApiError::invalid("Share or Passphrase")),
            Err(error) => Err(ApiError::caused(Code::ServiceUnavailableTemporary, error)),
        }
    }
}

impl ApiError {
    /// The program is sealed: nobody is known to it.
    #[must_use]
    pub(crate) fn sealed() -> Self {
        yaoku_wire::error::Refusal::from(Code::ServiceUnavailableTemporary)
            .with_message("The server is sealed: its operator opens it with yaoku unseal.")
            .into()
    }
}
