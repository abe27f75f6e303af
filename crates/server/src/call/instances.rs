//! Instances in a call.

use yaoku_model::{
    arn::Arn,
    ids::{AccountId, InstanceId},
    instance::{Instance, InstanceStatus},
    tag::TagKind,
};
use yaoku_store::Tx;
use yaoku_wire::error::Code;

use super::{Ask, Call};
use crate::error::ApiError;

/// What [`Call::running_instance`] may answer.
pub const RUNNING_INSTANCE: &[Code] = &[Code::DkmsInstanceNotFound, Code::DkmsInstanceStateInvalid];

impl Call<'_> {
    /// Finds the instance called `id`. Works on the transaction.
    pub async fn instance(&mut self, id: &InstanceId) -> Result<Instance, ApiError> {
        let account = self.account();
        let arn = Arn::instance(self.region(), account, id);
        let found = self.tx()?.instance(id).await?.filter(|it| it.account == *account);
        let tags = match &found {
            Some(_) => self.tx()?.tags(account, TagKind::Instance, id.as_str()).await?,
            None => Vec::new(),
        };
        self.judge(Ask::to(self.spec.action()), account, &[&arn], &tags, None)?;
        found.ok_or(Code::DkmsInstanceNotFound.into())
    }

    /// Finds a running instance of the caller's account, to make something in it. Works on the
    /// transaction. Source: keys.md §3.1.
    pub async fn running_instance(&mut self, id: &InstanceId) -> Result<Instance, ApiError> {
        let account = self.account();
        running_instance(self.tx()?, account, id).await
    }

    /// Fails unless the instance, if there is one, is in service. Works on the transaction.
    ///
    /// Source: keys.md §5 (`Unavailable`), secrets.md §1.5.
    pub async fn must_be_connected(
        &mut self,
        instance: Option<&InstanceId>,
    ) -> Result<(), ApiError> {
        let Some(id) = instance else { return Ok(()) };
        match self.tx()?.instance(id).await? {
            Some(it) if it.status == InstanceStatus::Connected => Ok(()),
            _ => Err(Code::KeyUnavailable.into()),
        }
    }
}

/// Finds a running instance of an account.
pub async fn running_instance(
    tx: &mut dyn Tx,
    account: &AccountId,
    id: &InstanceId,
) -> Result<Instance, ApiError> {
    let found = tx.instance(id).await?.filter(|it| it.account == *account);
    let found = found.ok_or(Code::DkmsInstanceNotFound)?;
    match found.status {
        InstanceStatus::Connected => Ok(found),
        _ => Err(Code::DkmsInstanceStateInvalid.into()),
    }
}
