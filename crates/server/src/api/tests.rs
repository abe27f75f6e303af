//! Tests over the whole list, and of what every operation answers.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use yaoku_wire::{fields::Fields, params::Params};

use super::{COMMON, DRY_RUN, Effect, Entry, Product, operations};

/// What the vendor's own clients know of each operation's parameters and answer.
static VENDOR: LazyLock<[(Product, Value); 3]> = LazyLock::new(|| {
    macro_rules! described {
        ($file:literal) => {
            serde_json::from_str(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../vectors/api/",
                $file
            )))
            .unwrap()
        };
    }
    [
        (Product::Kms, described!("kms-2016-01-20.json")),
        (Product::Ram, described!("ram-2015-05-01.json")),
        (Product::Sts, described!("sts-2015-04-01.json")),
    ]
});

#[test]
fn names_are_unique() {
    let mut seen = BTreeSet::new();
    for it in operations() {
        let (version, name) = (it.spec.product.version(), it.spec.name);
        assert!(seen.insert((version, name)), "{name} is listed twice");
    }
}

#[test]
fn declared_errors_do_not_repeat_the_common_ones() {
    for it in operations() {
        for code in it.spec.errors.iter().copied().flatten() {
            let common = COMMON.contains(code) || DRY_RUN.contains(code);
            assert!(!common, "{} declares {code:?}", it.spec.name);
        }
    }
}

#[test]
fn every_operation_says_where_it_comes_from() {
    for it in operations() {
        assert!(!it.spec.source.is_empty(), "{} has no source", it.spec.name);
    }
}

#[test]
fn examples_parse_and_nothing_is_left() {
    for it in operations() {
        let mut params: Params = it.spec.example.iter().copied().collect();
        if let Err(error) = it.parse(&mut params) {
            panic!("{}: {error}", it.spec.name);
        }
        assert_eq!(params.left().next(), None, "{} does not read it", it.spec.name);
    }
}

/// What only older clients call, so that the newer ones' description lacks it. Source: keys.md §1.2.
const WITHDRAWN: &[&str] = &["AdvanceEncrypt", "DescribeService"];

/// Parameters of our own, which the vendor's clients cannot send. Source: secrets.md §4.11.
const OURS: &[(&str, &str)] = &[("RotateSecret", "RotationWindow")];

/// With the test before this one: every parameter that the vendor's clients send is read.
#[test]
fn examples_have_the_vendors_parameters_and_no_others() {
    for it in vendors_operations() {
        let mut vendors: BTreeSet<&str> = names(&vendor(it)["request"]).collect();
        assert_eq!(vendors.remove("DryRun"), it.spec.dry_run, "{}", it.spec.name);
        let extension = |name: &str| OURS.contains(&(it.spec.name, name));
        let ours = it.spec.example.iter().filter(|it| !extension(it.0));
        let ours: BTreeSet<&str> = ours.map(|(it, _)| it.split('.').next().unwrap()).collect();
        assert_eq!(ours, vendors, "{}", it.spec.name);
    }
}

/// Where we ask for more or less than the vendor's description, RAM's left out, and why.
const ASKED_OTHERWISE: &[(&str, &str, &str)] = &[
    ("GetManagedDataKey", "DataKeyName", "there is nothing else to find it by"),
    ("ListManagedDataKeyVersions", "DataKeyName", "the same"),
    ("BatchGetSecretValue", "SecretsList", "there is nothing to get without it"),
    ("ImportKeyMaterial", "KeyMaterialExpireUnix", "without it, material does not expire"),
    ("ScheduleKeyDeletion", "PendingWindowInDays", "it has a default"),
    ("UntagResources", "TagKey", "unless all are named, as the example does not"),
    ("ListTagResources", "RegionId", "there is one region, and clients leave it out"),
    ("TagResources", "RegionId", "the same"),
    ("UntagResources", "RegionId", "the same"),
    ("UpdateSecretRotationPolicy", "RotationInterval", "it turns rotation on, as the example does"),
    ("AssumeRoleWithOIDC", "OIDCProviderArn", "nobody else says who calls"),
    ("AssumeRoleWithOIDC", "OIDCToken", "the same"),
    ("AssumeRoleWithOIDC", "RoleArn", "as of AssumeRole"),
    ("AssumeRoleWithOIDC", "RoleSessionName", "the same"),
];

