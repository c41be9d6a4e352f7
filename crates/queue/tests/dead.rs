//! Dead letters leave only by replay or discard.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Edit, Edited, JobState, LetterFilter, RunState, Selection};
use support::{Bench, bury, ids, kari, raw, set};

#[tokio::test]
async fn letters_are_grouped_by_cause_and_found_again() {
    let bench = Bench::new();
    bury(&bench, 3, "400 to.email").await;
    let newest = bury(&bench, 2, "413").await;
    let mut groups = bench.queue.dead_groups().await.expect("lists");
    groups.sort_by_key(|group| group.count);
    let shown: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.count,
                group.cause.as_ref().expect("described").to_string(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (2, "refused by sendgrid: 413".to_owned()),
            (3, "refused by sendgrid: 400 to.email".to_owned())
        ]
    );
    assert_eq!(groups[0].kind.as_deref(), Some("send_email"));
    assert!(groups[0].first_at_ms <= groups[0].last_at_ms && groups[0].first_at_ms > 0);

    let list = async |selection, since, limit| {
        let letters = bench
            .queue
            .dead_letters(&selection, since, limit)
            .await
            .expect("lists");
        letters
            .into_iter()
            .filter_map(|letter| letter.job.id.job_id())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(Selection::All, None, 100).await.len(), 5);
    let of_group = list(Selection::Group(groups[0].id.clone()), None, 100).await;
    assert_eq!(set(of_group), set(newest));
    assert_eq!(list(Selection::All, None, 4).await.len(), 4);
    assert_eq!(
        list(Selection::All, Some(Duration::from_secs(60)), 100)
            .await
            .len(),
        5
    );
    assert!(
        list(Selection::Group("nonesuch".to_owned()), None, 100)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_replay_resets_attempts_keeps_history_and_is_idempotent() {
    let bench = Bench::new();
    let dead = bury(&bench, 2, "400").await;
    let wanted = [raw(dead[0]), raw(JobId::generate())];
    assert_eq!(
        bench.queue.replay(&wanted, &kari()).await.expect("replays"),
        [raw(dead[0])]
    );
    assert!(
        bench
            .queue
            .replay(&wanted, &kari())
            .await
            .expect("replays")
            .is_empty()
    );
    let job = bench
        .queue
        .job(&raw(dead[0]))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(
        (job.state, job.run.used, job.history.len()),
        (JobState::Pending, 0, 2)
    );
    let line = &job.history[1].entry;
    assert_eq!(
        (line.outcome.as_str(), line.worker.as_str(), line.attempt),
        ("replayed", "kari", 1)
    );
    assert_eq!(
        (line.reason.as_deref(), &line.operation),
        (Some("because"), &None)
    );
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.dead), (1, 1));
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(ids(&claimed), [dead[0]]);
    assert!(!claimed[0].has_ended, "it is to run");
}

#[tokio::test]
async fn a_discard_leaves_nothing() {
    let bench = Bench::new();
    let dead = bury(&bench, 3, "400").await;
    assert_eq!(
        bench
            .queue
            .discard(&[raw(dead[0])], &kari())
            .await
            .expect("discards"),
        [raw(dead[0])]
    );
    assert!(
        bench
            .queue
            .job(&raw(dead[0]))
            .await
            .expect("looks")
            .is_none()
    );
    let group = bench.queue.dead_groups().await.expect("lists")[0]
        .id
        .clone();
    let (of, all) = (Selection::Group(group), LetterFilter::default());
    let begun = bench
        .queue
        .begin_discard(JobId::generate(), &of, &all, 0, &kari())
        .await;
    begun.expect("begins");
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {}
    let k = bench.queue.keys();
    let operations = [&k.operations, &k.replays];
    let left: Vec<_> = bench
        .keys()
        .await
        .into_iter()
        .filter(|key| ![&k.stats, &k.audit, &k.timeline, &k.minutes].contains(&key))
        .filter(|key| !operations.contains(&key))
        .collect();
    assert_eq!(left, std::slice::from_ref(&k.workers));
}

