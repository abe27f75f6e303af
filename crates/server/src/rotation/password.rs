//! Passwords that rotations make. Source: secrets.md §6.2, §6.6 (the characters: inferred there).

use yaoku_model::{
    ids::Invalid,
    random::{NoRandomness, Random, below, pick},
    text::SecretData,
};

/// How long they are.
const LEN: usize = 32;

/// One of each is in every password. None has a meaning for a shell or in a URL's user part that
/// quoting would not take away, and no quote and no backslash is among them.
const CLASSES: [&[u8]; 4] = [
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"abcdefghijklmnopqrstuvwxyz",
    b"0123456789",
    b"!@#$%^&*()_+-=",
];

/// A password that nobody has: 32 characters with upper and lower case, a digit and a sign.
pub(crate) fn password(random: &dyn Random) -> Result<SecretData, NoRandomness> {
    let all = CLASSES.concat();
    loop {
        let text = zeroize::Zeroizing::new(pick(random, &all, LEN)?);
        if CLASSES.iter().all(|class| text.bytes().any(|it| class.contains(&it))) {
            return text.parse().map_err(|Invalid| NoRandomness);
        }
    }
}

/// An id for a version that nobody chose: 32 characters of lower-case hexadecimal.
/// Source: secrets.md §6.1 (inferred there).
pub(crate) fn version_id(random: &dyn Random) -> Result<yaoku_model::ids::VersionId, NoRandomness> {
    pick(random, b"0123456789abcdef", 32)?.parse().map_err(|Invalid| NoRandomness)
}

/// A pause: twice as long after each failure, from a second to ten minutes, and up to a half more by
/// chance, so that what failed together is not tried together. Our choice.
pub(crate) fn pause(random: &dyn Random, tries: i64) -> Result<i64, NoRandomness> {
    let seconds = 1_i64 << tries.clamp(0, 10);
    let seconds = seconds.min(600);
    let part = i64::try_from(below(random, 256)?).unwrap_or_default();
    Ok(seconds + seconds * part / 512)
}

#[cfg(test)]
mod tests {
    use yaoku_model::random::testing::Counting;

    use super::{CLASSES, password, pause, version_id};

    #[test]
    fn every_password_has_all_kinds_of_characters() {
        let random = Counting::default();
        for _ in 0..200 {
            let made = password(&random).unwrap();
            let text = made.expose_text();
            assert_eq!(text.len(), 32);
            for class in CLASSES {
                assert!(text.bytes().any(|it| class.contains(&it)), "{text}");
            }
        }
    }

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let random = Counting::default();
        for (tries, least) in [(0, 1), (1, 2), (5, 32), (9, 512), (10, 600), (1000, 600)] {
            let it = pause(&random, tries).unwrap();
            assert!((least..=least + least / 2).contains(&it), "{tries}: {it}");
        }
    }

    #[test]
    fn an_id_is_32_hexadecimal_digits() {
        let id = version_id(&Counting::default()).unwrap();
        assert!(id.as_str().len() == 32 && id.as_str().bytes().all(|it| it.is_ascii_hexdigit()));
    }
}
