//! What each file looks like: its first line, its length, the words it may not hold.

use std::collections::BTreeMap;

use super::{Rules, Source};

/// The most lines of a file, its tests aside.
const MAX_LINES: usize = 600;

/// Rooms whose business JSON is. Source: ARCHITECTURE.md.
const JSON_ROOMS: &[&str] = &["crates/wire/", "crates/model/"];

/// The faults of all files, and the exceptions that nothing needs any more.
pub(super) fn faults(files: &[Source], rules: &Rules) -> Vec<String> {
    let rust = || files.iter().filter(|it| it.is_rust());
    let mut faults = Vec::new();
    faults.extend(rust().filter_map(first_line));
    faults.extend(rust().filter_map(|it| length(it, rules)));
    faults.extend(rust().filter_map(|it| json(it, rules)));
    faults.extend(rust().flat_map(|it| held(it, &rules.words)));
    faults.extend(files.iter().flat_map(|it| held(it, &rules.places)));
    faults.extend(idle(files, rules));
    faults
}

fn first_line(file: &Source) -> Option<String> {
    let ok = file.text.starts_with("//! ");
    (!ok).then(|| format!("{}: the first line says what the file is for, with `//! `", file.path))
}

fn length(file: &Source, rules: &Rules) -> Option<String> {
    let lines = lines(file);
    let most = rules.long.get(&file.path).copied().unwrap_or(MAX_LINES);
    (lines > most).then(|| format!("{}: {lines} lines, at most {most}", file.path))
}

/// How many lines come before the tests at its foot.
fn lines(file: &Source) -> usize {
    if file.is_test() {
        return 0;
    }
    let lines = file.text.lines();
    lines.take_while(|it| *it != "#[cfg(test)]").count()
}

fn json(file: &Source, rules: &Rules) -> Option<String> {
    let allowed = rules.json.keys().any(|it| file.path.starts_with(it));
    let wrong = speaks_json(file) && !allowed;
    wrong.then(|| format!("{}: only wire and model speak JSON", file.path))
}

fn speaks_json(file: &Source) -> bool {
    file.path.starts_with("crates/")
        && file.path.contains("/src/")
        && !JSON_ROOMS.iter().any(|it| file.path.starts_with(it))
        && !file.is_test()
        && file.text.contains("serde_json")
}

fn held(file: &Source, words: &BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let found = words.iter().filter(|(word, _)| line.contains(word.as_str()));
        faults.extend(found.map(|(word, why)| format!("{}:{number}: {word}: {why}", file.path)));
    }
    faults
}

/// Exceptions may only shrink: those that are not needed, or allow more than is used, go.
fn idle(files: &[Source], rules: &Rules) -> Vec<String> {
    let length_of = |path: &str| files.iter().find(|it| it.path == path).map_or(0, lines);
    let long = rules.long.iter().filter(|(path, most)| {
        let lines = length_of(path);
        lines <= MAX_LINES || lines < **most
    });
    let long = long.map(|(path, most)| format!("tidy.toml: {path} = {most} allows too much"));
    let unused = |path: &&String| {
        !files.iter().any(|it| it.path.starts_with(path.as_str()) && speaks_json(it))
    };
    let json = rules.json.keys().filter(unused);
    long.chain(json.map(|path| format!("tidy.toml: {path} speaks no JSON: take it out"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn rules(toml: &str) -> Rules {
        let empty = ["[long]", "[json]", "[words]", "[places]"];
        let rest: Vec<_> = empty.into_iter().filter(|it| !toml.contains(it)).collect();
        toml::from_str(&format!("{toml}\n{}", rest.join("\n"))).unwrap()
    }

    #[test]
    fn each_fault_is_seen() {
        let long = "//! Long.\n".repeat(MAX_LINES + 1);
        for (path, text) in [
            ("crates/server/src/a.rs", "use b;"),
            ("crates/server/src/a.rs", long.as_str()),
            ("crates/server/src/a.rs", "//! A.\nuse serde_json;"),
            ("crates/server/src/a.rs", "//! A.\n// LATER"),
            ("README.md", "see /home/me"),
        ] {
            let rules = rules("[words]\nLATER = \"no\"\n[places]\n\"/home\" = \"no\"");
            assert_eq!(faults(&[file(path, text)], &rules).len(), 1, "{path}");
        }
    }

    #[test]
    fn tests_may_be_long_and_wire_speaks_json() {
        let long = "//! Long.\n".repeat(MAX_LINES + 1);
        let foot = format!("//! A.\n#[cfg(test)]\n{long}");
        for (path, text) in [
            ("crates/server/src/a.rs", foot.as_str()),
            ("crates/server/tests/a.rs", long.as_str()),
            ("crates/wire/src/a.rs", "//! A.\nuse serde_json;"),
            ("README.md", "LATER"),
        ] {
            let rules = rules("[words]\nLATER = \"no\"");
            assert_eq!(faults(&[file(path, text)], &rules), [""; 0], "{path}");
        }
    }

    #[test]
    fn an_exception_that_allows_too_much_is_a_fault() {
        let long = "//! Long.\n".repeat(MAX_LINES + 1);
        let files = [file("crates/server/src/a.rs", &long)];
        for (toml, seen) in [
            ("[long]\n\"crates/server/src/a.rs\" = 601", 0),
            ("[long]\n\"crates/server/src/a.rs\" = 602", 1),
            ("[long]\n\"crates/server/src/a.rs\" = 601\n[json]\n\"crates/store/\" = \"no\"", 1),
        ] {
            assert_eq!(faults(&files, &rules(toml)).len(), seen, "{toml}");
        }
    }
}