#[tokio::test]
async fn a_letter_whose_record_is_gone_leaves_no_group_behind() {
    let bench = Bench::new();
    let dead = bury(&bench, 2, "400").await;
    let k = bench.queue.keys();
    for id in &dead {
        let gone: u8 = bench.text(&format!("HDEL {} {id}", k.records)).await;
        assert_eq!(gone, 1);
    }
    let discarded = bench.queue.discard(&[raw(dead[0])], &kari()).await;
    assert_eq!(discarded.expect("discards").len(), 1);
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert_eq!(groups[0].count, 1, "{groups:?}");
    bench
        .queue
        .replay(&[raw(dead[1])], &kari())
        .await
        .expect("replays");
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert!(groups.is_empty(), "{groups:?}");
}

#[tokio::test]
async fn letters_are_gone_through_once_whatever_is_taken_out_meanwhile() {
    let bench = Bench::new();
    let dead = bury(&bench, 450, "400").await;
    // All at the same time, as a batch that was settled at once.
    let k = bench.queue.keys();
    for id in &dead {
        let _: u8 = bench.text(&format!("ZADD {} 1000.5 {id}", k.dead)).await;
    }
    let now = bench.queue.now_ms().await.expect("has a clock");
    let mut letters = bench.queue.letters(&Selection::All, now);
    let first = letters.page().await.expect("reads");
    assert_eq!(first[0].died, "1000.5");
    assert_eq!(first[0].job.payload, Some(support::payload()));
    assert_eq!(first[0].job.history.len(), 1);
    // The one that it stands on, one that it has read, and one to come.
    let seen: Vec<_> = first.iter().map(|letter| letter.job.id.clone()).collect();
    let next = dead.iter().map(|id| raw(*id)).filter(|id| id > &seen[199]);
    let out = [
        seen[199].clone(),
        seen[5].clone(),
        next.min().expect("more"),
    ];
    bench.queue.discard(&out, &kari()).await.expect("discards");
    let mut all = seen;
    loop {
        let page = letters.page().await.expect("reads");
        if page.is_empty() {
            break;
        }
        all.extend(page.into_iter().map(|letter| letter.job.id));
    }
    assert_eq!((all.len(), set(all.clone()).len()), (449, 449));
    assert!(!all.contains(&out[2]));
}

#[tokio::test]
async fn only_the_same_letters_are_discarded() {
    let bench = Bench::new();
    let dead = bury(&bench, 3, "400").await;
    let now = bench.queue.now_ms().await.expect("has a clock");
    let page = bench
        .queue
        .letters(&Selection::All, now)
        .page()
        .await
        .expect("reads");
    let read: Vec<_> = page
        .iter()
        .map(|letter| (letter.job.id.clone(), letter.died.clone()))
        .collect();
    // One is replayed, one dies again.
    bench
        .queue
        .replay(&[raw(dead[0])], &kari())
        .await
        .expect("replays");
    let k = bench.queue.keys();
    let _: u8 = bench
        .text(&format!("ZADD {} 5000 {}", k.dead, dead[1]))
        .await;
    let gone = bench
        .queue
        .discard_same(&read, &Selection::All, "a", &kari())
        .await
        .expect("discards");
    assert_eq!(gone, 1);
    for (id, there) in [(dead[0], true), (dead[1], true), (dead[2], false)] {
        let job = bench.queue.job(&raw(id)).await.expect("looks");
        assert_eq!(job.is_some(), there, "{id}");
    }
}

