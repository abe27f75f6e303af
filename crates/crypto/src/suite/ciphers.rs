//! What every backend promises of symmetric keys, and of the material of every kind.

use std::collections::HashSet;

use proptest::{collection::vec, prelude::any, proptest};
use yaoku_model::key::KeySpec;

use super::{Always, Ids, Never};
use crate::{
    backend::{Backend, BackendError, IV_LEN, KeyPlace, SealLimit, TAG_LEN},
    random::SystemRandom,
};

const CIPHERS: [KeySpec; 4] = [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256, KeySpec::Sm4];

pub(crate) fn opens_what_it_sealed(backend: &dyn Backend, ids: &Ids) {
    for spec in CIPHERS {
        let key = ids.key(backend, spec);
        for (len, aad) in [(0, ""), (1, "a"), (15, ""), (16, "a"), (17, ""), (6144, "a")] {
            let text = vec![7; len];
            let sealed = backend.seal(&key, aad.as_bytes(), &text, &SystemRandom).unwrap();
            let opened = backend.open(&key, aad.as_bytes(), &sealed).unwrap();
            assert_eq!(*opened, text, "{spec}, {len} bytes");
        }
    }
}

pub(crate) fn a_seal_is_iv_ciphertext_and_tag(backend: &dyn Backend, ids: &Ids) {
    for spec in CIPHERS {
        let key = ids.key(backend, spec);
        let iv = Always(0xa5);
        let sealed = backend.seal(&key, b"", b"hello", &iv).unwrap();
        assert_eq!(sealed.len(), IV_LEN + "hello".len() + TAG_LEN, "{spec}");
        assert_eq!(sealed[..IV_LEN], [0xa5; IV_LEN], "{spec}");
    }
}

pub(crate) fn appends_to_what_is_there(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::Aes256);
    let mut out = b"before".to_vec();
    backend.seal_into(&key, b"aad", b"hello", &SystemRandom, &mut out).unwrap();
    let sealed = out.strip_prefix(b"before").unwrap();
    assert_eq!(*backend.open(&key, b"aad", sealed).unwrap(), b"hello");
}

pub(crate) fn no_two_seals_are_equal(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::Aes256);
    let seal = |_| backend.seal(&key, b"", b"hello", &SystemRandom).unwrap();
    assert_eq!((0..1000).map(seal).collect::<HashSet<_>>().len(), 1000);
}

pub(crate) fn opens_nothing_under_another_key_or_aad(backend: &dyn Backend, ids: &Ids) {
    for spec in CIPHERS {
        let (key, other) = (ids.key(backend, spec), ids.key(backend, spec));
        for (sealed_with, opened_with) in [("", "a"), ("a", ""), ("a", "b"), ("a", "aa")] {
            let sealed = backend.seal(&key, sealed_with.as_bytes(), b"x", &SystemRandom).unwrap();
            let opened = backend.open(&key, opened_with.as_bytes(), &sealed);
            assert_eq!(opened, Err(BackendError::DoesNotOpen), "{spec}");
            let opened = backend.open(&other, sealed_with.as_bytes(), &sealed);
            assert_eq!(opened, Err(BackendError::DoesNotOpen), "{spec}");
        }
    }
}

pub(crate) fn opens_nothing_that_was_cut_or_changed(backend: &dyn Backend, ids: &Ids) {
    for spec in CIPHERS {
        let key = ids.key(backend, spec);
        let sealed = backend.seal(&key, b"", b"hello", &SystemRandom).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            for bytes in [&changed[..], &sealed[..at], &sealed[at + 1..]] {
                let opened = backend.open(&key, b"", bytes);
                assert_eq!(opened, Err(BackendError::DoesNotOpen), "{spec}, byte {at}");
            }
        }
    }
}

pub(crate) fn material_opens_at_its_place_only(backend: &dyn Backend, ids: &Ids) {
    let places = ids.places();
    for home in &places {
        let sealed = backend.create(KeySpec::Aes256, home, &SystemRandom).unwrap();
        for place in &places {
            let loaded = backend.load(KeySpec::Aes256, place, &sealed.0).map(drop);
            let expected = if place == home { Ok(()) } else { Err(BackendError::DoesNotOpen) };
            assert_eq!(loaded, expected, "{home:?} at {place:?}");
        }
    }
}

