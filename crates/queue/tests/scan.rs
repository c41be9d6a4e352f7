//! Going through jobs wherever they are, a step at a time.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Fate, JobFilter, JobInfo, JobScan, JobState, Key, Lane, NewJob, Place, RawId, RunAt,
};
use support::{Bench, RETENTION, bury, done, ids, job, kari, raw, refused, run, set, verdict};

async fn walk(bench: &Bench, place: Place) -> Vec<JobInfo> {
    let mut scan = JobScan::new(place);
    let mut found = Vec::new();
    for _ in 0..1000 {
        found.extend(bench.queue.scan(&mut scan).await.expect("scans"));
        if scan.is_over() {
            return found;
        }
    }
    panic!("{place:?} never ends");
}

fn of(jobs: &[JobInfo]) -> Vec<JobId> {
    jobs.iter().filter_map(|job| job.id.job_id()).collect()
}

fn later(seconds: u64) -> NewJob {
    NewJob {
        run_at: RunAt::In(Duration::from_secs(seconds)),
        ..job()
    }
}

#[tokio::test]
async fn every_job_is_found_where_it_is() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    // More than two steps of each.
    let completed = bench.enqueue(600).await;
    while run(&bench, &worker, 200, &done()).await > 0 {}
    let dead = bury(&bench, 600, "550").await;
    let retryable = bench.enqueue(300).await;
    let after = Duration::from_secs(60);
    for _ in 0..2 {
        run(&bench, &worker, 200, &Fate::Retry { after }).await;
    }
    let parked = bench.enqueue(300).await;
    let kind = "send_fax".to_owned();
    for _ in 0..2 {
        run(&bench, &worker, 200, &Fate::Parked { kind: kind.clone() }).await;
    }
    bench.enqueue(300).await;
    let mut running = bench.claim(&worker, 200).await;
    running.extend(bench.claim(&worker, 200).await);
    let all_later: Vec<NewJob> = (0..600).map(|n| later(3_600 + n)).collect();
    let scheduled = bench.enqueue_all(&all_later).await;
    let wrong: Vec<RawId> = bench.enqueue(600).await.into_iter().map(raw).collect();
    bench
        .queue
        .cancel(&wrong, false, &kari())
        .await
        .expect("cancels");
    let pending = bench.enqueue(600).await;
    let of_tenant = NewJob {
        lane: Lane::default().with_tenant("acme"),
        ..job()
    };
    let urgent: Vec<NewJob> = (0..600)
        .map(|_| NewJob {
            id: JobId::generate(),
            ..of_tenant.clone()
        })
        .collect();
    let urgent = bench.enqueue_all(&urgent).await;

    let pages = [
        (Place::Completed, completed, JobState::Completed),
        (Place::Dead, dead, JobState::Dead),
        (Place::Parked, parked, JobState::Pending),
        (Place::Running, ids(&running), JobState::Running),
        (Place::Pending, pending.clone(), JobState::Pending),
        (Place::Lanes, urgent, JobState::Pending),
        (
            Place::Cancelled,
            wrong.iter().filter_map(RawId::job_id).collect(),
            JobState::Cancelled,
        ),
    ];
    for (place, expected, state) in pages {
        let found = walk(&bench, place).await;
        assert_eq!(of(&found).len(), expected.len(), "{place:?}");
        assert_eq!(set(of(&found)), set(expected), "{place:?}");
        assert!(found.iter().all(|job| job.state == state), "{place:?}");
        assert!(found.iter().all(|job| job.kind().is_some()), "{place:?}");
        assert!(found.iter().all(|job| job.broken.is_none()), "{place:?}");
    }
    in_order(&bench, pending, scheduled, retryable).await;
}

