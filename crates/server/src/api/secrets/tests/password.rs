//! `GetRandomPassword`. Source: secrets.md §4.15, §9 item 17.

use std::collections::HashSet;

use yaoku_wire::error::Code;

use crate::testing::Kms;

async fn password(kms: &Kms, params: &[(&str, &str)]) -> Result<String, Code> {
    let reply = kms.call_with("GetRandomPassword", params).await?;
    Ok(reply.get("RandomPassword").unwrap().to_owned())
}

#[tokio::test]
async fn a_password_has_8_to_128_characters() {
    let kms = Kms::new().await;
    for (length, expected) in [
        ("", Ok(32)),
        ("8", Ok(8)),
        ("128", Ok(128)),
        ("7", Err(Code::InvalidParameter)),
        ("129", Err(Code::InvalidParameter)),
        ("x", Err(Code::InvalidParameter)),
    ] {
        let made = password(&kms, &[("PasswordLength", length)]).await;
        assert_eq!(made.map(|it| it.len()), expected, "{length:?}");
    }
}

#[tokio::test]
async fn a_password_has_every_kind_that_is_not_excluded_and_no_other() {
    const EACH: &[fn(&char) -> bool] = &[
        char::is_ascii_lowercase,
        char::is_ascii_uppercase,
        char::is_ascii_digit,
        char::is_ascii_punctuation,
    ];
    let kms = Kms::new().await;
    let names = ["ExcludeLowercase", "ExcludeUppercase", "ExcludeNumbers", "ExcludePunctuation"];
    // Every choice of kinds but none at all.
    for excluded in 0..15_u32 {
        let on = |at: usize| excluded & (1 << at) != 0;
        let params: Vec<_> =
            (0..4).map(|at| (names[at], if on(at) { "True" } else { "false" })).collect();
        let params = [&params[..], &[("PasswordLength", "8")]].concat();
        for _ in 0..20 {
            let made = password(&kms, &params).await.unwrap();
            for (at, kind) in EACH.iter().enumerate() {
                assert_eq!(made.chars().any(|it| kind(&it)), !on(at), "{made} of {params:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_character_turns_up_but_those_excluded() {
    let kms = Kms::new().await;
    let excluded = "aZ5\\\"~";
    let mut seen = HashSet::new();
    for _ in 0..60 {
        let params = [("PasswordLength", "128"), ("ExcludeCharacters", excluded)];
        seen.extend(password(&kms, &params).await.unwrap().chars());
    }
    let expected: HashSet<char> = ('!'..='~').filter(|it| !excluded.contains(*it)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_impossible_password_is_refused() {
    let kms = Kms::new().await;
    let all: String = ('!'..='~').collect();
    let digits = ("ExcludeCharacters", "0123456789");
    for (params, expected) in [
        (vec![digits], Err(Code::InvalidParameter)),
        (vec![digits, ("RequireEachIncludedType", "false")], Ok(())),
        (vec![digits, ("ExcludeNumbers", "true")], Ok(())),
        (vec![("ExcludeCharacters", &*all)], Err(Code::InvalidParameter)),
        (
            vec![("ExcludeCharacters", &*all), ("RequireEachIncludedType", "false")],
            Err(Code::InvalidParameter),
        ),
        (vec![("ExcludeCharacters", "é")], Err(Code::InvalidParameter)),
        (vec![("ExcludeCharacters", " ")], Err(Code::InvalidParameter)),
        (vec![("ExcludeNumbers", "yes")], Err(Code::InvalidParameter)),
        (
            vec![
                ("ExcludeLowercase", "true"),
                ("ExcludeUppercase", "true"),
                ("ExcludeNumbers", "true"),
                ("ExcludePunctuation", "true"),
            ],
            Err(Code::InvalidParameter),
        ),
    ] {
        assert_eq!(password(&kms, &params).await.map(drop), expected, "{params:?}");
    }
}

crate::testing::on_postgres_too!(
    a_password_has_8_to_128_characters,
    a_password_has_every_kind_that_is_not_excluded_and_no_other,
    every_character_turns_up_but_those_excluded,
    an_impossible_password_is_refused,
);
