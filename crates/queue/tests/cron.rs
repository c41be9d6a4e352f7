//! Each tick is enqueued once, whoever sees it, whatever is lost on the way.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

#[path = "cron/paused.rs"]
mod paused;

use longshore_job::JobId;
use longshore_queue::{CronBook, CronMove, CronOrigin, JobState, TickJob};
use support::{Bench, raw};

const HOURLY: &str = "UTC 0 * * * *";

fn jobs(ticks: &[u64]) -> Vec<TickJob> {
    let job = |tick: &u64| TickJob {
        tick_ms: *tick,
        id: JobId::generate(),
        payload: support::payload(),
        expires_in: None,
        priority: longshore_queue::Priority::Normal,
    };
    ticks.iter().map(job).collect()
}

impl Bench {
    /// Has this entry ticked up to `until`, from the mark that the book has.
    async fn tick(
        &self,
        book: &CronBook,
        (entry, schedule): (&str, &str),
        until: u64,
        ticks: &[u64],
    ) -> Option<Vec<String>> {
        let jobs = jobs(ticks);
        let to = CronMove {
            entry,
            schedule,
            seen_ms: book.mark(entry, schedule).map(|mark| mark.until_ms),
            until_ms: until,
            jobs: &jobs,
        };
        self.queue.cron_move(book, to).await.expect("moves")
    }

    async fn look(&self) -> CronBook {
        self.queue.cron_look().await.expect("looks")
    }

    /// Makes the last round this long ago.
    async fn back_date_beat(&self, ms: u64) {
        let key = &self.queue.keys().cron;
        let round: String = self.text(&format!("HGET {key} *")).await;
        let (rounds, at) = round.split_once(' ').expect("two numbers");
        let at = at.parse::<u64>().expect("a number") - ms;
        let value = format!("{rounds} {at}");
        let command: [&[u8]; 4] = [b"HSET", key.as_bytes(), b"*", value.as_bytes()];
        let _: u8 = self.raw(&command).await;
    }

    async fn pending(&self) -> u64 {
        self.queue.stats().await.expect("counts").pending
    }
}

#[tokio::test]
async fn of_those_who_see_the_same_tick_one_enqueues_it() {
    let bench = Bench::new();
    let entry = ("nightly", HOURLY);
    let book = bench.look().await;
    assert_eq!(book.mark("nightly", HOURLY), None);
    assert_eq!(bench.tick(&book, entry, 1000, &[]).await, Some(vec![]));

    for round in 1..=20 {
        let tick = 1000 * round + 1000;
        // Three look, and all three see the tick.
        let both = [tick - 500, tick];
        let books = (bench.look().await, bench.look().await, bench.look().await);
        let (a, b, c) = tokio::join!(
            bench.tick(&books.0, entry, tick, &both),
            bench.tick(&books.1, entry, tick, &both),
            bench.tick(&books.2, entry, tick + 1, &both[1..]),
        );
        let made: Vec<_> = [a, b, c].into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "one of them makes the move");
        // Whoever comes late with an old look does nothing, and so does one who repeats it.
        assert_eq!(bench.tick(&books.0, entry, tick + 9, &[tick]).await, None);
        let last = bench.look().await.last_tick("nightly").expect("has ticked");
        assert_eq!((last.tick_ms, Some(&last.job)), (tick, made[0].last()));
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.pending, stats.counter("enqueued"));
    assert!((20..=40).contains(&stats.pending), "{}", stats.pending);
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_not_made_again() {
    let bench = Bench::new();
    let entry = ("nightly", HOURLY);
    bench.tick(&bench.look().await, entry, 1000, &[]).await;
    let book = bench.look().await;
    assert!(bench.tick(&book, entry, 2000, &[1500]).await.is_some());
    // The same process, which does not know: it repeats, then looks again.
    assert_eq!(bench.tick(&book, entry, 2000, &[1500]).await, None);
    let mark = bench.look().await.mark("nightly", HOURLY).expect("has one");
    assert_eq!((mark.until_ms, mark.fresh), (2000, true));
    assert_eq!(bench.pending().await, 1);
}

