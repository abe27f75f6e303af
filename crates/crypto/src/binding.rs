//! What a sealed blob is bound to, as bytes to authenticate.

/// The bytes: `label` and each part, every one with its length before it.
///
/// No two different lists give the same bytes, and an absent part differs from an empty one.
/// Labels are longer than 32 bytes ([`label`]), so no client reaches these bytes by `Encrypt` or
/// `Decrypt`, whose AAD is empty or a SHA-256. Source: keys.md §9.2.
pub(crate) fn bind(label: Label, parts: &[Option<&str>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    push(&mut out, Some(label.0));
    for part in parts {
        push(&mut out, *part);
    }
    out
}

/// What kind of thing is sealed.
#[derive(Clone, Copy)]
pub(crate) struct Label(&'static str);

/// A label. Does not compile if it is so short that a client's AAD could be as long.
pub(crate) const fn label(text: &'static str) -> Label {
    assert!(text.len() > 32, "a label must be longer than a SHA-256");
    Label(text)
}

/// Absent: all ones where the length would be. Parts are far shorter than that.
fn push(out: &mut Vec<u8>, part: Option<&str>) {
    let len = part.map_or(u64::MAX, |it| it.len() as u64);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(part.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Label, bind, label};

    const ONE: Label = label("yaoku test: one thing that is sealed");
    const TWO: Label = label("yaoku test: another thing that is sealed");

    #[test]
    fn no_two_places_give_the_same_bytes() {
        let lists: [&[Option<&str>]; 9] = [
            &[],
            &[None],
            &[Some("")],
            &[Some("ab")],
            &[Some("a"), Some("b")],
            &[Some("ab"), None],
            &[None, Some("ab")],
            &[Some("ab"), Some("")],
            &[Some("a"), Some("b"), None],
        ];
        let seen: HashSet<_> = lists.iter().flat_map(|it| [bind(ONE, it), bind(TWO, it)]).collect();
        assert_eq!(seen.len(), 2 * lists.len());
        assert!(seen.iter().all(|it| it.len() > 32));
    }
}
