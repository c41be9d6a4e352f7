//! Whether each tick made one job.

use std::collections::BTreeMap;

use crate::facts::{CronEntry, Facts, LATE_MS, Promise};
use crate::ledger::Ledger;

/// The last ticks before a pause, of an operator or at the end of a leg, may not have been made when it came: a Redis that was
/// away holds all of them up.
const LAST_MS: u64 = 10_000;

/// Redis may have lost the job with the mark of its tick, or the mark alone, on another node than the job.
const LOST: &str = "a tick whose job or mark Redis lost";

/// Redis forgot that the entry may tick again: it is paused as before.
const RESUME_LOST: &str = "a tick of an entry whose resume Redis lost";

/// Ticks are Redis's: what its clock steps over has none, and after a step back an entry begins anew.
const PASSED: &str = "a tick that Redis's clock stepped over";

/// How long all entries may take until they have begun anew.
const ANEW_MS: u64 = 15_000;

pub(super) fn check(facts: &Facts, ledger: &mut Ledger) {
    for entry in &facts.cron {
        one(facts, entry, ledger);
    }
}

fn one(facts: &Facts, entry: &CronEntry, ledger: &mut Ledger) {
    let mut ticks: BTreeMap<u64, usize> = BTreeMap::new();
    let made = facts.found.values().filter_map(|found| found.tick.as_ref());
    for (_, tick) in made.filter(|(name, _)| name == entry.name) {
        *ticks.entry(*tick).or_default() += 1;
    }
    // An entry of which Redis forgot that somebody has it begins anew, too.
    let lost = |tick: u64| {
        let began_ms = tick.saturating_sub(ANEW_MS);
        facts.may_be_lost(began_ms, tick + LATE_MS).then_some(LOST)
    };
    let passed = |tick: u64| was_passed(facts, tick).then_some(PASSED);
    for (tick, times) in ticks.iter().filter(|(_, times)| **times > 1) {
        let what = format!("cron: {} made {times} jobs of the tick {tick}", entry.name);
        ledger.unless(lost(*tick), what);
    }
    let first = entry.from_ms.div_ceil(entry.every_ms) * entry.every_ms;
    let last = entry.until_ms.saturating_sub(LAST_MS);
    let missing = (first..last).step_by(entry.every_ms as usize);
    let missing = missing.filter(|tick| !ticks.contains_key(tick));
    for tick in missing.filter(|tick| !was_paused(facts, entry.name, *tick)) {
        let what = format!("cron: {} made no job of the tick {tick}", entry.name);
        let resume_lost = resume_was_lost(facts, entry.name, tick).then_some(RESUME_LOST);
        ledger.unless(lost(tick).or(passed(tick)).or(resume_lost), what);
    }
    *ledger.apart.entry("ticks of cron").or_default() += ticks.len();
}

/// A tick that was due shortly before a pause is not made up for, either.
fn was_paused(facts: &Facts, entry: &str, tick: u64) -> bool {
    let mut pauses = pauses(facts, entry);
    pauses.any(|(from_ms, until_ms)| (from_ms.saturating_sub(LAST_MS)..=until_ms).contains(&tick))
}

/// Whether Redis may have forgotten the end of the last pause before a tick.
fn resume_was_lost(facts: &Facts, entry: &str, tick: u64) -> bool {
    let before = pauses(facts, entry).filter(|(_, until_ms)| *until_ms <= tick);
    let last = before.max_by_key(|(_, until_ms)| *until_ms);
    last.is_some_and(|(from_ms, until_ms)| facts.may_be_lost(from_ms, until_ms))
}

/// From when to when an operator had an entry paused.
fn pauses<'a>(facts: &'a Facts, entry: &'a str) -> impl Iterator<Item = (u64, u64)> + 'a {
    let promises = facts.commands.iter().flat_map(|command| &command.promises);
    promises.filter_map(move |promise| match promise {
        Promise::MayNotTick(name, from_ms, until_ms) if *name == entry => {
            Some((*from_ms, *until_ms))
        }
        _ => None,
    })
}

fn was_passed(facts: &Facts, tick: u64) -> bool {
    let mut wrong = facts.wrong_clocks.iter();
    wrong.any(|wrong| {
        (wrong.from_ms.saturating_sub(LAST_MS)..=wrong.until_ms + ANEW_MS).contains(&tick)
    })
}
