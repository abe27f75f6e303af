//! The promises of [`crate::backend::Backend`], one test each, that every backend keeps.

pub(crate) mod ciphers;
pub(crate) mod imports;
pub(crate) mod macs;
pub(crate) mod pairs;

use yaoku_model::{
    ids::{AccountId, InstanceId, KeyId, KeyVersionId},
    key::KeySpec,
    random::{NoRandomness, Random},
};

use crate::{
    backend::{Backend, KeyHandle, KeyPlace},
    random::SystemRandom,
    rootkey::WrappingPlace,
};

/// `backend_suite!(name, constructor)`: the suite as a module of tests.
///
/// The constructor is a `fn(&[WrappingPlace]) -> Box<dyn Backend>`: a backend that is ready for
/// keys of these owners.
macro_rules! backend_suite {
    ($name:ident, $constructor:path) => {
        mod $name {
            $crate::suite::backend_suite!(@ $constructor: ciphers:
                opens_what_it_sealed,
                a_seal_is_iv_ciphertext_and_tag,
                appends_to_what_is_there,
                no_two_seals_are_equal,
                opens_nothing_under_another_key_or_aad,
                opens_nothing_that_was_cut_or_changed,
                material_opens_at_its_place_only,
                material_of_one_spec_is_not_of_another,
                material_loads_as_the_same_key_again,
                an_owner_without_a_wrapping_key_has_no_keys,
                at_its_limit_a_key_opens_but_seals_no_more,
                clones_count_together,
                without_randomness_nothing_is_made,
                garbage_never_opens,
                debug_shows_no_bytes,
            );
            $crate::suite::backend_suite!(@ $constructor: pairs:
                decrypts_what_was_encrypted,
                decrypts_nothing_that_was_cut_or_changed,
                verifies_no_signature_that_was_cut_or_changed,
                verifies_its_own_signatures_alone,
                a_pair_does_what_its_spec_can_and_nothing_else,
                a_pair_loads_as_the_same_pair_again,
                without_randomness_curves_do_nothing,
            );
            $crate::suite::backend_suite!(@ $constructor: macs:
                verifies_whole_and_unchanged_codes_alone,
                a_secret_loads_as_the_same_secret_again,
                a_secret_makes_codes_and_nothing_else,
            );
            $crate::suite::backend_suite!(@ $constructor: imports:
                material_comes_wrapped_as_its_spec_says_only,
                a_token_is_of_its_key_and_spec_alone,
                a_token_that_was_cut_or_changed_is_none,
                a_token_serves_until_it_expires,
                what_was_cut_or_changed_is_invalid,
                keys_of_a_wrong_length_are_invalid,
                keys_of_another_spec_are_invalid,
                what_was_wrapped_is_imported,
                later_imports_bring_the_same_material,
                a_key_written_in_another_way_is_the_same,
                an_sm2_key_may_come_as_its_number_alone,
                without_randomness_nothing_is_imported,
            );
        }
    };
    (@ $constructor:path: $kind:ident: $($promise:ident,)+) => {
        $(#[test]
        fn $promise() {
            let ids = $crate::suite::Ids::default();
            $crate::suite::$kind::$promise(&*$constructor(&ids.owners()), &ids);
        })+
    };
}
pub(crate) use backend_suite;

/// Two of each thing that a place is made of.
pub(crate) struct Ids {
    accounts: [AccountId; 2],
    instances: [InstanceId; 2],
    keys: [KeyId; 2],
    versions: [KeyVersionId; 2],
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            accounts: ["1111111111111111", "2222222222222222"].map(|it| it.parse().unwrap()),
            instances: ["kst-one", "kst-two"].map(|it| it.parse().unwrap()),
            keys: ["key-one", "key-two"].map(|it| it.parse().unwrap()),
            versions: ["1", "2"].map(|it| it.repeat(36).parse().unwrap()),
        }
    }
}

impl Ids {
    /// Every owner of a place of ours.
    pub(crate) fn owners(&self) -> Vec<WrappingPlace<'_>> {
        let instances = || self.instances.iter().map(Some).chain([None]);
        let owners = |account| instances().map(move |instance| WrappingPlace { account, instance });
        self.accounts.iter().flat_map(owners).collect()
    }

    /// Every place there is with these.
    pub(crate) fn places(&self) -> Vec<KeyPlace<'_>> {
        let mut all = Vec::new();
        for WrappingPlace { account, instance } in self.owners() {
            for key in &self.keys {
                let place = |version| KeyPlace { account, instance, key, version };
                all.extend(self.versions.iter().map(place));
            }
        }
        all
    }

    /// One of them.
    pub(crate) fn place(&self) -> KeyPlace<'_> {
        let [account, _] = &self.accounts;
        KeyPlace { account, instance: None, key: &self.keys[0], version: &self.versions[0] }
    }

    /// A fresh key.
    fn key(&self, backend: &dyn Backend, spec: KeySpec) -> KeyHandle {
        let material = backend.create(spec, &self.place(), &SystemRandom).unwrap();
        backend.load(spec, &self.place(), &material.0).unwrap()
    }
}

/// Gives one byte only.
pub(crate) struct Always(pub(crate) u8);

impl Random for Always {
    fn fill(&self, to: &mut [u8]) -> Result<(), NoRandomness> {
        to.fill(self.0);
        Ok(())
    }
}

/// Has none to give.
pub(crate) struct Never;

impl Random for Never {
    fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
        Err(NoRandomness)
    }
}
