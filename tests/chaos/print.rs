//! A leg's ledger, for who is tired.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::faults::Persistence;
use crate::ledger::Ledger;

const MIB: u64 = 1 << 20;

/// What must not be, by the word that each such line begins with.
const WORDS: [(&str, &str); 24] = [
    ("lost", "lost"),
    ("doubled", "doubled without a cause"),
    ("stuck", "stuck"),
    ("uncommitted", "there though rolled back"),
    ("cancelled", "cancelled and sent, or not cancelled"),
    ("edited", "sent as before an edit"),
    ("forgotten", "of a forgotten person"),
    ("paused", "run while paused"),
    ("limited", "called too fast"),
    ("discarded", "there though discarded"),
    ("burnt", "attempts burnt"),
    ("key", "keys wrong"),
    ("sets", "sets that disagree"),
    ("audit", "audit wrong"),
    ("cron", "ticks missed or made twice"),
    ("untaken", "providers' events without a consequence"),
    ("untold", "ends not told"),
    ("echo", "told of the queue events"),
    ("console", "pages not answered"),
    ("api", "requests not answered as they should be"),
    ("command", "commands that broke"),
    ("ended", "roles that ended by themselves"),
    ("panicked", "panics"),
    ("memory", "processes that grew"),
];

pub(crate) fn print(
    persistence: Persistence,
    counts: &BTreeMap<&'static str, usize>,
    facts: &Facts,
    ledger: &Ledger,
    list: usize,
) {
    let done: Vec<_> = counts
        .iter()
        .map(|(what, n)| format!("{n} {what}"))
        .collect();
    let dead: usize = ledger.dead.values().sum();
    println!("\n{persistence}: {}", done.join(", "));
    println!(
        "  accepted {} = {} completed + {dead} dead + {} cancelled + {} discarded + {} gone with writes that Redis lost",
        ledger.accepted, ledger.completed, ledger.cancelled, ledger.discarded, ledger.gone
    );
    let kinds = ledger.kinds.iter();
    let kinds: Vec<_> = kinds
        .map(|(kind, (accepted, completed))| format!("{kind} {completed}/{accepted}"))
        .collect();
    println!("    completed of accepted: {}", kinds.join(", "));
    for (cause, count) in &ledger.dead {
        println!("    dead {count}: {cause}");
    }
    let effects: usize = facts.effects.values().map(Vec::len).sum();
    let doubled: usize = ledger.doubled.values().sum();
    println!("  effects {effects}, of them second ones with a cause {doubled}");
    for (cause, count) in &ledger.doubled {
        println!("    {count}: {cause}");
    }
    println!(
        "  ends that the app was told of {}, and again {}; gone with writes that Redis lost {}",
        ledger.told, ledger.told_again, ledger.untold_gone,
    );
    for (cause, count) in &ledger.apart {
        println!("  counted apart: {count} {cause}");
    }
    for (fault, times) in &ledger.recovery {
        println!(
            "  after {fault}: the next job completed in {} ms p50, {} ms p99, of {}",
            percentile(times, 50),
            percentile(times, 99),
            times.len()
        );
    }
    print_memory(facts);
    let wrong: Vec<_> = WORDS
        .iter()
        .map(|(word, said)| (ledger.count(&format!("{word}:")), said))
        .filter(|(count, _)| *count > 0)
        .map(|(count, said)| format!("{count} {said}"))
        .collect();
    match ledger.faults.len() {
        0 => println!("  nothing that must not be"),
        all => println!("  {all} that must not be: {}", wrong.join(", ")),
    }
    for fault in ledger.faults.iter().take(list) {
        println!("    {fault}");
    }
}

/// By role: the one that grew most.
fn print_memory(facts: &Facts) {
    let mut by_role: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for memory in &facts.memory {
        let most = by_role.entry(memory.role).or_default();
        let grown = memory.late_bytes.saturating_sub(memory.early_bytes);
        if *most == (0, 0) || grown > most.1.saturating_sub(most.0) {
            *most = (memory.early_bytes, memory.late_bytes);
        }
    }
    let roles = by_role
        .iter()
        .map(|(role, (early, late))| format!("{role} from {} to {} MiB", early / MIB, late / MIB));
    let mut roles: Vec<_> = roles.collect();
    if roles.is_empty() {
        roles.push("no process lived from a fifth of it to the end".to_owned());
    }
    println!(
        "  memory: {}; Redis at the end {} MiB",
        roles.join(", "),
        facts.redis_bytes / MIB
    );
}

/// Of times in their order.
fn percentile(times: &[u64], percent: usize) -> u64 {
    let place = (times.len() * percent).div_ceil(100);
    let time = times.get(place.saturating_sub(1));
    time.copied().unwrap_or_default()
}
