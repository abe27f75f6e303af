//! `yaoku doctor`: every vector of `vectors/signature` through `signature`, and the `limits` of a
//! configuration.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn vectors() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/signature");
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    files
}

fn doctor(file: &Path, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    command.args(["doctor", "signature"]).arg(file).args(flags).output().unwrap()
}

fn verdict(file: &Path, flags: &[&str]) -> Value {
    let output = doctor(file, flags);
    assert!(output.status.success(), "{}: {output:?}", file.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_file_that_cannot_be_read_gets_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.json");
    assert_eq!(doctor(&file, &[]).status.code(), Some(2));
    for text in ["", "{}", "not JSON"] {
        fs::write(&file, text).unwrap();
        let output = doctor(&file, &[]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let files = vectors();
    assert!(files.len() > 80, "{} vectors", files.len());
    for file in files {
        let vector: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let (expected, given) = (&vector["expected"], verdict(&file, &[]));
        for name in [
            "verdict",
            "code",
            "http_status",
            "scheme",
            "signature",
            "string_to_sign",
            "canonical_request",
        ] {
            let same = expected[name].is_null() || expected[name] == given[name];
            assert!(same, "{}: {name} is {}", file.display(), given[name]);
        }
        let refused = given["verdict"] == "error";
        let told = given["differs"].as_array().unwrap();
        assert_eq!(refused, !told.is_empty(), "{}: {told:?}", file.display());
        for part in ["action", "version"] {
            let sent = &vector["request"][part];
            assert!(given[part].is_null() || given[part] == *sent, "{}", file.display());
        }
    }
}

#[test]
fn what_is_passed_on_holds_no_value() {
    for file in vectors() {
        let vector: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let output = doctor(&file, &["--redact"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let token = vector["credentials"]["security_token"].as_str().unwrap_or("no token here");
        let secret = vector["credentials"]["access_key_secret"].as_str().unwrap();
        let start: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
        assert!(start.len() < 3 || !text.contains(&start), "{}: {text}", file.display());
        // Short ones (`testsecret`) are words of other texts too.
        assert!(secret.len() < 20 || !text.contains(secret), "{}: {text}", file.display());
        for canary in ["p%40ss", "p%2540ss", "EncryptionContext=%7B", "EncryptionContext%3D%25"] {
            assert!(!text.contains(canary), "{}: {text}", file.display());
        }
    }
}

#[test]
fn the_limits_of_a_configuration_are_shown_with_those_of_single_callers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("yaoku.toml");
    let limits = |text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
        let output = command.args(["doctor", "limits", "--config"]).arg(&file).args(more).output();
        let Output { status, stdout, stderr } = output.unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };
    let (code, out, error) = limits("throttle.acount.read = 7\n", &[]);
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(error.contains("throttle.acount: there is no such setting"), "{error}");
    // None of its files and places are there.
    let text = "data = \"/nowhere\"\nthrottle.account.read = 7\nthrottle.principal.sts = 3\n\
                [[throttle.override]]\nprincipal = \"acs:ram::1000000000000001:user/ci\"\nsts = 0\n\
                symmetric = 5000\nread = 0\n";
    let (code, out, error) = limits(text, &["--set", "throttle.account.ram=0"]);
    assert_eq!((code, &*error), (Some(0), ""));
    let shown: Vec<Vec<&str>> = out.lines().take(12).map(|it| it.split("  ").collect()).collect();
    let trim = |row: &[&str]| {
        let cells = row.iter().map(|it| it.trim()).filter(|it| !it.is_empty());
        cells.map(str::to_owned).collect::<Vec<_>>().join("|")
    };
    let shown: Vec<String> = shown.iter().map(|it| trim(it)).collect();
    let expected = [
        "WHOSE|CLASS|CALLS A SECOND",
        "each account|create|1000",
        "each account|read|7",
        "each account|secret_rotation|50 an hour",
        "each account|sts|1000",
        "each account|administration|1000",
        "each principal|create|250",
        "each principal|ram|250",
        "each principal|sts|3",
        "each principal|administration|250",
        "acs:ram::1000000000000001:user/ci|symmetric|5000",
        "acs:ram::1000000000000001:user/ci|sts|no bound",
    ];
    assert_eq!(shown, expected, "{out}");
    assert!(out.contains("from one address: 1000."), "{out}");
    let (_, json, _) = limits(text, &["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let last = json["limits"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["class"], &last["calls_a_second"]), (&"sts".into(), &Value::Null), "{json}");
}
