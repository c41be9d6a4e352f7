//! The kinds that a program knows.

use std::sync::Arc;

use crate::{InvalidArgs, KindSpec, Prepared};

/// A set of kinds, each with a spec for each of its queues, for code that knows jobs only by the name of their kind (webhooks, operators). Clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Kinds(Arc<[KindSpec]>);

impl Kinds {
    /// A set of these kinds. A kind with several queues is given once for each.
    pub fn new(kinds: impl IntoIterator<Item = KindSpec>) -> Self {
        Self(kinds.into_iter().collect())
    }

    /// Those whose jobs producers may enqueue.
    #[must_use]
    pub fn of_producers(&self) -> Self {
        let kinds = self.in_queues().filter(|spec| !spec.made_by_fleet);
        Self::new(kinds.copied())
    }

    /// One after the other, each once. Of a kind with several queues, this is the spec of the first.
    pub fn iter(&self) -> impl Iterator<Item = &KindSpec> {
        let specs = self.0.iter().enumerate();
        let is_first = |place: usize, spec: &KindSpec| {
            let before = self.0[..place].iter();
            !before.rev().any(|other| other.kind == spec.kind)
        };
        specs.filter_map(move |(place, spec)| is_first(place, spec).then_some(spec))
    }

    /// One after the other, each once for each of its queues.
    pub fn in_queues(&self) -> impl Iterator<Item = &KindSpec> {
        self.0.iter()
    }

    /// Checks and encodes a job of the kind of this name. `args` is JSON.
    ///
    /// # Errors
    /// When there is no such kind, or when they are not its args.
    pub fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs> {
        match self.find(kind) {
            Some(spec) => spec.prepare(args),
            None => Err(InvalidArgs(format!(
                "no integration of this program has the kind `{kind}`"
            ))),
        }
    }

    /// The kind of this name. Of a kind with several queues, this is the spec of the first; it prepares jobs for all of them.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&KindSpec> {
        self.0.iter().find(|spec| spec.kind == kind)
    }

    /// The kind of this name, as it is in this queue.
    #[must_use]
    pub fn find_in(&self, kind: &str, queue: &str) -> Option<&KindSpec> {
        let mut specs = self.0.iter();
        specs.find(|spec| spec.kind == kind && spec.queue == queue)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Job, PersonArg};

    /// Waits in the queue of its branch.
    #[derive(Serialize, Deserialize)]
    struct Restock {
        branch: String,
    }

    impl Job for Restock {
        const KIND: &'static str = "restock";
        const QUEUE: &'static str = "branch-";
        const ONE_QUEUE: bool = false;
        const PUBLIC_ARGS: &'static [&'static str] = &["branch"];
        const PERSON_ARGS: &'static [PersonArg] = &[];

        fn check(&self) -> Result<(), InvalidArgs> {
            Ok(())
        }

        fn queue(&self) -> Cow<'static, str> {
            format!("{}{}", Self::QUEUE, self.branch).into()
        }
    }

    fn knows_branch(args: &str) -> Result<(), InvalidArgs> {
        let is_known = args.contains("oslo") || args.contains("bergen");
        InvalidArgs::unless(is_known, "branch", "there are oslo and bergen")
    }

    #[test]
    fn a_kind_with_several_queues_is_one_kind_for_whoever_enqueues_it() {
        let of = |queue| {
            let spec = KindSpec::of::<Restock>().in_queue(queue);
            spec.with_check(&knows_branch)
        };
        let kinds = Kinds::new([of("branch-oslo"), of("branch-bergen")]);
        assert_eq!(kinds.iter().count(), 1);
        assert_eq!(kinds.in_queues().count(), 2);
        let job = kinds.prepare("restock", r#"{"branch":"bergen"}"#);
        assert_eq!(job.expect("a branch that is known").queue, "branch-bergen");
        let spec = kinds.find_in("restock", "branch-bergen");
        assert_eq!(spec.map(|spec| spec.queue), Some("branch-bergen"));
        assert!(kinds.find_in("restock", "branch-paris").is_none());
        let unknown = kinds.prepare("restock", r#"{"branch":"paris"}"#);
        assert_eq!(
            unknown.expect_err("unknown").to_string(),
            "branch: there are oslo and bergen"
        );
    }
}