#[tokio::test]
async fn a_job_says_which_tick_it_comes_from_and_one_by_hand_moves_no_mark() {
    let bench = Bench::new();
    let book = bench.look().await;
    bench.tick(&book, ("nightly", HOURLY), 1000, &[]).await;
    let book = bench.look().await;
    let made = bench.tick(&book, ("nightly", HOURLY), 2000, &[1500]).await;
    let id: JobId = made.expect("moves")[0].parse().expect("an id");
    let by_hand = jobs(&[1700]).remove(0);
    let before = bench.look().await;
    for _ in 0..2 {
        let run = bench.queue.cron_run("nightly", &by_hand).await;
        run.expect("runs");
    }
    assert_eq!(bench.pending().await, 2);
    for (id, tick_ms, hand) in [(id, 1500, false), (by_hand.id, 1700, true)] {
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        let job = job.expect("is there");
        assert_eq!(job.state, JobState::Pending);
        let origin = CronOrigin {
            entry: "nightly".to_owned(),
            tick_ms,
            by_hand: hand,
        };
        assert_eq!(job.cron, Some(origin));
        assert!(job.enqueued_at_ms.is_some());
    }
    let after = bench.look().await;
    assert_eq!(
        (after.mark("nightly", HOURLY), after.last_tick("nightly")),
        (before.mark("nightly", HOURLY), before.last_tick("nightly"))
    );
}

#[tokio::test]
async fn an_edited_schedule_begins_anew_and_a_tick_that_both_have_is_one() {
    let bench = Bench::new();
    let (old, new) = (("nightly", HOURLY), ("nightly", "UTC */30 * * * *"));
    bench.tick(&bench.look().await, old, 1000, &[]).await;
    let book = bench.look().await;
    assert_eq!(book.mark(new.0, new.1), None, "begins anew");
    bench.tick(&book, new, 1000, &[]).await;
    // A deploy: both are at work.
    let book = bench.look().await;
    assert_eq!(
        bench
            .tick(&book, new, 1500, &[1500])
            .await
            .map(|ids| ids.len()),
        Some(1)
    );
    assert_eq!(
        bench
            .tick(&book, old, 2000, &[2000])
            .await
            .map(|ids| ids.len()),
        Some(1)
    );
    let book = bench.look().await;
    assert_eq!(
        bench
            .tick(&book, new, 2500, &[2000, 2500])
            .await
            .map(|ids| ids.len()),
        Some(1)
    );
    assert_eq!(bench.pending().await, 3);
    // After a clock that was an hour and more ahead, ticks are not held back by what it left.
    let key = &bench.queue.keys().cron;
    let command: [&[u8]; 4] = [b"HSET", key.as_bytes(), b"nightly", b"9000000 X"];
    let _: u8 = bench.raw(&command).await;
    let book = bench.look().await;
    assert_eq!(
        bench
            .tick(&book, new, 3000, &[3000])
            .await
            .map(|ids| ids.len()),
        Some(1)
    );
}

#[tokio::test]
async fn a_clock_that_was_set_back_ticks_nothing_twice_and_stops_nothing() {
    let bench = Bench::new();
    let entry = ("minutes", "UTC * * * * *");
    let at = |minute: u64| (1_000_000 + minute) * 60_000;
    bench.tick(&bench.look().await, entry, at(0), &[]).await;
    let made = async |from: u64, to: u64, until: u64| {
        let ticks: Vec<_> = (from..=to).map(at).collect();
        let book = bench.look().await;
        let made = bench.tick(&book, entry, at(until), &ticks).await;
        made.expect("moves").len()
    };
    let back_to = async |minute| {
        let book = bench.look().await;
        bench.tick(&book, entry, at(minute), &[]).await
    };
    assert_eq!(made(1, 100, 100).await, 100);
    // Back by 40 minutes: the mark begins anew, and what was made is known by name.
    back_to(60).await;
    assert_eq!(made(61, 95, 95).await, 0);
    assert_eq!(made(101, 103, 103).await, 3);
    // Ahead by half an hour, where only the newest tick was made; and back: what was passed over comes at its time.
    assert_eq!(made(133, 133, 133).await, 1);
    back_to(103).await;
    assert_eq!(made(104, 110, 110).await, 7);
    assert_eq!(made(111, 140, 140).await, 29);
    // Of those that are too old to be known nothing is made again, unless the clock was set far back.
    back_to(90).await;
    assert_eq!(made(20, 40, 90).await, 0);
    assert_eq!(made(20, 40, 70).await, 21);
    let key = &bench.queue.keys().cron_ticks;
    let known: String = bench.text(&format!("HGET {key} minutes")).await;
    assert_eq!(known.split(' ').count(), 100);
    // An entry that is gone leaves none of it.
    for _ in 0..7 {
        bench.back_date_beat(60_000).await;
        bench.look().await;
    }
    assert_eq!(bench.text::<u8>(&format!("EXISTS {key}")).await, 0);
}

