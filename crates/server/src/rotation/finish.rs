//! How a rotation ends, or goes on: one transaction, with its event.

use serde_json::json;
use yaoku_model::{
    arn::Arn,
    ids::Stage,
    secret::{AutomaticRotation, NewStages, Rotation, Secret, SecretType, Step, SubType},
    time::Timestamp,
};
use yaoku_store::Tx;
use yaoku_wire::error::Code;

use super::{begin, password::pause, patience::SETTLES, steps::Trouble};
use crate::{
    due,
    error::ApiError,
    node::Node,
    notices::{self, Level, Notice},
    values::Sealed,
};

/// How often a target is asked that has not said for a day whether it took a candidate. Our choice.
const HOUR: i64 = 3600;

/// Pauses grow up to about ten seconds while a rotation runs, to half a minute while nobody knows
/// whether the current credential works, and to ten minutes else: how often they double. Our choice.
const DOUBLES: [i64; 3] = [3, 5, 10];

/// For so many seconds a key pair before works on: by then every node says which one is current. Our choice.
const GRACE: i64 = 3;

/// How the audit trail and events call it.
const ROTATE: &str = "RotateSecret";

/// The step is done. With `sealed`, the candidate works, and is the current version from now on: this is
/// its value as that version. Without, nothing new was made: the accounts of a new secret are there, or
/// a key before is gone.
pub(super) async fn succeed(
    node: &Node,
    tx: &mut dyn Tx,
    mut secret: Secret,
    rotation: &Rotation,
    sealed: Option<&Sealed>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let managed = secret.managed.as_mut().ok_or_else(ApiError::conflict)?;
    if let Some(sealed) = sealed {
        managed.rotated(rotation.version.clone(), now);
        secret.updated = now;
        keep_version(tx, &mut secret, sealed).await?;
        write_down(node, tx, &secret, None).await?;
        tell(node, tx, &secret, now, None).await?;
    } else {
        went_well(node, tx, &mut secret, rotation, now).await?;
    }
    if sealed.is_some() && begin::config(&secret)?.sub_type == SubType::SshKey {
        let retires = begin::new(&secret, rotation.version.clone(), Step::Retire, now);
        let retires = Rotation { next_try: now.plus_seconds(GRACE), ..retires };
        return Ok(tx.put_rotation(&retires).await?);
    }
    Ok(tx.delete_rotation(&secret.account, &secret.name).await?)
}

