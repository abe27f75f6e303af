//! An account in which a row's operation can be called, and would be served.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use yaoku_crypto::totp::Totp;
use yaoku_model::time::Clock as _;
use yaoku_server::api::{self, Product, Spec};

use super::row::{Before, Need, Row};
use crate::support::{Party, World, client::Param, things::Things};

/// The account, and what it has.
pub(super) struct Scene {
    pub(super) root: Party,
    things: Option<Things>,
    /// What placeholders stand for.
    found: BTreeMap<&'static str, String>,
}

impl Row {
    pub(super) fn spec(&self) -> &'static Spec {
        let (prefix, name) = self.name.split_once(':').unwrap();
        let product = Product::ALL.iter().find(|it| it.prefix() == prefix).unwrap();
        api::operation(*product, name).unwrap().spec
    }

    /// Whether it takes keys, secrets and what belongs to them.
    fn takes_things(&self) -> bool {
        let about_keys = ["{KeyId}", "{EncryptionKeyId}"].map(|it| format!("key/{it}"));
        self.spec().product == Product::Kms
            || self.name.contains("ManagedDataKey")
            || self.needs.iter().any(|it| about_keys.iter().any(|about| it.1.ends_with(about)))
    }
}

impl Scene {
    /// An account with what these rows need.
    pub(super) async fn of(world: &World, rows: &[&Row]) -> Self {
        let root = world.account().await;
        let takes_things = rows.iter().any(|it| it.takes_things());
        let things = if takes_things { Some(Things::of(world, &root).await) } else { None };
        let unique = World::unique().to_string();
        let mut found = BTreeMap::from([("account", root.account.to_string()), ("unique", unique)]);
        found.extend(things.iter().map(|it| ("key", it.key.clone())));
        let mut scene = Self { root, things, found };
        scene.refuse_somebody(world).await;
        // Where several rows share, keys and secrets stay as they are.
        let needed = rows.iter().filter(|it| rows.len() == 1 || it.spec().product != Product::Kms);
        let mut made = Vec::new();
        for before in needed.flat_map(|it| it.before).filter(|it| !is_the_callers(it)) {
            if !made.contains(before) {
                scene.make(world, before, "").await;
                made.push(*before);
            }
        }
        scene
    }

    /// What there is to name in calls of KMS.
    pub(super) fn things(&self) -> &Things {
        self.things.as_ref().unwrap()
    }

    /// The message of a refusal, to be decoded.
    async fn refuse_somebody(&mut self, world: &World) {
        let somebody = world.user(&self.root, "somebody", &[]).await;
        let spec = api::operation(Product::Ram, "ListUsers").unwrap().spec;
        let refused = world.call_of(&somebody, spec, &[]).await;
        let message = refused.text("/AccessDeniedDetail/EncodedDiagnosticMessage");
        self.found.insert("message", message);
    }

    /// What is there for `caller` alone.
    pub(super) async fn make_for(&mut self, world: &World, row: &Row, caller: &str) {
        for before in row.before.iter().filter(|it| is_the_callers(it)) {
            self.make(world, before, caller).await;
        }
    }

    async fn make(&mut self, world: &World, (name, params): &Before, caller: &str) {
        let of_ram_first = [Product::Ram, Product::Kms, Product::Yaoku];
        let entry = of_ram_first.into_iter().find_map(|it| api::operation(it, name)).unwrap();
        let params: Vec<Param> =
            params.iter().map(|it| (it.0.to_owned(), self.filled(it.1, &[], caller))).collect();
        let answer = world.call_of(&self.root, entry.spec, &params).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        let seed = answer.text("/VirtualMFADevice/Base32StringSeed");
        if !seed.is_empty() {
            let totp = Totp::new(&BASE32_NOPAD.decode(seed.as_bytes()).unwrap());
            for (name, steps) in [("code1", -1), ("code2", 0)] {
                let at = world.clock.now().plus_seconds(30 * steps);
                self.found.insert(name, format!("{:06}", totp.code(at)));
            }
        }
        let access_key = answer.text("/AccessKey/AccessKeyId");
        if !access_key.is_empty() {
            self.found.insert("access_key", access_key);
        }
    }

    /// The row's call.
    pub(super) fn example(&self, row: &Row) -> Vec<Param> {
        let spec = row.spec();
        let plain = spec.example.iter().map(|it| (it.0.to_owned(), it.1.to_owned()));
        let mut params = match &self.things {
            Some(things) => things.example(spec),
            None => plain.collect(),
        };
        for (name, value) in row.with {
            params.retain(|it| it.0 != *name);
            params.push(((*name).to_owned(), self.filled(value, &[], "")));
        }
        params
    }

    /// The permissions, each as a policy spells action and resource.
    pub(super) fn permissions(
        &self,
        row: &Row,
        needs: &[Need],
        caller: &str,
    ) -> Vec<(String, String)> {
        let params = self.example(row);
        let full = |(action, resource): &Need| {
            let resource = self.filled(resource, &params, caller);
            let resource = match action.split(':').next().unwrap() {
                _ if resource == "*" && !row.is_about_all() => resource,
                _ if resource.starts_with("acs:") => resource,
                "kms" => format!("acs:kms:cn-hangzhou:{}:{resource}", self.root.account),
                service => format!("acs:{service}:*:{}:{resource}", self.root.account),
            };
            ((*action).to_owned(), resource)
        };
        needs.iter().map(full).collect()
    }

    fn filled(&self, text: &str, params: &[Param], caller: &str) -> String {
        let mut text = text.replace("{caller}", caller);
        for (name, value) in &self.found {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        for (name, value) in params {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

fn is_the_callers((_, params): &Before) -> bool {
    params.iter().any(|it| it.1 == "{caller}")
}

impl Row {
    /// Of RAM's, `*` is everything of the account. Source: identity.md §2.5.
    fn is_about_all(&self) -> bool {
        self.spec().product == Product::Ram && !self.name.ends_with("DecodeDiagnosticMessage")
    }
}

/// A policy of these statements.
pub(super) fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))
}

/// A statement about one permission.
pub(super) fn statement(effect: &str, (action, resource): &(String, String)) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

/// A policy that allows these permissions and nothing else.
pub(super) fn exactly(permissions: &[(String, String)]) -> String {
    policy(&permissions.iter().map(|it| statement("Allow", it)).collect::<Vec<_>>())
}
