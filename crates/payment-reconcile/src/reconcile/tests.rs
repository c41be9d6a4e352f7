//! The comparison against books that are made up, and against a naive one that holds everything in memory.

mod book;
mod naive;
mod property;

use std::time::Duration;

use crate::ReconcilePayments;
use longshore_job::JobError;
use longshore_testing::{MemoryRequest, Script};

use super::compare::Kind;
use super::pass::Limits;
use super::report::Row;
use super::side::Side;
use super::state::State;
use book::{MadeUp, intent, paid};

const FROM: i64 = 1_800_000_000;
const TO: i64 = FROM + 3600;
const HOUR: Duration = Duration::from_secs(3600);

fn job(repair: bool) -> ReconcilePayments {
    let time = |seconds| super::window::time(seconds).to_string();
    let job = ReconcilePayments::new(time(FROM), time(TO));
    if repair { job.repair() } else { job }
}

fn small() -> Limits {
    Limits {
        slice: 3,
        waiting: 2,
        pages: 1_000,
        ..Limits::with_rows(500)
    }
}

/// A job and what the fleet remembers for it.
fn script() -> Script {
    let script = Script::new();
    script
        .memory
        .forbid(MemoryRequest::NoteMessage, "nobody sends messages");
    script
}

async fn reconciled(books: &MadeUp, repair: bool, limits: Limits) -> Result<State, JobError> {
    let run = script().run();
    super::reconcile(books, &job(repair), Side::Stripe, &run, limits, HOUR).await
}

/// What it comes to when the run is dropped at these calls, each counted from the run's beginning, and resumed.
async fn interrupted(books: &MadeUp, repair: bool, limits: Limits, deaths: &[u64]) -> State {
    let run = script().run();
    let job = job(repair);
    for &death in deaths {
        books.dies_at(death);
        tokio::select! {
            biased;
            state = super::reconcile(books, &job, Side::Stripe, &run, limits, HOUR) => return state.expect("done"),
            () = books.dead.notified() => {}
        }
    }
    books.dies_at(u64::MAX);
    let state = super::reconcile(books, &job, Side::Stripe, &run, limits, HOUR).await;
    state.expect("done")
}

type Short = (Kind, Option<String>, Option<String>, bool);

fn short(rows: &[Row]) -> Vec<Short> {
    let short = |row: &Row| {
        let (intent, order) = (row.payment_intent.clone(), row.order_id.clone());
        (row.kind, intent, order, row.repaired)
    };
    let mut rows: Vec<_> = rows.iter().map(short).collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn an_empty_window_has_no_differences() {
    let state = reconciled(&MadeUp::default(), true, small()).await;
    let state = state.expect("done");
    assert_eq!((state.rows, state.tally), Default::default());
}

#[tokio::test]
async fn a_ledger_that_goes_in_circles_is_left() {
    for (circle, pages) in [(Some("again"), 1_000), (None, 7)] {
        let books = MadeUp::default();
        *books.circle.lock().expect("no panic") = Some(circle.map(str::to_owned));
        let limits = Limits { pages, ..small() };
        let error = reconciled(&books, false, limits).await.expect_err("stuck");
        assert!(matches!(error, JobError::Permanent { .. }), "{error:?}");
        assert!(books.calls() <= 10, "{} calls", books.calls());
    }
}

#[tokio::test]
async fn what_changes_meanwhile_at_both_is_no_difference() {
    // Read as open at Stripe; then it is paid, and an event tells the app before its ledger is read.
    let mut books = MadeUp::default();
    books.plant(intent("pi_1", "o1", "requires_payment_method", FROM + 5));
    books.enter(FROM + 4, paid("o1", Some("pi_1")));
    books.pays_after_listing("pi_1");
    let state = reconciled(&books, true, small()).await.expect("done");
    assert_eq!(short(&state.rows), []);
}

#[tokio::test]
async fn an_order_that_was_paid_otherwise_is_not_told_that_it_failed() {
    let mut books = MadeUp::default();
    books.plant(intent("pi_1", "o1", "canceled", FROM + 5));
    books.plant(intent("pi_2", "o1", "succeeded", FROM + 9));
    books.enter(FROM + 4, book::pending("o1", Some("pi_1")));
    let state = reconciled(&books, true, small()).await.expect("done");
    let rows = short(&state.rows);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].0, Kind::FailedAtStripePendingInApp);
    assert_eq!(rows[1].0, Kind::UnknownToApp);
    assert!(!rows[0].3 && books.told().is_empty(), "{rows:?}");
}

