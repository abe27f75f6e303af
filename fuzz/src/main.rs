//! What libFuzzer drives: one program. `YAOKU_FUZZ_TARGET` says which target it is, and
//! `YAOKU_FUZZ_SEEDS` into which directory it writes that one's seeds, before libFuzzer reads them.

#![no_main]
#![expect(clippy::expect_used, reason = "there is nobody to answer an error to")]

use std::{path::Path, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use yaoku_fuzz::Target;

/// Chosen once. A name that is no target ends the program.
static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let found = yaoku_fuzz::named(&setting("YAOKU_FUZZ_TARGET"));
    found.expect("YAOKU_FUZZ_TARGET names a target")
});

fuzz_target!(
    init: write_seeds(Path::new(&setting("YAOKU_FUZZ_SEEDS"))),
    |input: &[u8]| (TARGET.run)(input)
);

fn write_seeds(directory: &Path) {
    for (number, seed) in TARGET.seeds().into_iter().enumerate() {
        std::fs::write(directory.join(format!("{number:04}")), seed).expect("a seed is written");
    }
}

#[expect(clippy::disallowed_methods, reason = "libFuzzer owns the command line")]
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
