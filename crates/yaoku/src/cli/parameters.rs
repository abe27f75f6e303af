//! What an operation takes, as options of a command: made from its entry in the list.

use clap::Arg;
use yaoku_server::api::{Entry, Spec};
use yaoku_wire::params::Params;

/// What is added to a parameter's name to read its value from a file. Source: clients.md A.3.
pub(super) const FILE: &str = "-FILE";

/// How many items a repeated parameter has at most, by its name; `*` is any other. Source: keys.md
/// §14, tags. RAM's names are not limited there: as many as KMS's is our choice.
const MOST: &[(&str, usize)] = &[("ResourceId", 50), ("ResourceNames", 50), ("*", 20)];

/// The options of an operation, what is required first.
pub(super) fn args(entry: &'static Entry) -> Vec<Arg> {
    let spec = entry.spec;
    let dry_run = spec.dry_run.then_some(("DryRun", "true"));
    let named = spec.example.iter().copied().chain(dry_run);
    let (required, optional): (Vec<_>, Vec<_>) =
        named.partition(|(name, _)| is_required(entry, name));
    let under = |heading: &'static str, named: Vec<(&'static str, &'static str)>| {
        let args = named.into_iter().flat_map(|(name, it)| parameter(spec, name, it));
        args.map(move |it| it.help_heading(heading))
    };
    under("Required parameters", required).chain(under("Optional parameters", optional)).collect()
}

/// The names of all parameters that an operation reads.
pub(super) fn names(spec: &Spec) -> Vec<String> {
    let dry_run = spec.dry_run.then_some("DryRun");
    spec.example.iter().map(|(name, _)| *name).chain(dry_run).flat_map(items).collect()
}

/// The option that reads a parameter's value from a file.
pub(super) fn in_file(name: &str) -> String {
    format!("{name}{FILE}")
}

/// A parameter, each of its items if it is repeated, and the same from files.
fn parameter(spec: &Spec, name: &str, example: &str) -> Vec<Arg> {
    let secret = spec.secret_params.contains(&name);
    let said = SAID.iter().find(|it| (it.0, it.1) == (spec.name, name));
    let such = match example {
        _ if said.is_some() => said.map_or("", |it| it.2).to_owned(),
        _ if secret => "A secret: others see a command line, so give it in a file".to_owned(),
        "" => "May be left out".to_owned(),
        _ => format!("Such as {example}"),
    };
    let mut args = Vec::new();
    for (nth, item) in items(name).into_iter().enumerate() {
        let file = in_file(&item);
        let value = Arg::new(item.clone()).long(item.clone()).value_name("VALUE");
        args.push(value.help(such.clone()).hide(nth > 0).conflicts_with(file.clone()));
        let file = Arg::new(file.clone()).long(file).value_name("PATH");
        args.push(file.help("The same, from a file").hide(nth > 0 || !secret));
    }
    args
}

/// What an operation needs for some values of another parameter alone.
const SOMETIMES: &[(&str, &str)] = &[
    // To take a stage from a version will do, unless it is ACSCurrent. Source: secrets.md.
    ("UpdateSecretVersionStage", "MoveToVersion"),
    // One of three names. Source: keys.md, SetDeletionProtection.
    ("SetDeletionProtection", "KeyId"),
];

/// What is said of parameters of which no example says enough.
const SAID: &[(&str, &str, &str)] = &[
    (
        "SetDeletionProtection",
        "KeyId",
        "A key's id. One of KeyId, KmsInstanceId and ProtectedResourceArn is needed",
    ),
    ("SetDeletionProtection", "KmsInstanceId", "An instance's id, instead of KeyId"),
    (
        "SetDeletionProtection",
        "ProtectedResourceArn",
        "The ARN of a key or an instance, instead of KeyId",
    ),
    (
        "RotateSecret",
        "RotationWindow",
        "Of RAMCredentials: how long the access key before works on, 10m to 2d. Our own",
    ),
    ("ListNotices", "SecretName", "A secret's name or ARN: what is told of it alone"),
];

