//! Cron entries that this program's own configuration leaves out, and that workers tick all the same.

use longshore_cron::{CatchUp, Schedule, ScheduledEntry, Template, Zone};
use longshore_email::SendEmail;
use longshore_job::{JobId, KindSpec, Prepared};
use longshore_queue::{CronMove, Priority, TickJob};
use serde_json::json;

use crate::Bench;

/// Makes the tick of this time, as a worker does whose configuration has the entry.
async fn tick(bench: &Bench, schedule: &Schedule, tick_ms: u64) {
    let book = bench.email.cron_look().await.expect("looks");
    let schedule = schedule.id();
    let payload = Prepared::new(&SendEmail::new("report", "ada@example.com"))
        .expect("the args are good")
        .payload;
    let job = TickJob {
        tick_ms,
        id: JobId::generate(),
        payload,
        expires_in: None,
        priority: Priority::Normal,
    };
    let to = CronMove {
        entry: "nightly",
        schedule: &schedule,
        seen_ms: book.mark("nightly", &schedule).map(|mark| mark.until_ms),
        until_ms: tick_ms,
        jobs: &[job],
    };
    let moved = bench.email.cron_move(&book, to).await.expect("moves");
    assert!(moved.is_some(), "nobody else ticks here");
}

#[tokio::test]
async fn an_entry_that_is_off_here_and_ticked_lately_is_said_to_be_configured_otherwise() {
    let bench = Bench::new();
    let schedule = Schedule::new("0 * * * *", Zone::utc()).expect("a schedule");
    let args = json!({"template": "report", "to": {"email": "ada@example.com"}, "data": {}});
    let now = bench.email.now_ms().await.expect("has a clock");
    let entry = ScheduledEntry::new(
        "nightly",
        schedule.clone(),
        KindSpec::of::<SendEmail>(),
        Template::new(args).expect("a template"),
        CatchUp::None,
        now,
    );
    let entry = entry.expect("an entry");
    let row = async |inactive: Option<&str>| {
        let entries = [(entry.clone(), inactive.map(str::to_owned))];
        let rows = bench.operator.cron(&entries).await.expect("lists");
        (rows[0].ticks_anyway, rows[0].next_ticks.is_empty())
    };
    let off = Some("its queue has no provider");
    assert_eq!(row(off).await, (false, true), "it has never ticked");

    let hour = 3_600_000;
    let latest = now / hour * hour;
    // A tick of an hour ago was followed by one that nobody made.
    tick(&bench, &schedule, latest - hour).await;
    assert_eq!(row(off).await, (false, true), "nobody ticks it any more");
    tick(&bench, &schedule, latest).await;
    assert_eq!(row(off).await, (true, true));
    assert_eq!(row(None).await, (false, false), "here it ticks, too");
}