pub(crate) fn material_of_one_spec_is_not_of_another(backend: &dyn Backend, ids: &Ids) {
    for made in KeySpec::ALL {
        let sealed = backend.create(*made, &ids.place(), &SystemRandom).unwrap();
        for loaded in KeySpec::ALL.iter().filter(|it| *it != made) {
            let handle = backend.load(*loaded, &ids.place(), &sealed.0).map(drop);
            assert_eq!(handle, Err(BackendError::DoesNotOpen), "{made} as {loaded}");
        }
    }
}

pub(crate) fn material_loads_as_the_same_key_again(backend: &dyn Backend, ids: &Ids) {
    for spec in CIPHERS {
        let material = backend.create(spec, &ids.place(), &SystemRandom).unwrap();
        let load = || backend.load(spec, &ids.place(), &material.0).unwrap();
        let (one, two) = (load(), load());
        let sealed = backend.seal(&one, b"", b"hello", &SystemRandom).unwrap();
        assert_eq!(*backend.open(&two, b"", &sealed).unwrap(), b"hello", "{spec}");
        assert_eq!(one.spec(), spec);
        assert!((64..4096).contains(&one.size_in_bytes()), "{spec}: {}", one.size_in_bytes());
    }
}

pub(crate) fn an_owner_without_a_wrapping_key_has_no_keys(backend: &dyn Backend, ids: &Ids) {
    let stranger = "3333333333333333".parse().unwrap();
    let place = KeyPlace { account: &stranger, ..ids.place() };
    let created = backend.create(KeySpec::Aes256, &place, &SystemRandom).map(drop);
    assert_eq!(created, Err(BackendError::NoWrappingKey));
    let loaded = backend.load(KeySpec::Aes256, &place, b"").map(drop);
    assert_eq!(loaded, Err(BackendError::NoWrappingKey));
}

pub(crate) fn at_its_limit_a_key_opens_but_seals_no_more(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::Aes256);
    assert_eq!(key.limit(), SealLimit::MAX);
    key.permit(SealLimit::of(2));
    let seal = || backend.seal(&key, b"", b"hello", &SystemRandom);
    let sealed = [seal().unwrap(), seal().unwrap()];

    let mut out = b"before".to_vec();
    let refused = backend.seal_into(&key, b"", b"hello", &SystemRandom, &mut out);
    assert_eq!((refused, &out[..]), (Err(BackendError::Exhausted), &b"before"[..]));
    assert_eq!(key.seals(), 2, "a refusal was counted");
    for it in sealed {
        assert_eq!(*backend.open(&key, b"", &it).unwrap(), b"hello");
    }

    key.permit(SealLimit::of(3));
    assert_eq!((seal().map(drop), seal().map(drop)), (Ok(()), Err(BackendError::Exhausted)));
}

pub(crate) fn clones_count_together(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::Aes256);
    for it in [key.clone(), key.clone(), key.clone()] {
        backend.seal(&it, b"", b"hello", &SystemRandom).unwrap();
    }
    assert_eq!(key.seals(), 3);
}

pub(crate) fn without_randomness_nothing_is_made(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::Aes256);
    let mut out = b"before".to_vec();
    let sealed = backend.seal_into(&key, b"", b"hello", &Never, &mut out);
    assert_eq!((sealed, &out[..]), (Err(BackendError::Failed("no randomness")), &b"before"[..]));
    let created = backend.create(KeySpec::Aes256, &ids.place(), &Never).map(drop);
    assert_eq!(created, Err(BackendError::Failed("no randomness")));
}

pub(crate) fn garbage_never_opens(backend: &dyn Backend, ids: &Ids) {
    let keys = CIPHERS.map(|spec| ids.key(backend, spec));
    proptest!(|(bytes in vec(any::<u8>(), 0..100), aad in vec(any::<u8>(), 0..40))| {
        for key in &keys {
            assert_eq!(backend.open(key, &aad, &bytes), Err(BackendError::DoesNotOpen));
            let loaded = backend.load(key.spec(), &ids.place(), &bytes).map(drop);
            assert_eq!(loaded, Err(BackendError::DoesNotOpen));
        }
    });
}

pub(crate) fn debug_shows_no_bytes(backend: &dyn Backend, ids: &Ids) {
    let material = backend.create(KeySpec::Aes256, &ids.place(), &Always(0xab)).unwrap();
    assert_eq!(format!("{material:?}"), format!("SealedMaterial({} bytes)", material.0.len()));
    for spec in [KeySpec::Aes256, KeySpec::EcP256, KeySpec::EcSm2, KeySpec::HmacSm3] {
        let key = ids.key(backend, spec);
        assert_eq!(format!("{key:?}"), format!("KeyHandle({spec}, 0 seals)"));
    }
}
