//! Who is refused, and who is not.

use std::{num::NonZeroU32, sync::Arc};

use yaoku_model::time::{ManualClock, Timestamp};
use yaoku_wire::error::Code;

use super::{Class, Exceeded, Limits, Override, PerClass, Throttle, Whose, retry_after_ms};
use crate::{
    api::{Product, operations},
    caller::{Caller, Principal},
    error::ApiError,
};

fn calls(a_second: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(a_second)
}

fn throttle(limits: Limits) -> (Throttle, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1000)));
    (Throttle::new(limits, clock.clone()), clock)
}

fn caller(account: &str, principal: Principal) -> Caller {
    Caller {
        account: account.parse().unwrap(),
        principal,
        access_key: None,
        policies: Arc::default(),
        kms_open: true,
        session: None,
        source: None,
        secure: true,
    }
}

const ONE: &str = "1000000000000001";
const OTHER: &str = "1000000000000002";

fn user(account: &str, name: &str) -> Caller {
    caller(account, Principal::User(name.parse().unwrap()))
}

fn session(name: &str) -> Caller {
    caller(ONE, Principal::Role("job".parse().unwrap(), name.parse().unwrap()))
}

/// How many are let in before the first refusal, and that.
fn spend(throttle: &Throttle, by: &Caller, class: Class) -> (usize, Exceeded) {
    let mut admitted = 0;
    loop {
        match throttle.admit(by, class) {
            Ok(()) => admitted += 1,
            Err(refused) => return (admitted, refused),
        }
    }
}

#[test]
fn what_is_counted_by_the_hour_may_come_at_once_and_an_hour_later_again() {
    let (throttle, clock) = throttle(Limits::generous());
    let (alice, bob) = (user(ONE, "alice"), user(ONE, "bob"));
    let (admitted, refused) = spend(&throttle, &alice, Class::SecretRotation);
    let expected = Exceeded { whose: Whose::Account, retry_after_ms: 72_000 };
    assert_eq!((admitted, refused), (50, expected));
    assert_eq!(throttle.admit(&bob, Class::SecretRotation), Err(expected), "of one account");
    assert_eq!(throttle.admit(&user(OTHER, "alice"), Class::SecretRotation), Ok(()));
    clock.advance_seconds(3600);
    assert_eq!(spend(&throttle, &alice, Class::SecretRotation).0, 50);
}

#[test]
fn a_caller_over_its_limit_is_refused_and_nobody_else_is() {
    let principal = PerClass::default().with(Class::Symmetric, calls(10));
    let (throttle, clock) = throttle(Limits { principal, ..Limits::NONE });
    let alice = user(ONE, "alice");
    let (admitted, refused) = spend(&throttle, &alice, Class::Symmetric);
    let expected = Exceeded { whose: Whose::Principal, retry_after_ms: 100 };
    assert_eq!((admitted, refused), (10, expected));
    for free in [&user(ONE, "bob"), &user(OTHER, "alice"), &caller(ONE, Principal::Root)] {
        assert_eq!(throttle.admit(free, Class::Symmetric), Ok(()));
    }
    assert_eq!(throttle.admit(&alice, Class::Read), Ok(()), "another class");
    clock.advance_seconds(1);
    assert_eq!(spend(&throttle, &alice, Class::Symmetric).0, 10);
}

#[test]
fn all_of_an_account_share_its_limit() {
    let account = PerClass::default().with(Class::Create, calls(10));
    let (throttle, _) = throttle(Limits { account, ..Limits::NONE });
    let (admitted, refused) = spend(&throttle, &user(ONE, "alice"), Class::Create);
    assert_eq!((admitted, refused.whose), (10, Whose::Account));
    assert!(throttle.admit(&session("one"), Class::Create).is_err());
    assert_eq!(throttle.admit(&user(OTHER, "alice"), Class::Create), Ok(()));
}

#[test]
fn who_begins_many_sessions_of_a_role_has_no_more_for_it() {
    let principal = PerClass::default().with(Class::Symmetric, calls(2));
    let (throttle, _) = throttle(Limits { principal, ..Limits::NONE });
    let ok =
        ["one", "two", "three"].map(|it| throttle.admit(&session(it), Class::Symmetric).is_ok());
    assert_eq!(ok, [true, true, false]);
}

