//! Known answers out of the files of `vectors/`.

use std::{collections::HashMap, fs};

/// One known answer: the fields of a paragraph of a vector file.
pub(crate) struct Answer(HashMap<String, String>);

impl Answer {
    /// A field. Panics if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// A field in hexadecimal digits.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.text(name)).unwrap()
    }
}

/// All of a file of `vectors/`. Its first paragraph says where they come from.
pub(crate) fn answers(file: &str) -> Vec<Answer> {
    let path = format!("{}/../../vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let field = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.trim().to_owned(), value.trim().to_owned())
    };
    let paragraphs = text.split("\n\n").skip(1);
    let all: Vec<_> = paragraphs.map(|it| Answer(it.lines().map(field).collect())).collect();
    assert!(!all.is_empty(), "{path} has no answers");
    all
}