/// The newest of the list first, and the latest of what waits for its time.
async fn in_order(
    bench: &Bench,
    pending: Vec<JobId>,
    scheduled: Vec<JobId>,
    retryable: Vec<JobId>,
) {
    let newest_first: Vec<_> = pending.into_iter().rev().collect();
    assert_eq!(of(&walk(bench, Place::Pending).await), newest_first);
    let found = walk(bench, Place::Scheduled).await;
    let latest_first: Vec<_> = scheduled.into_iter().rev().collect();
    assert_eq!(of(&found[..600]), latest_first);
    assert_eq!(set(of(&found[600..])), set(retryable));
    let states = found.iter().map(|job| job.state).collect::<Vec<_>>();
    assert!(
        states[..600]
            .iter()
            .all(|state| *state == JobState::Scheduled)
    );
    assert!(
        states[600..]
            .iter()
            .all(|state| *state == JobState::Retryable)
    );
    assert!(found.iter().all(|job| job.next_run_at_ms.is_some()));
}

/// Many due in the same moment; some go while others are looked at.
#[tokio::test]
async fn what_stays_is_seen_whatever_comes_and_goes() {
    let bench = Bench::new();
    let at = bench.queue.now_ms().await.expect("has a clock") + 3_600_000;
    let same: Vec<NewJob> = (0..1_000)
        .map(|_| NewJob {
            run_at: RunAt::At(at),
            ..job()
        })
        .collect();
    let same = bench.enqueue_all(&same).await;
    let pending = bench.enqueue(1_000).await;
    let worker = bench.worker("w").await;
    let (mut waiting, mut due) = (JobScan::new(Place::Pending), JobScan::new(Place::Scheduled));
    let (mut seen, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..100 {
        for scan in [&mut waiting, &mut due] {
            let found = bench.queue.scan(scan).await.expect("scans");
            for id in of(&found).into_iter().take(20) {
                bench
                    .queue
                    .cancel(&[raw(id)], false, &kari())
                    .await
                    .expect("cancels");
            }
            seen.extend(of(&found));
        }
        gone.extend(ids(&bench.claim(&worker, 20).await));
        bench.enqueue(30).await;
        if waiting.is_over() && due.is_over() {
            let stayed: BTreeSet<_> = set(same.into_iter().chain(pending));
            let missed: Vec<_> = stayed
                .difference(&seen)
                .filter(|id| !gone.contains(id))
                .collect();
            assert!(missed.is_empty(), "{} missed", missed.len());
            return;
        }
    }
    panic!("it never ends");
}

#[tokio::test]
async fn a_filter_means_those_of_which_all_is_true() {
    let bench = Bench::new();
    let labelled = |tenant: &str, tag: &str| NewJob {
        lane: Lane::default().with_tenant(tenant),
        tags: vec![tag.to_owned(), "all".to_owned()],
        key: Some(Key::new("send_email", tag)),
        ..job()
    };
    let jobs = [
        labelled("acme", "spring"),
        labelled("acme", "autumn"),
        labelled("umbra", "spring-2"),
        job(),
    ];
    let jobs = bench.enqueue_all(&jobs).await;
    let now = bench.queue.now_ms().await.expect("has a clock");
    let with = |set: &dyn Fn(&mut JobFilter)| {
        let mut filter = JobFilter::default();
        set(&mut filter);
        filter
    };
    let some = |text: &str| Some(text.to_owned());
    let (dead, scheduled) = (JobState::Dead, JobState::Scheduled);
    let cases = [
        (with(&|_| {}), 4),
        (with(&|f| f.tenant = some("acme")), 2),
        (with(&|f| f.tag = some("all")), 3),
        (with(&|f| f.tag = some("spring")), 1),
        (
            with(&|f| (f.tag, f.tenant) = (some("spring"), some("umbra"))),
            0,
        ),
        (with(&|f| f.kind = some("send_email")), 4),
        (with(&|f| f.kind = some("send_sms")), 0),
        (with(&|f| f.key = some("autumn")), 1),
        (with(&|f| f.states = vec![scheduled]), 0),
        (with(&|f| f.states = vec![JobState::Pending, dead]), 4),
        (with(&|f| f.since_ms = Some(now - 60_000)), 4),
        (with(&|f| f.since_ms = Some(now + 60_000)), 0),
    ];
    let mut found = walk(&bench, Place::Pending).await;
    found.extend(walk(&bench, Place::Lanes).await);
    for (filter, expected) in cases {
        let means = found.iter().filter(|job| filter.means(job)).count();
        assert_eq!(means, expected, "{filter}");
        let json = serde_json::to_string(&filter).expect("becomes JSON");
        assert_eq!(
            serde_json::from_str::<JobFilter>(&json).expect("reads"),
            filter
        );
    }
    let holder = bench.queue.holder(&Key::new("send_email", "autumn")).await;
    assert_eq!(holder.expect("looks"), Some(raw(jobs[1])));
    let holder = bench.queue.holder(&Key::new("send_sms", "autumn")).await;
    assert_eq!(holder.expect("looks"), None);
}

#[tokio::test]
async fn a_broken_row_hides_no_other() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let good = bench.enqueue(2).await;
    let keys = bench.queue.keys();
    let (active, data, records) = (&keys.active, &keys.data, &keys.records);
    let broken: [(&[u8], Vec<u8>); 3] = [
        (b"not-an-id", b"garbage".to_vec()),
        (b"\xff\xfe", b"{}".to_vec()),
        (b"large", vec![b'x'; 300_000]),
    ];
    for (id, value) in &broken {
        let _: u64 = bench.raw(&[b"RPUSH", active.as_bytes(), id]).await;
        let _: u64 = bench.raw(&[b"HSET", data.as_bytes(), id, value]).await;
    }
    let _: u64 = bench
        .raw(&[b"HSET", records.as_bytes(), b"large", b"\xc1junk"])
        .await;
    let found = walk(&bench, Place::Pending).await;
    assert_eq!(found.len(), 5);
    assert!(good.iter().all(|id| of(&found).contains(id)));
    let large = found
        .iter()
        .find(|job| job.id == RawId::from(b"large".to_vec()));
    let large = large.expect("is there");
    assert_eq!(
        (large.too_large, large.broken.is_some()),
        (Some(300_000), true)
    );
    // In the other places, too.
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(walk(&bench, Place::Running).await.len(), 5);
    let verdicts: Vec<_> = claimed
        .iter()
        .map(|job| verdict(job, refused("1")))
        .collect();
    bench.settle(&verdicts).await;
    assert_eq!(walk(&bench, Place::Dead).await.len(), 5);
    for list in [&keys.completed, &keys.cancelled] {
        let _: u64 = bench.raw(&[b"RPUSH", list.as_bytes(), b"junk"]).await;
    }
    assert_eq!(walk(&bench, Place::Completed).await.len(), 0);
    assert_eq!(walk(&bench, Place::Cancelled).await.len(), 0);
    let _ = RETENTION;
}

/// Somebody has written over keys of a queue: the jobs of other places are shown all the same, and nothing is done to them.
#[tokio::test]
async fn a_place_that_cannot_be_read_hides_no_other() {
    let bench = Bench::new();
    let pending = bench.enqueue(3).await;
    let k = bench.queue.keys().clone();
    for key in [
        &k.lanes,
        &k.records,
        &k.dead,
        &k.parked,
        &k.scheduled,
        &k.completions,
        &k.cancelled,
        &k.inflight,
    ] {
        let _: String = bench.text(&format!("SET {key} x")).await;
        let mut scan = JobScan::new(Place::Pending).to_show();
        let mut found = Vec::new();
        while !scan.is_over() {
            found.extend(bench.queue.scan(&mut scan).await.expect("looks"));
        }
        assert_eq!(found.len(), pending.len(), "{key}");
        let _: u8 = bench.text(&format!("DEL {key}")).await;
    }
    let _: String = bench.text(&format!("SET {} x", k.records)).await;
    let cancelled = bench.queue.cancel(&[raw(pending[0])], false, &kari()).await;
    cancelled.expect_err("it is not known whether it may have been sent");
}