#[test]
fn a_named_identity_has_limits_of_its_own_and_all_others_have_the_usual_ones() {
    let principal = PerClass::default().with(Class::Symmetric, calls(10));
    let named = |path: &str, a_second| Override {
        of: format!("acs:ram::{ONE}:{path}").parse().unwrap(),
        calls: principal.with(Class::Symmetric, calls(a_second)),
    };
    let overrides = vec![named("user/ci", 50), named("role/job", 2), named("root", 0)];
    let account = PerClass::default().with(Class::Symmetric, calls(1000));
    let (throttle, _) = throttle(Limits { account, principal, overrides, ..Limits::NONE });
    let admitted = |by: &Caller| spend(&throttle, by, Class::Symmetric);
    assert_eq!(admitted(&user(ONE, "ci")).0, 50, "raised");
    let (lowered, refused) = admitted(&session("one"));
    assert_eq!((lowered, refused.retry_after_ms), (2, 500));
    assert_eq!(admitted(&session("two")).0, 0, "all sessions of a role together");
    for usual in [&user(ONE, "c"), &user(OTHER, "ci"), &caller(OTHER, Principal::Root)] {
        assert_eq!(admitted(usual).0, 10);
    }
    let (root, refused) = admitted(&caller(ONE, Principal::Root));
    assert_eq!(root, 1000 - 50 - 2 - 10, "what the account has left, for nothing else bounds it");
    assert_eq!(refused.whose, Whose::Account);
}

#[test]
fn a_refused_call_takes_nothing_from_either_limit() {
    let limits = Limits {
        account: PerClass::default().with(Class::Symmetric, calls(20)),
        principal: PerClass::default().with(Class::Symmetric, calls(15)),
        ..Limits::NONE
    };
    let (throttle, _) = throttle(limits);
    let (alice, bob) = (user(ONE, "alice"), user(ONE, "bob"));
    for _ in 0..1000 {
        _ = throttle.admit(&alice, Class::Symmetric);
    }
    assert_eq!(spend(&throttle, &bob, Class::Symmetric).0, 5, "what alice left of 20");
    // Bob was refused for the account's sake: his own bucket still holds ten more.
    assert_eq!(throttle.counts().nth(Class::Symmetric as usize).unwrap().1, [1, 985]);
}

#[test]
fn a_caller_without_rights_cannot_use_up_what_its_account_may_do() {
    let (throttle, _) = throttle(Limits::generous());
    for class in [Class::Create, Class::Ram, Class::Sts, Class::Administration] {
        let (admitted, refused) = spend(&throttle, &user(ONE, "mallory"), class);
        assert_eq!((admitted, refused.whose), (250, Whose::Principal), "{class:?}");
        assert_eq!(throttle.admit(&user(ONE, "alice"), class), Ok(()));
        for user_of in ["a", "b", "c", "d"] {
            spend(&throttle, &user(ONE, user_of), class);
        }
        assert_eq!(spend(&throttle, &caller(ONE, Principal::Root), class).1.whose, Whose::Account);
        assert_eq!(throttle.admit(&user(OTHER, "alice"), class), Ok(()));
    }
}

#[test]
fn without_limits_and_at_the_admin_socket_nobody_is_refused() {
    let (free, _) = throttle(Limits::NONE);
    let account = PerClass::default().with(Class::Create, calls(1));
    let (bounded, _) = throttle(Limits { account, ..Limits::NONE });
    for _ in 0..1000 {
        assert_eq!(free.admit(&user(ONE, "alice"), Class::Create), Ok(()));
        assert_eq!(bounded.admit(&caller(ONE, Principal::Operator), Class::Create), Ok(()));
    }
}

