//! The kinds that a program knows.

use std::sync::Arc;

use crate::{InvalidArgs, KindSpec, Prepared};

/// A set of kinds, each with a spec for each of its queues, for code that knows jobs only by the name of their kind (webhooks, operators). Clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    in_queues: Arc<[KindSpec]>,
    /// Kinds with several queues, which are known also where there is none.
    families: Arc<[KindSpec]>,
}

impl Kinds {
    /// A set of these kinds. A kind with several queues is given once for each.
    pub fn new(kinds: impl IntoIterator<Item = KindSpec>) -> Self {
        Self {
            in_queues: kinds.into_iter().collect(),
            families: Arc::default(),
        }
    }

    /// Returns the set with these kinds, too, whatever queues they have: the configuration says which, and perhaps that there are
    /// none. Whoever asks for such a kind by its name alone gets what is given here.
    #[must_use]
    pub fn with_families(mut self, kinds: impl IntoIterator<Item = KindSpec>) -> Self {
        self.families = kinds.into_iter().collect();
        self
    }

    /// Those whose jobs producers may enqueue.
    #[must_use]
    pub fn of_producers(&self) -> Self {
        let of = |specs: &[KindSpec]| {
            let specs = specs.iter().filter(|spec| !spec.made_by_fleet);
            specs.copied().collect()
        };
        Self {
            in_queues: of(&self.in_queues),
            families: of(&self.families),
        }
    }

    /// One after the other, each once. Of a kind with several queues, this is the spec of the first, unless it is a family's.
    pub fn iter(&self) -> impl Iterator<Item = &KindSpec> {
        let specs = self.in_queues.iter().enumerate();
        let is_first = |place: usize, spec: &KindSpec| {
            let before = self.in_queues[..place].iter();
            let is_family = self.families().any(|family| family.kind == spec.kind);
            !is_family && !before.rev().any(|other| other.kind == spec.kind)
        };
        let first = specs.filter_map(move |(place, spec)| is_first(place, spec).then_some(spec));
        first.chain(self.families())
    }

    /// One after the other, each once for each of its queues.
    pub fn in_queues(&self) -> impl Iterator<Item = &KindSpec> {
        self.in_queues.iter()
    }

    /// Those whose queues the configuration names.
    pub fn families(&self) -> impl Iterator<Item = &KindSpec> {
        self.families.iter()
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

    /// The kind of this name. Of a kind with several queues, this is the spec of the first, unless it is a family's; it prepares jobs
    /// for all of them.
    #[must_use]
    pub fn find(&self, kind: &str) -> Option<&KindSpec> {
        let mut specs = self.families.iter().chain(&*self.in_queues);
        specs.find(|spec| spec.kind == kind)
    }

    /// The kind of this name, as it is in this queue.
    #[must_use]
    pub fn find_in(&self, kind: &str, queue: &str) -> Option<&KindSpec> {
        let mut specs = self.in_queues.iter();
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

    #[test]
    fn a_kind_whose_queues_are_configured_is_known_also_where_there_is_none() {
        let general = KindSpec::of::<Restock>().with_check(&|_| {
            Err(InvalidArgs(
                "branch: is not configured; there are none".to_owned(),
            ))
        });
        let none = Kinds::new([]).with_families([general]).of_producers();
        assert_eq!((none.iter().count(), none.in_queues().count()), (1, 0));
        let refused = none.prepare("restock", r#"{"branch":"oslo"}"#);
        let said = refused.expect_err("nowhere to go").to_string();
        assert_eq!(said, "branch: is not configured; there are none");
        let oslo = KindSpec::of::<Restock>().in_queue("branch-oslo");
        let one = Kinds::new([oslo]).with_families([general]);
        assert_eq!(one.iter().count(), 1);
        assert_eq!(one.find("restock").map(|spec| spec.queue), Some("branch-"));
        assert!(one.find_in("restock", "branch-oslo").is_some());
    }

    #[test]
    fn what_the_configuration_knows_of_args_stands_in_their_schema() {
        let spec = KindSpec::of::<Restock>().with_description(&|schema| {
            schema["properties"]["branch"]["enum"] = serde_json::json!(["oslo"]);
        });
        assert_eq!(spec.schema()["properties"]["branch"]["enum"][0], "oslo");
    }
}