#[tokio::test]
async fn an_edit_changes_the_payload_the_generation_and_the_history() {
    let bench = Bench::new();
    let id = raw(bury(&bench, 1, "400").await[0]);
    let from = support::payload();
    let edit = |to: &'static [u8], force| Edit {
        id: &id,
        from: &from,
        to,
        old_args: "{}",
        attempt: 1,
        force,
        only_dead: true,
    };
    let does = async |edit: &Edit<'_>| bench.queue.edit(edit, &kari()).await.expect("answers");
    assert_eq!(does(&edit(b"new", false)).await, Edited::Yes);
    assert_eq!(does(&edit(b"new", false)).await, Edited::Same);
    assert_eq!(does(&edit(b"other", false)).await, Edited::Changed);
    let job = bench
        .queue
        .job(&id)
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(job.payload.as_deref(), Some(&b"new"[..]));
    assert_eq!(
        (job.state, job.run.generation, job.run.entries),
        (JobState::Dead, 1, 2)
    );
    let entry = &job.history[1].entry;
    assert_eq!(
        (
            entry.outcome.as_str(),
            entry.worker.as_str(),
            entry.old_args.as_deref()
        ),
        ("edited", "kari", Some("{}"))
    );

    // What may have been carried out is edited by force alone.
    let sent = RunState {
        may_have_been_sent: true,
        ..job.run
    };
    let sent = sent.to_string();
    let fields = [("run", sent.as_bytes())];
    let seeded = bench.queue.seed_record(&id, &fields).await;
    seeded.expect("takes it");
    let again = Edit {
        from: b"new",
        ..edit(b"newer", false)
    };
    assert_eq!(does(&again).await, Edited::OutcomeUnknown);
    let forced = Edit {
        force: true,
        ..again
    };
    assert_eq!(does(&forced).await, Edited::Yes);
    bench
        .queue
        .replay(std::slice::from_ref(&id), &kari())
        .await
        .expect("replays");
    assert_eq!(does(&forced).await, Edited::Elsewhere(JobState::Pending));
    let audit = bench.queue.audit(None, 10).await.expect("reads");
    let edits = audit.iter().filter(|entry| entry.action == "edit");
    assert_eq!(edits.count(), 2, "what changed nothing is not told");
}

#[tokio::test]
async fn a_group_says_when_it_grew_and_with_which_version_it_began() {
    let mut bench = Bench::new();
    bench.queue = bench.queue.with_version("0.2.0");
    bury(&bench, 3, "400 to.email").await;
    bench.queue = bench.queue.with_version("0.3.0");
    bury(&bench, 2, "400 to.email").await;
    let only = async |bench: &Bench| {
        let mut groups = bench.queue.dead_groups().await.expect("lists");
        assert_eq!(groups.len(), 1);
        let group = groups.remove(0);
        (group.growth.expect("is told"), group.last_at_ms, group.id)
    };
    let (growth, last_at_ms, id) = only(&bench).await;
    assert_eq!(growth.version.as_deref(), Some("0.2.0"));
    assert_eq!((growth.last_hour, growth.last_day()), (5, 5));
    assert_eq!(growth.at_ms, last_at_ms);

    // Two hours later, and with a count of a day before yesterday.
    let key = bench.queue.keys().groups.clone();
    let value: String = bench.text(&format!("HGET {key} {id}")).await;
    let hour = bench.queue.now_ms().await.expect("has a clock") / 3_600_000;
    let common = &value[value.find('{').expect("JSON")..];
    let older = format!("0.2.0 7 m1:5,h{}:5,h{}:9 {common}", hour - 2, hour - 60);
    let _: u8 = bench
        .raw(&[b"HSET", key.as_bytes(), id.as_bytes(), older.as_bytes()])
        .await;
    bury(&bench, 1, "400 to.email").await;
    let (growth, last_at_ms, _) = only(&bench).await;
    assert_eq!((growth.last_hour, growth.last_day()), (1, 6));
    assert_eq!(growth.at_ms, last_at_ms);
    let value: String = bench.text(&format!("HGET {key} {id}")).await;
    assert!(!value.contains("m1:") && !value.contains(":9"), "{value}");

    // With its last letter it is forgotten. A cause that comes back is new.
    let letters = bench.queue.dead_letters(&Selection::All, None, 100).await;
    let all: Vec<_> = letters
        .expect("lists")
        .into_iter()
        .map(|l| l.job.id)
        .collect();
    let gone = bench.queue.discard(&all, &kari()).await.expect("discards");
    assert_eq!(gone.len(), 6);
    bury(&bench, 1, "400 to.email").await;
    let (growth, ..) = only(&bench).await;
    assert_eq!(growth.version.as_deref(), Some("0.3.0"));
    assert_eq!(growth.last_day(), 1);
}
