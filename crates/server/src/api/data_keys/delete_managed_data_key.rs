//! `DeleteManagedDataKey`: deletes one version of a managed data key, or all of them, at once.
//!
//! The vendor's clients have no operation for it (keys.md §13), so it is of our administration.

use yaoku_model::{arn::Arn, ids::VersionId};
use yaoku_store::Page;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::DataKeyName;
use crate::{
    api::{Effect, Operation, Spec, admin::ADMIN},
    call::Call,
    error::ApiError,
};

/// How it is said that this is meant: as of `DeleteSecret`. There is no other way to delete one, as
/// a version that waited would still be the oldest or the newest to whoever asks for that.
const FLAG: &str = "ForceDeleteWithoutRecovery";

/// How many versions are looked up at once.
const PAGE: i64 = 100;

/// A request to delete: the version named, or all.
#[derive(Debug)]
pub(super) struct DeleteManagedDataKey {
    name: DataKeyName,
    version: Option<VersionId>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Deleted {
    name: DataKeyName,
    versions: i64,
}

impl Operation for DeleteManagedDataKey {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteManagedDataKey",
        effect: Effect::Write,
        errors: &[&[Code::ResourceNotFound]],
        example: &[("DataKeyName", "orders"), ("DataKeyVersionId", "xH6OPUmz"), (FLAG, "true")],
        ..ADMIN
    };

    type Response = Deleted;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (name, version) =
            (params.required("DataKeyName")?, params.optional("DataKeyVersionId")?);
        match params.flag(FLAG)? {
            Some(true) => Ok(Self { name, version }),
            Some(false) => Err(ApiError::invalid(FLAG)),
            None => Err(ApiError::missing(FLAG)),
        }
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Deleted, ApiError> {
        call.allow(&Arn::any())?;
        let versions = match &self.version {
            Some(id) => self.delete_one(call, id).await?,
            None => self.delete_all(call).await?,
        };
        if versions == 0 {
            return Err(Code::ResourceNotFound.into());
        }
        Ok(Deleted { name: self.name.clone(), versions })
    }
}

impl DeleteManagedDataKey {
    async fn delete_one(&self, call: &mut Call<'_>, id: &VersionId) -> Result<i64, ApiError> {
        let (account, name) = (call.account(), self.name.version(id)?);
        if call.tx()?.secret(account, &name).await?.is_none() {
            return Ok(0);
        }
        call.tx()?.delete_secret(account, &name).await?;
        call.touch(call.secret_arn(&name));
        Ok(1)
    }

    async fn delete_all(&self, call: &mut Call<'_>) -> Result<i64, ApiError> {
        let (account, filter) = (call.account(), self.name.filter(call));
        let mut deleted = 0;
        loop {
            let first = Page { number: 1, size: PAGE };
            let found = call.tx()?.list_secrets(account, &filter, first).await?.items;
            if found.is_empty() {
                break;
            }
            for it in &found {
                call.tx()?.delete_secret(account, &it.name).await?;
                deleted += 1;
            }
        }
        if deleted > 0 {
            call.touch(self.name.arn(call)?);
        }
        Ok(deleted)
    }
}

impl Encode for Deleted {
    fn encode(self) -> Fields {
        Fields::default().text("DataKeyName", self.name.0).number("DeletedVersions", self.versions)
    }
}
