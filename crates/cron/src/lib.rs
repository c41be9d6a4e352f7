//! When cron entries tick, and which job each tick makes. Pure: no clock, no Redis; all times are given, in
//! milliseconds since the epoch.
//!
//! - [`Schedule`] is an expression in a time zone: the tick before a time, and the one after it.
//! - [`CatchUp`] says what becomes of ticks at which nobody was there, and [`CatchUp::plan`] which ones are run now.
//! - [`ScheduledEntry`] puts them together with the job of each tick, whose args may name the tick's time ([`Template`]).
//!
//! # Daylight saving
//!
//! As Vixie's cron does it, on days when clocks are changed:
//!
//! - An entry at **fixed times** (no `*` in seconds, minutes and hours, as in `30 2 * * *`) runs once: at the first moment
//!   after the gap if its time is skipped, and at the first of the two if its time comes twice.
//! - An entry by **intervals** (with a `*` there, as in `*/10 * * * *` or `0 * * * *`) follows real time: what the gap
//!   skips is not run, and what comes twice is run twice.
//!
//! # Who parses
//!
//! `croner` reads the expressions and finds the times on the wall that they match: five fields, or six with seconds
//! first; 0 and 7 are Sunday; a day of the month or a day of the week is enough when both are given. What a time on the
//! wall means in a time zone is decided here (`schedule.rs`), since croner takes `0 2,14 * * *` for an interval.

mod entry;
mod plan;
mod schedule;
mod template;
mod wall;
mod zone;

pub use entry::{EntryError, InvalidEntryName, MAX_ARGS_BYTES, ScheduledEntry};
pub use plan::{CatchUp, LATE, MAX_CATCH_UP, Plan};
pub use schedule::{InvalidSchedule, Schedule};
pub use template::{InvalidTemplate, Template};
pub use zone::{UnknownZone, Zone};
