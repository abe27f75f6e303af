//! Secrets to look for, in every form they might be left in.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Every secret that came up, and its forms: raw, hexadecimal, and base64 wherever in a text it stands.
#[derive(Default)]
pub(crate) struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    /// Adds a secret of at least 12 bytes, in all forms.
    pub(crate) fn add(&mut self, secret: &[u8]) {
        let name = String::from_utf8_lossy(secret).into_owned();
        let mut forms =
            vec![secret.to_vec(), hex::encode(secret).into(), hex::encode_upper(secret).into()];
        for shift in 0..3 {
            // Base64 of a text that it stands in, wherever it stands: without the ends, which
            // depend on what is around it.
            let text = STANDARD.encode([&[0; 3][..shift], secret].concat());
            let text = text.trim_end_matches('=');
            forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
        }
        self.0.extend(forms.into_iter().map(|it| (name.clone(), it)));
    }

    /// Each form, with the secret's name.
    pub(crate) fn forms(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, form)| (name.as_str(), form.as_slice()))
    }

    /// Fails the test if one is there.
    pub(crate) fn are_not_in(&self, place: &str, bytes: &[u8]) {
        for (name, form) in &self.0 {
            let there = bytes.windows(form.len()).any(|it| it == form);
            assert!(!there, "{name} is in {place}");
        }
    }

    /// As [`Self::are_not_in`], for all files below a directory; answers how many there are.
    pub(crate) fn are_not_in_files(&self, directory: &Path) -> usize {
        let mut files = 0;
        for entry in fs::read_dir(directory).unwrap().map(|it| it.unwrap().path()) {
            if entry.is_dir() {
                files += self.are_not_in_files(&entry);
            } else {
                self.are_not_in(&entry.display().to_string(), &fs::read(&entry).unwrap());
                files += 1;
            }
        }
        files
    }
}
