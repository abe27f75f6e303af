//! `KeyMetadata`, as `CreateKey` and `DescribeKey` answer it. Source: keys.md §4.

use yaoku_model::{
    arn::Arn,
    ids::{InstanceId, Region},
    key::{Key, Origin},
    time::Timestamp,
};
use yaoku_wire::fields::Fields;

/// The fields that both answers have, as they are at `now`.
pub(super) fn metadata(region: &Region, key: &Key, now: Timestamp) -> Fields {
    let fields = Fields::default()
        .text("KeyId", key.id.as_str())
        .text("Arn", Arn::key(region, &key.account, &key.id).as_str())
        .text("Creator", key.account.as_str())
        .text("CreationDate", key.created.to_string())
        .text("Description", key.description.as_str())
        .text("KeySpec", key.spec.as_str())
        .text("KeyUsage", key.usage.as_str())
        .text("KeyState", key.state_at(now).as_str())
        .text("Origin", key.origin.as_str())
        .text("ProtectionLevel", key.protection.as_str())
        .text("DeleteDate", date_or_empty(key.delete_at))
        .text("MaterialExpireTime", date_or_empty(key.material_expires.filter(|it| *it > now)))
        .maybe_text("DKMSInstanceId", key.instance.as_ref().map(InstanceId::as_str))
        .maybe_text("LastRotationDate", key.last_rotation.map(|it| it.to_string()));
    rotation(primary(fields, key, now), key, now)
}

/// The fields that `DescribeKey` adds. Source: keys.md §4 (deletion protection).
pub(super) fn protection(fields: Fields, key: &Key) -> Fields {
    let on = key.deletion_protection.as_ref();
    fields
        .text("DeletionProtection", if on.is_some() { "Enabled" } else { "Disabled" })
        .maybe_text("DeletionProtectionDescription", on.cloned())
}

/// Symmetric keys that have material name their primary version; asymmetric ones have none.
fn primary(fields: Fields, key: &Key, now: Timestamp) -> Fields {
    let symmetric = !key.spec.is_asymmetric();
    match key.primary.as_ref().filter(|_| !key.has_expired(now)) {
        Some(version) if symmetric => fields.text("PrimaryKeyVersion", version.as_str()),
        None if symmetric && key.origin == Origin::External => fields.text("PrimaryKeyVersion", ""),
        _ => fields,
    }
}

/// Interval and date are shown only while rotation is on, suspended or not.
fn rotation(fields: Fields, key: &Key, now: Timestamp) -> Fields {
    let fields = fields.text("AutomaticRotation", key.automatic_rotation(now).as_str());
    let Some(seconds) = key.rotation_seconds else { return fields };
    fields
        .text("RotationInterval", format!("{seconds}s"))
        .maybe_text("NextRotationDate", key.next_rotation().map(|it| it.to_string()))
}

fn date_or_empty(date: Option<Timestamp>) -> String {
    date.map_or_else(String::new, |it| it.to_string())
}