#[test]
fn what_the_vendor_requires_is_required_and_nothing_else() {
    let mut wrong = Vec::new();
    for it in vendors_operations() {
        let name = it.spec.name;
        let request = vendor(it)["request"].as_array().into_iter().flatten();
        let required = request.filter(|it| it["required"] == true);
        let vendors: BTreeSet<&str> = required.map(|it| it["name"].as_str().unwrap()).collect();
        let mut ours: BTreeSet<&str> = it.required().into_iter().collect();
        if it.spec.product == Product::Ram {
            // Its description leaves that to the service. Source: identity.md §2.2.
            ours.retain(|it| vendors.contains(it));
        }
        let listed = |asked: &&(&str, _, _)| it.spec.product != Product::Ram && asked.0 == name;
        let listed = ASKED_OTHERWISE.iter().filter(listed).map(|it| it.1).collect();
        let otherwise: BTreeSet<&str> = ours.symmetric_difference(&vendors).copied().collect();
        if otherwise != listed {
            wrong.push(format!("{name}: ours {ours:?}, the vendor's {vendors:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever gives tags says which: see [`super::Operation::tags`].
#[test]
fn what_takes_tags_to_give_shows_them_to_policies() {
    let mut found = 0;
    for it in operations().filter(|it| it.spec.effect == Effect::Write) {
        let mut params: Params = it.spec.example.iter().copied().collect();
        let request = it.parse(&mut params).unwrap();
        let takes = it.spec.example.iter().any(|(it, _)| *it == "Tags" || *it == "Tag.1.Value");
        assert_eq!(!request.tags().is_empty(), takes, "{}", it.spec.name);
        found += usize::from(takes);
    }
    assert!(found >= 7, "{found}");
}

#[test]
fn secret_parameters_are_parameters() {
    for it in operations() {
        for name in it.spec.secret_params {
            let found = it.spec.example.iter().any(|(it, _)| it == name);
            assert!(found, "{} has no {name}", it.spec.name);
        }
    }
}

/// In Base64 it is a parameter that is bytes; as it stands it is one that is text.
const CANARY: &str = "canarycanary";

#[test]
fn no_request_shows_a_secret_to_whoever_prints_it() {
    let encoded = STANDARD.encode(CANARY);
    let listed = format!("{:?}", CANARY.as_bytes());
    let listed_encoded = format!("{:?}", encoded.as_bytes());
    let shown = [
        CANARY,
        &encoded,
        listed.trim_matches(['[', ']']),
        listed_encoded.trim_matches(['[', ']']),
    ];
    let mut tried = 0;
    for it in operations() {
        for name in it.spec.secret_params {
            let sent = |of: &(&'static str, &'static str)| match of {
                (secret, _) if secret == name && *name != "Shares" => (of.0, &*encoded),
                other => *other,
            };
            let mut params: Params = it.spec.example.iter().map(sent).collect();
            let request = match it.parse(&mut params) {
                Ok(request) => format!("{request:?}"),
                Err(error) => format!("{error:?}"),
            };
            for text in shown {
                assert!(!request.contains(text), "{} shows {name}: {request}", it.spec.name);
            }
            tried += 1;
        }
    }
    assert!(tried > 8, "{tried}");
}

#[test]
fn one_operation_is_one_file_of_its_name_and_one_line_in_the_list() {
    let mut found = BTreeSet::new();
    for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api"))) {
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let product = product_of(&file, &text);
        for rest in text.split("impl Operation for ").skip(1) {
            let name = rest.split(' ').next().unwrap().to_owned();
            assert_eq!(snake(&name), stem, "{}", file.display());
            assert!(found.insert((product.prefix(), name.clone())), "{name} is there twice");
        }
    }
    let named = |it: &'static Entry| (it.spec.product.prefix(), it.spec.name.to_owned());
    let listed: BTreeSet<_> = operations().map(named).collect();
    if cfg!(not(feature = "test-clock")) {
        let only_there = (Product::Yaoku.prefix(), "AdvanceClock".to_owned());
        assert!(found.remove(&only_there), "the one that is not always listed");
    }
    assert_eq!(found, listed);
}

/// The product of the operation in a file: RAM and STS have folders of their own.
fn product_of(file: &Path, text: &str) -> Product {
    let folder = |name: &str| file.iter().any(|it| it == name);
    match () {
        () if folder("ram") => Product::Ram,
        () if folder("sts") => Product::Sts,
        () if text.contains("..ADMIN") => Product::Yaoku,
        () => Product::Kms,
    }
}

/// Fields that the documentation has and no client reads. Source: secrets.md §4.2.
const DOCUMENTED: &[&str] = &["DescribeSecret.Creator"];

/// Fails if an answer has a field that the vendor's clients do not know. The harness asks it about
/// every answer that a test gets.
pub(crate) fn must_be_known(entry: &Entry, answer: &Fields) {
    if is_vendors(entry) {
        must_be_among(entry.spec.name, &vendor(entry)["response"], answer);
    }
}

fn must_be_among(path: &str, known: &Value, answer: &Fields) {
    for name in answer.names() {
        let path = format!("{path}.{name}");
        if DOCUMENTED.contains(&&*path) {
            continue;
        }
        let mut known = known.as_array().into_iter().flatten();
        let field = known.find(|it| it["name"] == name);
        let field = field.unwrap_or_else(|| panic!("the vendor has no {path}"));
        if let Some(inner) = answer.fields(name) {
            must_be_among(&path, &field["fields"], inner);
        }
        for at in 0..answer.count(name).unwrap_or(0) {
            if let Some(inner) = answer.fields(&format!("{name}.{at}")) {
                must_be_among(&path, &field["fields"], inner);
            }
        }
    }
}

/// The operations that the vendor's description should have.
fn vendors_operations() -> impl Iterator<Item = &'static Entry> {
    operations().filter(|it| is_vendors(it))
}

fn is_vendors(entry: &Entry) -> bool {
    entry.spec.product != Product::Yaoku && !WITHDRAWN.contains(&entry.spec.name)
}

fn vendor(entry: &Entry) -> &'static Value {
    let (product, name) = (entry.spec.product, entry.spec.name);
    let of_product = VENDOR.iter().find(|(it, _)| *it == product).map(|(_, it)| it);
    let found = of_product.and_then(|it| it["operations"].get(name));
    found.unwrap_or_else(|| panic!("the vendor has no {name}"))
}

fn names(fields: &Value) -> impl Iterator<Item = &str> {
    fields.as_array().into_iter().flatten().map(|it| it["name"].as_str().unwrap())
}

/// The files of the folders of `api`, its tests left out.
fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = || fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let folders = entries().filter(|it| it.is_dir() && !it.ends_with("tests"));
    let here = entries().filter(|it| it.is_file() && !it.ends_with("tests.rs"));
    here.chain(folders.flat_map(|it| sources(&it))).collect()
}

/// `BindMFADevice` is `bind_mfa_device`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let before = at > 0 && letters[at - 1].is_ascii_lowercase();
        if at > 0 && letter.is_ascii_uppercase() && (before || after) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