#[tokio::test]
async fn what_nobody_has_for_five_beats_is_forgotten_and_an_outage_is_one_beat() {
    let bench = Bench::new();
    let (kept, gone) = (("kept", HOURLY), ("gone", HOURLY));
    let book = bench.look().await;
    bench.tick(&book, kept, 1000, &[]).await;
    bench.tick(&book, gone, 1000, &[900]).await;
    // Everything is away for a day.
    bench.back_date_beat(24 * 3_600_000).await;
    let book = bench.look().await;
    for (name, schedule) in [kept, gone] {
        let mark = book.mark(name, schedule).expect("is remembered");
        assert_eq!((mark.until_ms, mark.fresh), (1000, false));
    }
    // From now on nobody has one of them.
    for round in 1..=5u64 {
        let book = bench.look().await;
        assert!(book.mark(gone.0, gone.1).is_some(), "round {round}");
        bench.tick(&book, kept, 1000 + round, &[]).await;
        assert!(
            bench
                .look()
                .await
                .mark(kept.0, kept.1)
                .expect("is there")
                .fresh
        );
        bench.back_date_beat(60_000).await;
    }
    let book = bench.look().await;
    assert_eq!(
        (book.mark(gone.0, gone.1), book.last_tick("gone")),
        (None, None)
    );
    assert!(book.mark(kept.0, kept.1).is_some());
    let left: Vec<String> = bench
        .text(&format!("HKEYS {}", bench.queue.keys().cron))
        .await;
    assert_eq!(
        support::set(left),
        support::set(["*", "kept UTC 0 * * * *"].map(str::to_owned))
    );
    // Looks within a minute are one round, and those who only want to know leave no trace.
    let round: String = bench
        .text(&format!("HGET {} *", bench.queue.keys().cron))
        .await;
    bench.look().await;
    bench.back_date_beat(120_000).await;
    let seen = bench.queue.cron_book().await.expect("looks");
    assert!(
        seen.looked_at_ms()
            .is_some_and(|at| at + 119_000 < seen.now_ms)
    );
    let same: String = bench
        .text(&format!("HGET {} *", bench.queue.keys().cron))
        .await;
    assert_eq!(round.split(' ').next(), same.split(' ').next());
}

#[tokio::test]
async fn a_full_redis_moves_no_mark_without_its_jobs() {
    let bench = Bench::new();
    let entry = ("nightly", HOURLY);
    bench.tick(&bench.look().await, entry, 1000, &[]).await;
    let book = bench.look().await;
    let _: String = bench.text("CONFIG SET maxmemory 1").await;
    let jobs = jobs(&[1500]);
    let to = CronMove {
        entry: entry.0,
        schedule: entry.1,
        seen_ms: Some(1000),
        until_ms: 2000,
        jobs: &jobs,
    };
    bench
        .queue
        .cron_move(&book, to)
        .await
        .expect_err("is refused");
    // Nor does time go by: an entry must not be forgotten meanwhile.
    bench.queue.cron_look().await.expect_err("is refused");
    let _: String = bench.text("CONFIG SET maxmemory 0").await;
    assert_eq!(
        bench
            .tick(&book, entry, 2000, &[1500])
            .await
            .map(|ids| ids.len()),
        Some(1)
    );
    assert_eq!(bench.pending().await, 1);
}

#[tokio::test]
async fn a_tick_is_as_urgent_as_its_kind() {
    let bench = Bench::new();
    let urgent = jobs(&[0, 3_600_000]).into_iter().map(|job| TickJob {
        priority: longshore_queue::Priority::High,
        ..job
    });
    let urgent: Vec<_> = urgent.collect();
    let book = bench.queue.cron_look().await.expect("looks");
    let to = CronMove {
        entry: "sweep",
        schedule: HOURLY,
        seen_ms: None,
        until_ms: 7_200_000,
        jobs: &urgent,
    };
    bench.queue.cron_move(&book, to).await.expect("moves");
    let job = bench.queue.job(&raw(urgent[1].id)).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!(job.lane.priority, longshore_queue::Priority::High);
    assert_eq!(job.cron.expect("a tick").tick_ms, 3_600_000);
    assert_eq!(job.payload.expect("one"), support::payload());
}