/// The accounts of a new secret are made, or a key before is gone. That is known already to who made the
/// secret, or heard that its key is turned, unless it has failed before.
async fn went_well(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &mut Secret,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<(), ApiError> {
    let managed = secret.managed.as_mut().ok_or_else(ApiError::conflict)?;
    let had_failed = managed.automatic == AutomaticRotation::Invalid;
    let first = managed.last_rotation.filter(|_| rotation.step == Step::Retire);
    let is_first = rotation.started == first.unwrap_or(secret.created);
    if had_failed {
        managed.mend(secret.created);
        secret.updated = now;
        tx.update_secret(secret).await?;
    }
    if had_failed || !is_first {
        tell(node, tx, secret, now, None).await?;
    }
    Ok(())
}

/// Makes a version current, and keeps none but the one before it.
async fn keep_version(
    tx: &mut dyn Tx,
    secret: &mut Secret,
    sealed: &Sealed,
) -> Result<(), ApiError> {
    if sealed.key != secret.key {
        return Err(ApiError::conflict());
    }
    let before = tx.secret_version_ids(&secret.account, &secret.name).await?;
    let stages = NewStages::new([Stage::current()]).map_err(|_| Code::InternalFailure)?;
    secret.label_new(&sealed.version.id, &stages)?;
    tx.put_secret_version(secret, &sealed.version, None).await?;
    for old in before.iter().filter(|it| secret.stages_of(it).next().is_none()) {
        tx.delete_secret_version(&secret.account, &secret.name, old).await?;
    }
    Ok(())
}

/// The step was not done: it is tried again later; or, for too long, the rotation has failed.
pub(super) async fn put_off(
    node: &Node,
    tx: &mut dyn Tx,
    mut secret: Secret,
    mut rotation: Rotation,
    trouble: &Trouble,
    now: Timestamp,
) -> Result<(), ApiError> {
    let age = now.unix_seconds() - rotation.started.unix_seconds();
    let given_up = age >= trouble.patience();
    let managed = secret.managed.as_mut().ok_or_else(ApiError::conflict)?;
    let fails = match rotation.step {
        Step::Apply => given_up,
        Step::Create | Step::Retire => given_up && managed.automatic != AutomaticRotation::Invalid,
        _ => false,
    };
    if fails {
        managed.fail();
        secret.updated = now;
        tx.update_secret(&secret).await?;
        write_down(node, tx, &secret, Some(trouble)).await?;
        tell(node, tx, &secret, now, Some(trouble)).await?;
    }
    match rotation.step {
        // Of somebody else's account nothing was asked.
        Step::Apply | Step::Settle if matches!(trouble, Trouble::CurrentRefused) => {
            return Ok(tx.delete_rotation(&secret.account, &secret.name).await?);
        }
        Step::Apply if given_up => (rotation.step, rotation.tries) = (Step::Settle, 0),
        Step::Settle if age >= SETTLES && matches!(trouble, Trouble::NotTaken) => {
            return Ok(tx.delete_rotation(&secret.account, &secret.name).await?);
        }
        _ => {}
    }
    let doubles = match rotation.step {
        Step::Apply => DOUBLES[0],
        Step::Settle if !trouble.is_silence() => DOUBLES[2],
        _ => DOUBLES[1],
    };
    let pause = match pause(&*node.random, rotation.tries.min(doubles))? {
        _ if age >= SETTLES || matches!(trouble, Trouble::AccountExists) => HOUR,
        pause => pause,
    };
    rotation.tries += 1;
    rotation.next_try = now.plus_seconds(pause);
    rotation.held_until = None;
    Ok(tx.put_rotation(&rotation).await?)
}

/// A rotation that could not begin, or whose user is gone, has failed.
pub(super) async fn fail_to_begin(
    node: &Node,
    tx: &mut dyn Tx,
    mut secret: Secret,
    trouble: &Trouble,
    now: Timestamp,
) -> Result<(), ApiError> {
    secret.managed.as_mut().ok_or_else(ApiError::conflict)?.fail();
    secret.updated = now;
    tx.update_secret(&secret).await?;
    write_down(node, tx, &secret, Some(trouble)).await?;
    tell(node, tx, &secret, now, Some(trouble)).await
}

/// Writes into the audit trail that a credential was turned, or why not.
pub(super) async fn write_down(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    trouble: Option<&Trouble>,
) -> Result<(), ApiError> {
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    let code = trouble.map(Trouble::code);
    Ok(due::leave_event_of(node, tx, &secret.account, &arn, ROTATE, code).await?)
}

/// Tells how it ended. Source: secrets.md §6.8.
pub(super) async fn tell(
    node: &Node,
    tx: &mut dyn Tx,
    secret: &Secret,
    now: Timestamp,
    trouble: Option<&Trouble>,
) -> Result<(), ApiError> {
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    let mut content = json!({
        "secretName": secret.name.as_str(),
        "secretType": secret.kind.as_str(),
        "RotationEntityArn": entity(node, secret)?,
    });
    // The two samples of the vendor's do not agree on this name.
    let (sub_type, time) = match trouble {
        None => ("secretSubType", "successTime"),
        Some(_) => ("rotationSubType", "failureTime"),
    };
    // A generic secret has neither.
    if let Some(managed) = &secret.managed {
        content["rotationStatus"] = managed.automatic.as_str().into();
        content[sub_type] = begin::config(secret)?.sub_type.as_str().into();
    }
    content[time] = now.to_string().into();
    if let Some(trouble) = trouble {
        content["failureInfo"] =
            json!({ "errorCode": trouble.code(), "errorMessage": trouble.message() });
    }
    let failed = trouble.is_some();
    let name = if failed { "Secret:RotateSecret:Failure" } else { "Secret:RotateSecret:Success" };
    let level = if failed { Level::Critical } else { Level::Info };
    let notice = Notice { name, level, account: &secret.account, about: &arn, content };
    notices::leave(node, tx, notice, now).await
}

/// What the credential is of, as an ARN. Source: secrets.md §6.8, which has a form for RDS, and for ECS
/// the secret's own ARN; that the others do so too is our choice.
fn entity(node: &Node, secret: &Secret) -> Result<String, ApiError> {
    let (region, account) = (&node.region, &secret.account);
    if secret.kind == SecretType::Rds
        && let Some(id) = begin::config(secret)?.target()
    {
        return Ok(format!("acs:rds:{region}:{account}:dbinstance/{id}"));
    }
    Ok(Arn::secret(region, account, &secret.name).as_str().to_owned())
}