#[test]
fn a_network_whose_proofs_fail_too_often_hears_nothing_but_when_to_come_again() {
    let limits = Limits { failures_a_minute: calls(60), ..Limits::NONE };
    let (throttle, clock) = throttle(limits);
    let fail = |from: &str, code: Code| throttle.failed(from.parse().unwrap(), code.into());
    for _ in 0..60 {
        let error = fail("192.0.2.7", Code::SignatureDoesNotMatch);
        assert_eq!(error.code(), Code::SignatureDoesNotMatch);
    }
    for code in [Code::SignatureDoesNotMatch, Code::AccessKeyIdNotFound, Code::AccessKeyIdInactive]
    {
        let error = fail("192.0.2.7", code);
        assert_eq!((error.code(), retry_after_ms(&error)), (Code::Throttling, Some(1000)));
        assert_eq!(error.refusal().message(), Code::Throttling.message());
    }
    let mapped = fail("::ffff:192.0.2.7", Code::AccessKeyIdNotFound);
    assert_eq!(mapped.code(), Code::Throttling, "the same address");
    // What is no failed proof is told as it is.
    for code in [Code::TimestampExpired, Code::SignatureNonceUsed, Code::SecurityTokenExpired] {
        assert_eq!(fail("192.0.2.7", code).code(), code);
    }
    let neighbour = fail("192.0.2.8", Code::AccessKeyIdNotFound);
    assert_eq!(neighbour.code(), Code::AccessKeyIdNotFound);
    clock.advance_seconds(1);
    let again = fail("192.0.2.7", Code::AccessKeyIdNotFound);
    assert_eq!(again.code(), Code::AccessKeyIdNotFound);
}

#[test]
fn a_machine_with_many_ipv6_addresses_is_one_source() {
    let limits = Limits { failures_a_minute: calls(60), ..Limits::NONE };
    let (throttle, _) = throttle(limits);
    let fail = |from: String| {
        throttle.failed(from.parse().unwrap(), Code::AccessKeyIdNotFound.into()).code()
    };
    for nth in 0..60 {
        assert_eq!(fail(format!("2001:db8::{nth:x}")), Code::AccessKeyIdNotFound);
    }
    assert_eq!(fail("2001:db8::ffff:1".to_owned()), Code::Throttling);
    assert_eq!(fail("2001:db8:0:1::1".to_owned()), Code::AccessKeyIdNotFound);
}

#[test]
fn every_refusal_for_too_many_calls_says_when_to_come_again() {
    let exceeded = Exceeded { whose: Whose::Account, retry_after_ms: 7 };
    let error = ApiError::caused(Code::RejectedThrottling, exceeded);
    assert_eq!(retry_after_ms(&error), Some(7));
    assert_eq!(retry_after_ms(&error.in_words_of(Product::Ram)), Some(7));
    assert_eq!(retry_after_ms(&Code::RejectedThrottling.into()), Some(1000));
    assert_eq!(retry_after_ms(&Code::NoPermission.into()), None);
}

/// The whole list, so that an operation that is added is looked at: who adds one of KMS whose class
/// is not what its name says, finds it here.
#[test]
fn every_operation_has_a_class_that_fits_its_name() {
    for spec in operations().map(|it| it.spec) {
        let name = spec.name;
        let has = |words: &[&str]| words.iter().any(|it| name.contains(it));
        let reads = ["Describe", "Get", "List", "Batch"].iter().any(|it| name.starts_with(it));
        let expected = match spec.product {
            Product::Ram => Class::Ram,
            Product::Sts => Class::Sts,
            Product::Yaoku => Class::Administration,
            Product::Kms if has(&["Instance", "KmsService", "KmsStatus"]) => Class::Instance,
            Product::Kms if has(&["Secret", "RandomPassword"]) && reads => Class::SecretRead,
            Product::Kms if name == "RotateSecret" => Class::SecretRotation,
            Product::Kms if has(&["Secret"]) => Class::SecretWrite,
            Product::Kms if name == "CreateKey" => Class::Create,
            // It makes a pair of keys, which takes long.
            Product::Kms if name == "GetParametersForImport" => Class::KeyWrite,
            // It opens or makes a data key.
            Product::Kms if name == "GetManagedDataKey" => Class::Symmetric,
            Product::Kms if reads => Class::Read,
            Product::Kms if has(&["Asymmetric", "Mac"]) => Class::Asymmetric,
            Product::Kms if has(&["Encrypt", "Decrypt", "GenerateDataKey", "ExportDataKey"]) => {
                Class::Symmetric
            }
            Product::Kms => Class::KeyWrite,
        };
        assert_eq!(spec.class(), expected, "{name}");
    }
}
