//! `providers.<provider>.rate*` and `.breaker.*`: how often a provider is called, and when it is left alone.

use std::time::Duration;

use super::BUILT_IN;
use super::key::KeyPath;
use super::reader::{Reader, SOME_TIME};

/// So many calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// How a provider is treated, by the whole fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calls {
    /// How often it may be called.
    pub limit: Limit,
    /// When it is left alone.
    pub breaker: Breaker,
}

/// When a provider is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// So many failures …
    pub failures: u32,
    /// … within this time, or in a row.
    pub window: Option<Duration>,
    /// How long until one call may find out whether it is back.
    pub open: Duration,
}

impl Calls {
    /// Reads one provider's: `providers.<provider>.rate*` and `.breaker.*`.
    pub fn read(reader: &mut Reader<'_>, provider: &str) -> Option<Self> {
        let section = KeyPath::new(&["providers", provider]);
        let limit = limit(reader, &section);
        let breaker = section.join("breaker");
        let failures = reader.whole(breaker.join("failures"), 1..=1000);
        let open = reader.seconds(breaker.join("open_seconds"), SOME_TIME);
        let window = match reader.has(breaker.join("window_seconds")) {
            true => reader
                .seconds(breaker.join("window_seconds"), SOME_TIME)
                .map(Some),
            false => Some(None),
        };
        Some(Calls {
            limit: limit?,
            breaker: Breaker {
                failures: failures?,
                window: window?,
                open: open?,
            },
        })
    }
}

/// `rate_per_second = 100`, or `rate = { count = 3000, per_seconds = 60 }`.
fn limit(reader: &mut Reader<'_>, section: &KeyPath) -> Option<Limit> {
    let (simple, full) = (section.join("rate_per_second"), section.join("rate"));
    let is_built_in = reader
        .origin(&simple)
        .is_some_and(|origin| origin == BUILT_IN);
    if reader.has(full.clone()) && reader.has(simple.clone()) && !is_built_in {
        let problem = format!("is set beside {full}");
        let cure = format!("keep one of them; {full} is for rates that are not per second");
        reader.error(&simple, problem, cure);
        return None;
    }
    if reader.has(full.clone()) {
        let missing: Vec<_> = ["count", "per_seconds"]
            .into_iter()
            .filter(|name| !reader.has(full.join(name)))
            .collect();
        if !missing.is_empty() {
            let problem = format!("lacks {}", missing.join(" and "));
            let cure = "write { count = 3000, per_seconds = 60 }";
            reader.error(&full, problem, cure);
            return None;
        }
        let count = reader.whole(full.join("count"), 1..=1_000_000);
        let per = reader.seconds(full.join("per_seconds"), SOME_TIME);
        return Some(Limit {
            count: count?,
            per: per?,
        });
    }
    let count = reader.whole(simple, 1..=100_000)?;
    Some(Limit {
        count,
        per: Duration::from_secs(1),
    })
}
