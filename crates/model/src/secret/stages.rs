//! Labels: which version of a secret is served under which name. Source: secrets.md §2.

use std::collections::BTreeSet;

use crate::ids::{Stage, VersionId};

use super::Secret;

/// Why a label cannot be put where it was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StageError {
    /// The secret has no such version.
    #[error("no such version")]
    NoSuchVersion,
    /// The label is not on the version that it was to be taken from.
    #[error("the label is not on that version")]
    NotThere,
    /// One version cannot be the current and the previous one.
    #[error("a version cannot be current and previous")]
    CurrentIsNotPrevious,
    /// The secret would have more than [`Secret::MAX_STAGES`] labels.
    #[error("too many labels")]
    TooMany,
}

/// The labels for a new version: at least one, and not both of those that the service moves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewStages(BTreeSet<Stage>);

impl NewStages {
    /// These labels; none is `ACSCurrent`, and the same label twice is one.
    pub fn new(stages: impl IntoIterator<Item = Stage>) -> Result<Self, StageError> {
        let mut stages: BTreeSet<Stage> = stages.into_iter().collect();
        if stages.is_empty() {
            stages.insert(Stage::current());
        }
        if stages.contains(&Stage::current()) && stages.contains(&Stage::previous()) {
            return Err(StageError::CurrentIsNotPrevious);
        }
        Ok(Self(stages))
    }
}

/// What to do with one label. Which versions there are is not known yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageMove {
    /// The label.
    pub stage: Stage,
    /// The version it is on now; `None` is whichever.
    pub from: Option<VersionId>,
    /// The version to put it on; `None` is to take it away.
    pub to: Option<VersionId>,
}

impl Secret {
    /// How many labels a secret may have, those of the service included. Source: secrets.md §1.6.
    pub const MAX_STAGES: usize = 8;

    /// How many versions a secret keeps. Source: secrets.md §1.6.
    pub const MAX_VERSIONS: usize = 10;

