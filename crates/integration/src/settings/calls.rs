//! How a provider is called: for how long, how often, and when it is left alone. Declared once, for all of them.

use std::time::Duration;

use super::BUILT_IN;
use super::key::KeyPath;
use super::reader::{Reader, SOME_TIME};
use super::section::{Section, SectionEntry, SectionSecrets};
use super::setting::{Group, group, seconds, whole};
use crate::section;

section! {
    /// How a provider is called, by the whole fleet.
    pub struct Calls derive(Copy, PartialEq) in "" {
        /// How long one call may take.
        pub timeout: Duration = "timeout_seconds", seconds(SOME_TIME);
        /// How often it may be called.
        pub limit: LimitSettings = "", group::<LimitSettings>();
        /// When it is left alone: after so many failures in a row (or within `window_seconds`, if set), for so long; then
        /// one call finds out whether it is back. Jobs wait meanwhile, their attempts intact.
        pub breaker: BreakerSettings = "breaker", group::<BreakerSettings>();
    }
}

section! {
    /// When a provider is left alone.
    pub struct BreakerSettings derive(Copy, PartialEq, Eq) in "" {
        /// So many failures …
        pub failures: u32 = "failures", whole(1..=1000).or("5");
        /// … within this time, or in a row if it is not set.
        pub window: Option<Duration> = "window_seconds", seconds(SOME_TIME).optional().example("60");
        /// How long until one call may find out whether it is back.
        pub open: Duration = "open_seconds", seconds(SOME_TIME).or("30");
    }
}

/// How a provider is called by a section that these keys are part of. Its call may take so many seconds, and there are so
/// many calls a second at the most.
#[must_use]
pub const fn calls(timeout_seconds: &'static str, rate_per_second: &'static str) -> Group<Calls> {
    group()
        .with("timeout_seconds", timeout_seconds)
        .with("rate_per_second", rate_per_second)
}

/// So many calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

section! {
    struct LimitKeys in "" {
        /// How often it is called, by the whole fleet.
        _simple: u32 = "rate_per_second" as SIMPLE, PER_SECOND;
        /// The same for rates that are not per second.
        _full: FullLimit = "rate" as FULL, group::<FullLimit>().inline("{ count = 3000, per_seconds = 60 }");
    }
}

section! {
    struct FullLimit in "" {
        /// So many calls …
        count: u32 = "count" as COUNT, whole(1..=1_000_000).example("3000");
        /// … in so many seconds.
        per: Duration = "per_seconds" as PER, seconds(SOME_TIME).example("60");
    }
}

const PER_SECOND: super::setting::Setting<u32> = whole(1..=100_000);

/// `rate_per_second = 100`, or `rate = { count = 3000, per_seconds = 60 }`.
impl Section for LimitSettings {
    const AT: &'static str = "";
    const DOC: &'static [&'static str] = &[];
    const ENTRIES: &'static [SectionEntry] = LimitKeys::ENTRIES;

    fn read(reader: &mut Reader<'_>, at: &KeyPath) -> Option<Self> {
        let (simple, full) = (at.join(LimitKeys::SIMPLE), at.join(LimitKeys::FULL));
        if !reader.has(&full) {
            return Some(Self {
                count: PER_SECOND.read(reader, &simple)?,
                per: Duration::from_secs(1),
            });
        }
        let is_built_in = reader
            .origin(&simple)
            .is_some_and(|origin| origin == BUILT_IN);
        if reader.has(&simple) && !is_built_in {
            let problem = format!("is set beside {full}");
            let cure = format!("keep one of them; {full} is for rates that are not per second");
            reader.error(&simple, problem, cure);
            return None;
        }
        let missing: Vec<_> = [FullLimit::COUNT, FullLimit::PER]
            .into_iter()
            .filter(|name| !reader.has(full.join(name)))
            .collect();
        if !missing.is_empty() {
            let problem = format!("lacks {}", missing.join(" and "));
            let cure = "write { count = 3000, per_seconds = 60 }";
            reader.error(&full, problem, cure);
            return None;
        }
        let FullLimit { count, per } = FullLimit::read(reader, &full)?;
        Some(Self { count, per })
    }

    fn secrets<'a>(&'a self, _: &KeyPath, _: &mut SectionSecrets<'a>) {}
}