#[tokio::test]
async fn a_run_whose_job_is_another_ones_stops() {
    let books = MadeUp::default();
    books.enter_many(40);
    let script = script();
    script.memory.lose_job_after_saves(1);
    let run = script.run();
    let stopped = super::reconcile(&books, &job(true), Side::Stripe, &run, small(), HOUR).await;
    assert!(stopped.is_err(), "{stopped:?}");
    assert_eq!(
        books.told(),
        [] as [String; 0],
        "nothing is repaired unwritten"
    );
}

#[tokio::test]
async fn turns_end_without_losing_anything() {
    let (books, once) = (MadeUp::default(), MadeUp::default());
    books.enter_many(40);
    once.enter_many(40);
    let run = script().run();
    let mut turns = 0;
    let state = loop {
        match super::reconcile(
            &books,
            &job(true),
            Side::Stripe,
            &run,
            small(),
            Duration::ZERO,
        )
        .await
        {
            Ok(state) => break state,
            Err(JobError::Throttled { answer, .. }) => assert_eq!(answer.provider, None),
            Err(error) => panic!("{error:?}"),
        }
        turns += 1;
        assert!(turns < 100);
    };
    assert!(turns > 5);
    let expected = reconciled(&once, true, small()).await.expect("done");
    assert_eq!(short(&state.rows), short(&expected.rows));
    assert_eq!(state.tally, expected.tally);
}

#[tokio::test]
async fn an_app_that_is_away_fails_the_run_and_the_next_goes_on() {
    let books = MadeUp::default();
    books.enter_many(40);
    let run = script().run();
    books.app_is_away(true);
    for _ in 0..3 {
        let failed = super::reconcile(&books, &job(true), Side::Stripe, &run, small(), HOUR).await;
        assert!(matches!(failed, Err(JobError::Transient { .. })));
    }
    books.app_is_away(false);
    let before = books.calls();
    let state = super::reconcile(&books, &job(true), Side::Stripe, &run, small(), HOUR).await;
    let state = state.expect("done");
    assert_eq!(state.tally.repaired, books.told().len() as u64);
    assert!(state.tally.repaired > 5 && before > 0);
}

#[tokio::test]
async fn what_is_carried_stays_bounded() {
    let mut books = MadeUp::default();
    for n in 0..400 {
        let created = FROM + n * 9;
        books.plant(intent(
            &format!("pi_{n}"),
            &format!("o{n}"),
            "succeeded",
            created,
        ));
        books.enter(created, paid(&format!("x{n}"), None));
    }
    let limits = Limits {
        carried: 20,
        rows: 30,
        ..small()
    };
    let state = reconciled(&books, false, limits).await.expect("done");
    assert_eq!(state.tally.counts[&Kind::UnknownToApp], 400);
    assert_eq!(state.tally.counts[&Kind::PaidInAppNotAtStripe], 400);
    assert_eq!(state.rows.len(), 30);
}

#[tokio::test]
async fn another_comparison_does_not_resume_this_one() {
    let books = MadeUp::default();
    books.enter_many(40);
    let run = script().run();
    let first = job(false);
    books.dies_at(12);
    tokio::select! {
        biased;
        _ = super::reconcile(&books, &first, Side::Stripe, &run, small(), HOUR) => panic!("it lives"),
        () = books.dead.notified() => {}
    }
    books.dies_at(u64::MAX);
    let edited = super::reconcile(&books, &job(true), Side::Stripe, &run, small(), HOUR).await;
    let edited = edited.expect("done");
    assert_eq!(edited.tally.repaired, books.told().len() as u64);
    let open = edited.rows.iter().filter(|row| !row.repaired);
    assert_eq!(
        open.filter(|row| row.kind == Kind::PaidAtStripePendingInApp)
            .count(),
        0
    );
}