/// Whether the operation refuses its example without this parameter, also if any one other is left
/// out or switched off: an interval is not required that only a switch asks for.
///
/// It is asked of the operation itself, so that help cannot say otherwise than the server.
fn is_required(entry: &Entry, name: &str) -> bool {
    let example = entry.spec.example;
    if !example.iter().any(|(it, _)| *it == name) || SOMETIMES.contains(&(entry.spec.name, name)) {
        return false;
    }
    let taken = |other: &str, instead: Option<&str>| {
        let left = example.iter().filter(|(it, _)| *it != name).filter_map(|(it, value)| {
            if *it == other { Some((*it, instead?)) } else { Some((*it, *value)) }
        });
        entry.parse(&mut left.collect::<Params>()).is_ok()
    };
    let off = |value: &str| (value == "true").then_some("false");
    !example.iter().any(|(it, value)| {
        taken(it, None) || off(value).is_some_and(|instead| taken(it, Some(instead)))
    })
}

/// The names that an example's stands for: `Tag.1.Key` for `Tag.2.Key` too.
fn items(name: &str) -> Vec<String> {
    let mut parts = name.splitn(3, '.');
    let (prefix, first, rest) = (parts.next(), parts.next(), parts.next());
    let (Some(prefix), Some("1")) = (prefix, first) else { return vec![name.to_owned()] };
    let rest = rest.map_or(String::new(), |it| format!(".{it}"));
    let most = MOST.iter().find(|(it, _)| *it == prefix || *it == "*").map_or(1, |it| it.1);
    (1..=most).map(|nth| format!("{prefix}.{nth}{rest}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use yaoku_server::api::{Product, operation, operations};

    use super::{is_required, items};

    #[test]
    fn repeated_parameters_have_as_many_items_as_the_api_takes() {
        assert_eq!(items("KeyId"), ["KeyId"]);
        assert_eq!(items("Tag.1.Key")[1], "Tag.2.Key");
        assert_eq!(items("Tag.1.Key").len(), 20);
        assert_eq!(items("ResourceId.1").last().unwrap(), "ResourceId.50");
    }

    fn required(product: Product, name: &str) -> BTreeSet<&'static str> {
        let entry = operation(product, name).unwrap();
        let names = entry.spec.example.iter().map(|(it, _)| *it);
        names.filter(|it| is_required(entry, it)).map(|it| it.split('.').next().unwrap()).collect()
    }

    #[test]
    fn what_only_another_parameter_asks_for_is_not_required() {
        for (name, expected) in [
            ("CreateKey", &[][..]),
            ("Encrypt", &["KeyId", "Plaintext"]),
            ("UpdateRotationPolicy", &["KeyId", "EnableAutomaticRotation"]),
            ("TagResources", &["ResourceType", "ResourceId", "Tag"]),
            ("TagResource", &["KeyId", "Tags"]),
        ] {
            let expected: BTreeSet<&str> = expected.iter().copied().collect();
            assert_eq!(required(Product::Kms, name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_required_is_what_the_vendor_says() {
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../vectors/api/kms-2016-01-20.json"
        ));
        let vendor: Value = serde_json::from_str(text).unwrap();
        let mut different = Vec::new();
        for spec in operations().map(|it| it.spec).filter(|it| it.product == Product::Kms) {
            let Some(known) = vendor["operations"][spec.name]["request"].as_array() else {
                continue;
            };
            let theirs: BTreeSet<&str> = known
                .iter()
                .filter(|it| it["required"] == true)
                .filter_map(|it| it["name"].as_str())
                .collect();
            let ours = required(Product::Kms, spec.name);
            let more = ours.difference(&theirs).map(|it| format!("{} +{it}", spec.name));
            let less = theirs.difference(&ours).map(|it| format!("{} -{it}", spec.name));
            different.extend(more.chain(less));
        }
        assert_eq!(different, DIFFERENT);
    }

    /// Operation, and what the vendor's clients have as required and we do not (-), or the other way
    /// round (+). `RegionId` comes from a profile, and what a thing is found by is needed.
    const DIFFERENT: &[&str] = &[
        "GetManagedDataKey +DataKeyName",
        "ListManagedDataKeyVersions +DataKeyName",
        "ImportKeyMaterial -KeyMaterialExpireUnix",
        "ScheduleKeyDeletion -PendingWindowInDays",
        "BatchGetSecretValue +SecretsList",
        "ListTagResources -RegionId",
        "TagResource +KeyId",
        "TagResources -RegionId",
        "UntagResource +KeyId",
        "UntagResources +TagKey",
        "UntagResources -RegionId",
    ];
}
