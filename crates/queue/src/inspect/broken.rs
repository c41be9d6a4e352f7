//! What of a job is not as it has to be: anybody can write into Redis.

use crate::value::Fields;
use crate::{JobState, RunState};

/// The beginning of the year 10000 in unix seconds. No date is written so: what is due later was not meant in seconds.
pub(crate) const NO_TIME: f64 = 253_402_300_800.0;

/// What is wrong with what is due then.
const NEVER_DUE: &str = "it will never be due: its time in `scheduled` is no date in unix seconds (milliseconds are a thousand times as much)";

/// What is wrong with what another program has written and not pushed.
pub(super) const UNLISTED: &str = "nothing will run it: its producer has written it into `data`, and its id is neither in `active` nor in `scheduled`";

/// What of a record cannot be read.
pub(super) fn broken(
    record: &Fields,
    state: JobState,
    due: Option<f64>,
    unread: &[String],
) -> Broken {
    let mut broken = Broken::default();
    if record.has_unreadable() {
        broken.add("a field of its record has a name that is not UTF-8".to_owned());
    }
    if record.is_broken() {
        broken.add("its record cannot be read".to_owned());
    }
    for name in unread {
        broken.add(format!("the entry {name} of its history cannot be read"));
    }
    let run = record.get("run");
    if run.is_some() && record.text("run").and_then(RunState::read).is_none() {
        broken.add("what its record says of its runs cannot be read".to_owned());
    }
    for name in ["at", "exp"] {
        if record.get(name).is_some() && record.number::<u64>(name).is_none() {
            broken.add(format!("the time `{name}` in its record cannot be read"));
        }
    }
    if due.is_some_and(|due| due >= NO_TIME) {
        broken.add(NEVER_DUE.to_owned());
    }
    if state == JobState::Dead {
        match record.text("end") {
            _ if !record.has_record() => {
                broken.add("it has no record".to_owned());
            }
            Some(end) if end.starts_with('d') => {}
            _ => broken.add("its record does not say what it died of".to_owned()),
        }
    }
    broken
}

/// Why something cannot be read as a whole.
#[derive(Default)]
pub(crate) struct Broken(Vec<String>);

impl Broken {
    pub(crate) fn add(&mut self, why: String) {
        // One may be written a thousand times.
        if self.0.len() < 5 {
            self.0.push(why);
        }
    }

    pub(crate) fn text(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}