    /// The labels of a version, in order of their names.
    pub fn stages_of(&self, version: &VersionId) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(move |(_, it)| *it == version).map(|(stage, _)| stage)
    }

    /// Labels a version that was just added. Fails with the labels as they were.
    ///
    /// A version that becomes current makes the one before it the previous one.
    pub fn label_new(&mut self, version: &VersionId, stages: &NewStages) -> Result<(), StageError> {
        let mut moved = self.stages.clone();
        for stage in &stages.0 {
            let old = moved.insert(stage.clone(), version.clone());
            if *stage == Stage::current() {
                moved.extend(old.map(|old| (Stage::previous(), old)));
            }
        }
        if moved.len() > Self::MAX_STAGES {
            return Err(StageError::TooMany);
        }
        self.stages = moved;
        Ok(())
    }

    /// Moves a label between `versions`, which are all that the secret has. Fails with the labels
    /// as they were.
    pub fn move_label(
        &mut self,
        asked: &StageMove,
        versions: &[&VersionId],
    ) -> Result<(), StageError> {
        let named = asked.from.iter().chain(&asked.to);
        if named.into_iter().any(|it| !versions.contains(&it)) {
            return Err(StageError::NoSuchVersion);
        }
        let holder = self.stages.get(&asked.stage);
        let current = asked.stage == Stage::current();
        // Whoever makes a version current may do so again: rotation by functions does, and then
        // names the version that was current the first time. Source: secrets.md §7 (d).
        if current && holder == asked.to.as_ref() {
            return Ok(());
        }
        if asked.from.is_some() && asked.from.as_ref() != holder {
            return Err(StageError::NotThere);
        }
        let Some(to) = &asked.to else {
            self.stages.remove(&asked.stage);
            return Ok(());
        };
        if asked.stage == Stage::previous() && self.stages.get(&Stage::current()) == Some(to) {
            return Err(StageError::CurrentIsNotPrevious);
        }
        let one = NewStages(BTreeSet::from([asked.stage.clone()]));
        self.label_new(to, &one)
    }

    /// The version to remove so that no more than [`Secret::MAX_VERSIONS`] are kept: the oldest
    /// that has no label. `versions` are all there are, oldest first.
    #[must_use]
    pub fn evicted<'a>(&self, versions: &[&'a VersionId]) -> Option<&'a VersionId> {
        if versions.len() <= Self::MAX_VERSIONS {
            return None;
        }
        versions.iter().copied().find(|it| self.stages_of(it).next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::{NewStages, StageError, StageMove};
    use crate::{
        ids::{Stage, VersionId},
        secret::{Secret, tests::secret},
    };

    /// Labels and their versions, in one text: `ACSCurrent=v2 ACSPrevious=v1`.
    fn labels(secret: &Secret) -> String {
        let pairs: Vec<_> = secret.stages.iter().map(|(it, at)| format!("{it}={at}")).collect();
        pairs.join(" ")
    }

    fn with(labels: &str) -> Secret {
        let mut secret = secret();
        let pairs = labels.split_whitespace().filter_map(|it| it.split_once('='));
        secret.stages = pairs.map(|(it, at)| (it.parse().unwrap(), id(at))).collect();
        secret
    }

    fn id(text: &str) -> VersionId {
        text.parse().unwrap()
    }

    fn stages(text: &str) -> Result<NewStages, StageError> {
        NewStages::new(text.split_whitespace().map(|it| it.parse::<Stage>().unwrap()))
    }

    #[test]
    fn a_secret_is_made_with_one_current_version() {
        let mut secret = with("");
        secret.label_new(&id("v1"), &stages("").unwrap()).unwrap();
        assert_eq!(labels(&secret), "ACSCurrent=v1");
    }

    #[test]
    fn a_new_version_takes_its_labels_from_others() {
        // Source: secrets.md §2, rows "Put". The new version is `v9`.
        for (before, put, after) in [
            ("ACSCurrent=v1", "", "ACSCurrent=v9 ACSPrevious=v1"),
            ("ACSCurrent=v1", "ACSCurrent", "ACSCurrent=v9 ACSPrevious=v1"),
            ("ACSCurrent=v2 ACSPrevious=v1", "", "ACSCurrent=v9 ACSPrevious=v2"),
            ("ACSCurrent=v2 ACSPrevious=v1", "x", "ACSCurrent=v2 ACSPrevious=v1 x=v9"),
            ("ACSCurrent=v1 x=v1", "x", "ACSCurrent=v1 x=v9"),
            ("ACSCurrent=v1 x=v1", "x x", "ACSCurrent=v1 x=v9"),
            ("ACSCurrent=v1 x=v1", "", "ACSCurrent=v9 ACSPrevious=v1 x=v1"),
            ("ACSCurrent=v1", "ACSCurrent ACSNext", "ACSCurrent=v9 ACSNext=v9 ACSPrevious=v1"),
            ("ACSCurrent=v1", "ACSPrevious", "ACSCurrent=v1 ACSPrevious=v9"),
            ("ACSCurrent=v2 ACSPrevious=v1", "ACSPrevious", "ACSCurrent=v2 ACSPrevious=v9"),
        ] {
            let mut secret = with(before);
            secret.label_new(&id("v9"), &stages(put).unwrap()).unwrap();
            assert_eq!(labels(&secret), after, "{before}, put {put}");
        }
    }

    #[test]
    fn no_version_is_both_current_and_previous() {
        assert_eq!(stages("ACSCurrent ACSPrevious"), Err(StageError::CurrentIsNotPrevious));
    }

    #[test]
    fn a_label_goes_where_it_is_sent() {
        // Source: secrets.md §2, rows "Update": label, from, to ("-" is none).
        let both = "ACSCurrent=v2 ACSPrevious=v1 x=v3";
        for (before, stage, from, to, after) in [
            ("ACSCurrent=v1", "ACSCurrent", "-", "v2", "ACSCurrent=v2 ACSPrevious=v1"),
            ("ACSCurrent=v1", "ACSCurrent", "v1", "v2", "ACSCurrent=v2 ACSPrevious=v1"),
            (both, "ACSCurrent", "-", "v3", "ACSCurrent=v3 ACSPrevious=v2 x=v3"),
            (both, "ACSCurrent", "v2", "v1", "ACSCurrent=v1 ACSPrevious=v2 x=v3"),
            (both, "ACSCurrent", "-", "v2", both),
            (both, "ACSCurrent", "v1", "v2", both),
            (both, "ACSPrevious", "-", "v3", "ACSCurrent=v2 ACSPrevious=v3 x=v3"),
            (both, "ACSPrevious", "v1", "v1", both),
            ("ACSCurrent=v1", "ACSPrevious", "-", "v2", "ACSCurrent=v1 ACSPrevious=v2"),
            (both, "y", "-", "v1", "ACSCurrent=v2 ACSPrevious=v1 x=v3 y=v1"),
            (both, "x", "-", "v1", "ACSCurrent=v2 ACSPrevious=v1 x=v1"),
            (both, "x", "v3", "v2", "ACSCurrent=v2 ACSPrevious=v1 x=v2"),
            (both, "x", "v3", "v3", both),
            (both, "x", "v3", "-", "ACSCurrent=v2 ACSPrevious=v1"),
        ] {
            let mut secret = with(before);
            secret.move_label(&asked(stage, from, to), &all()).unwrap();
            assert_eq!(labels(&secret), after, "{before}: {stage} from {from} to {to}");
        }
    }

    #[test]
    fn a_label_that_cannot_move_stays() {
        let before = "ACSCurrent=v2 ACSPrevious=v1 x=v3";
        for (stage, from, to, expected) in [
            ("ACSCurrent", "-", "v9", StageError::NoSuchVersion),
            ("ACSCurrent", "v9", "v2", StageError::NoSuchVersion),
            ("ACSCurrent", "v1", "v3", StageError::NotThere),
            ("ACSPrevious", "v3", "v2", StageError::NotThere),
            ("ACSPrevious", "-", "v2", StageError::CurrentIsNotPrevious),
            ("x", "v1", "-", StageError::NotThere),
            ("x", "v1", "v2", StageError::NotThere),
            ("x", "v2", "v3", StageError::NotThere),
            ("y", "v1", "-", StageError::NotThere),
            ("y", "v1", "v2", StageError::NotThere),
        ] {
            let mut secret = with(before);
            let result = secret.move_label(&asked(stage, from, to), &all());
            assert_eq!(result, Err(expected), "{stage} from {from} to {to}");
            assert_eq!(labels(&secret), before, "{stage} from {from} to {to}");
        }
    }

    #[test]
    fn there_are_eight_labels_and_no_ninth() {
        let seven = "ACSCurrent=v1 a=v1 b=v1 c=v1 d=v1 e=v1 f=v1";
        for (put, expected) in [
            ("", Ok(())), // the eighth is ACSPrevious
            ("g", Ok(())),
            ("a b c d e f", Ok(())),
            ("ACSCurrent a", Ok(())),
            ("ACSCurrent g", Err(StageError::TooMany)),
            ("g h", Err(StageError::TooMany)),
        ] {
            let mut secret = with(seven);
            assert_eq!(secret.label_new(&id("v2"), &stages(put).unwrap()), expected, "{put}");
            assert_eq!(labels(&secret) == seven, expected.is_err(), "{put}");
        }
        let mut secret = with(&format!("{seven} g=v1"));
        for (stage, expected) in [
            ("h", Err(StageError::TooMany)),
            ("ACSCurrent", Err(StageError::TooMany)),
            ("a", Ok(())),
        ] {
            assert_eq!(secret.move_label(&asked(stage, "-", "v2"), &all()), expected, "{stage}");
        }
    }

    #[test]
    fn the_oldest_version_without_a_label_makes_room() {
        // Source: secrets.md §2, examples 1 and 2: twelve puts, with and without a label on `v1`.
        for (labelled, expected) in [
            (false, "v3 v4 v5 v6 v7 v8 v9 v10 v11 v12"),
            (true, "v1 v4 v5 v6 v7 v8 v9 v10 v11 v12"),
        ] {
            let mut secret = with(if labelled { "keep=v1" } else { "" });
            let mut kept: Vec<VersionId> = Vec::new();
            for n in 1..=12 {
                let new = id(&format!("v{n}"));
                secret.label_new(&new, &stages("").unwrap()).unwrap();
                kept.push(new);
                let gone = secret.evicted(&kept.iter().collect::<Vec<_>>()).cloned();
                kept.retain(|it| Some(it) != gone.as_ref());
                assert_eq!(kept.len(), n.min(Secret::MAX_VERSIONS));
            }
            let ids: Vec<_> = kept.iter().map(VersionId::as_str).collect();
            assert_eq!(ids.join(" "), expected);
        }
    }

    fn all() -> [&'static VersionId; 3] {
        static ALL: LazyLock<[VersionId; 3]> = LazyLock::new(|| ["v1", "v2", "v3"].map(id));
        ALL.each_ref()
    }

    fn asked(stage: &str, from: &str, to: &str) -> StageMove {
        let version = |it: &str| (it != "-").then(|| id(it));
        StageMove { stage: stage.parse().unwrap(), from: version(from), to: version(to) }
    }
}
