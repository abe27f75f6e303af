//! The change feed: what a commit changed, told to every node.

use std::{fmt, str::FromStr};

use yaoku_model::ids::{
    AccessKeyId, AccountId, AliasName, GroupName, InstanceId, Invalid, KeyId, PolicyName,
    ProviderName, RoleName, SecretName, UserName,
};

use crate::NodeRow;

/// One thing that a committed transaction made, changed or removed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// An account, or one of its wrapping keys.
    Account(AccountId),
    /// An access key.
    AccessKey(AccessKeyId),
    /// An alias.
    Alias(AccountId, AliasName),
    /// A group, its users, or what is attached to it.
    Group(AccountId, GroupName),
    /// An instance.
    Instance(InstanceId),
    /// A key, its versions, its policy or its tags.
    Key(KeyId),
    /// A node came or went.
    Nodes,
    /// An identity provider.
    OidcProvider(AccountId, ProviderName),
    /// A custom policy, or its versions.
    Policy(AccountId, PolicyName),
    /// A role, or what is attached to it.
    Role(AccountId, RoleName),
    /// The wraps of the root key, or its generation.
    RootKey,
    /// A secret, its versions, its labels, its policy or its tags.
    Secret(AccountId, SecretName),
    /// A user, or what is attached to it.
    User(AccountId, UserName),
}

/// What a transaction left.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// What it changed, each thing once.
    pub changes: Vec<Change>,
    /// Where it stands among all others; `None` where no other node has to hear of it: nothing that
    /// anybody caches was changed, or there are no other nodes.
    pub place: Option<Place>,
}

/// Where a transaction stands among all others. A counter, or PostgreSQL's id of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place(pub(crate) i64);

/// How far a reader of the feed has come: which transactions it has seen the changes of.
///
/// Its text is what PostgreSQL writes of a snapshot: `open:end:a,b`. Seen is every place before `open`, and every
/// one before `end` but for `a`, `b` and so on, which were under way. With a counter there are none of those.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mark {
    open: i64,
    end: i64,
    under_way: Vec<i64>,
}

impl Mark {
    /// Whether its reader has seen the transaction at `place`.
    #[must_use]
    pub fn has_seen(&self, Place(place): Place) -> bool {
        place < self.open || (place < self.end && !self.under_way.contains(&place))
    }

    /// The first place that was not seen, perhaps.
    pub(crate) const fn open(&self) -> i64 {
        self.open
    }

    /// The first place that had not begun.
    pub(crate) const fn end(&self) -> i64 {
        self.end
    }

    /// Those that were under way, with commas between them.
    pub(crate) fn under_way(&self) -> String {
        let texts: Vec<_> = self.under_way.iter().map(ToString::to_string).collect();
        texts.join(",")
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.open, self.end, self.under_way())
    }
}

impl FromStr for Mark {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let number = |it: &str| it.parse().map_err(|_| Invalid);
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(Invalid);
        let (open, end, under_way) = (number(part()?)?, number(part()?)?, part()?);
        let under_way = under_way.split(',').filter(|it| !it.is_empty()).map(number);
        Ok(Self { open, end, under_way: under_way.collect::<Result<_, _>>()? })
    }
}

/// A part of the feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// What changed, each thing at least once.
    pub changes: Vec<Change>,
    /// Whether more may have changed: what stood between the mark asked with and the oldest row
    /// that is kept. Whoever keeps anything must then forget all of it.
    pub missed: bool,
    /// What to ask with next.
    pub next: Mark,
    /// The nodes, as they stood at the same moment.
    pub nodes: Vec<NodeRow>,
}

#[cfg(test)]
mod tests {
    use super::{Mark, Place};

    #[test]
    fn what_was_under_way_or_had_not_begun_is_not_seen() {
        let mark: Mark = "10:20:12,15".parse().unwrap();
        let seen: Vec<_> = (8..22).filter(|it| mark.has_seen(Place(*it))).collect();
        assert_eq!(seen, [8, 9, 10, 11, 13, 14, 16, 17, 18, 19]);
        assert!(!Mark::default().has_seen(Place(0)));
    }

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        for text in ["10:20:12,15", "3:3:", "0:0:"] {
            assert_eq!(text.parse::<Mark>().unwrap().to_string(), text);
        }
        for text in ["", "1", "1:2", "1:2:x", "a:2:"] {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
    }
}
