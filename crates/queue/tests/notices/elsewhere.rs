//! Ends that no worker settles, and what is heard of messages.

use std::time::Duration;

use longshore_job::{JobId, Kinds, NoticeType, Person};
use longshore_queue::{
    Cancelled, DeliveryUpdate, Fate, JobFilter, Key, Lane, NewJob, PersonFilter, Seen,
    UpdateResult, Verdict,
};

use super::{all, clear, ends, told, types, worker};
use crate::support::{Bench, RETENTION, done, job, kari, raw, verdict};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ADA: &str = "ada@example.com";

#[tokio::test]
async fn those_who_do_not_know_the_configuration_notice_what_they_cancel() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    // By a client.
    let id = bench.enqueue(1).await[0];
    for _ in 0..2 {
        bench
            .queue
            .cancel(&[raw(id)], false, &kari())
            .await
            .expect("cancels");
    }
    let [notice] = &told(&queue).await[..] else {
        panic!("one is cancelled");
    };
    assert_eq!(
        (&*notice.job, notice.kind.as_deref()),
        (&*id.to_string(), Some("send_email"))
    );
    assert_eq!(notice.reason, None);
    clear(&bench).await;

    // By an operation, of which each job is told.
    bench.enqueue(3).await;
    let (filter, by) = (JobFilter::default(), kari());
    let begun = bench
        .queue
        .begin_cancel(JobId::generate(), &filter, 3, false, &by);
    begun.await.expect("begins");
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {}
    assert_eq!(types(&queue).await, ["job.cancelled"; 3]);
    clear(&bench).await;

    // What may have been sent, by force.
    let id = ends(&bench, &queue, &lease, job(), Fate::Retry { after: DAY }).await;
    let record = bench.queue.keys().records.clone();
    let _: u8 = bench.text(&format!("HDEL {record} {id}")).await;
    let forced = bench.queue.cancel(&[raw(id)], true, &kari()).await;
    assert_eq!(forced.expect("cancels"), [Cancelled::Yes]);
    assert_eq!(
        told(&queue).await[0].reason.as_deref(),
        Some("may_have_been_sent")
    );
    clear(&bench).await;

    // One that runs, and would have waited again.
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&lease, 1).await.remove(0);
    let asked = bench.queue.cancel(&[raw(id)], false, &kari()).await;
    assert_eq!(asked.expect("asks"), [Cancelled::Asked]);
    assert_eq!(types(&queue).await, [""; 0]);
    let retry = Verdict {
        state: claimed.run,
        history: None,
        ..verdict(&claimed, Fate::Later { after: DAY })
    };
    queue.settle(&[retry], RETENTION).await.expect("settles");
    assert_eq!(types(&queue).await, ["job.cancelled"]);
}

#[tokio::test]
async fn forgetting_a_person_notices_what_it_cancels_and_leaves_no_trace_in_notices() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    let named = |job: NewJob| NewJob {
        key: Some(Key::new("send_email", ADA)),
        lane: Lane::default().with_tenant(ADA),
        tags: vec![ADA.to_owned()],
        ..job
    };
    let ended = ends(&bench, &queue, &lease, named(job()), done()).await;
    let waits = bench.enqueue(1).await[0];
    let person = PersonFilter::new(Person::parse(ADA).expect("one"), &Kinds::default());
    let kari = kari();
    let begun = bench
        .queue
        .begin_forget(JobId::generate(), &person, Seen::default(), &kari);
    begun.await.expect("begins");
    while bench
        .queue
        .advance_operations()
        .await
        .expect("steps")
        .is_some()
    {}
    let told = told(&queue).await;
    let ids: Vec<_> = told.iter().map(|told| told.job.clone()).collect();
    assert_eq!(ids, [ended.to_string(), waits.to_string()]);
    assert_eq!(told[1].notice_type, NoticeType::Cancelled);
    assert!(!format!("{told:?}").contains("ada"), "{told:?}");
}

#[tokio::test]
async fn a_delivery_is_noticed_when_it_has_come_farther() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    let id = ends(&bench, &queue, &lease, job(), done()).await;
    clear(&bench).await;
    let update = |state: &str, rank| DeliveryUpdate {
        message: "M1".to_owned(),
        job: Some(id),
        state: state.to_owned(),
        rank,
        code: Some("250".to_owned()),
        suppress: None,
    };
    for (state, rank, result) in [
        ("processed", 1, UpdateResult::Noted),
        ("delivered", 3, UpdateResult::Noted),
        ("delivered", 3, UpdateResult::Stale),
        ("deferred", 2, UpdateResult::Stale),
    ] {
        let updated = bench.queue.update_delivery(&update(state, rank)).await;
        assert_eq!(updated.expect("notes"), result);
    }
    let told = told(&queue).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].notice_type.to_string(), "delivery.delivered");
    assert_eq!(
        (&*told[0].job, told[0].code.as_deref()),
        (&*id.to_string(), Some("250"))
    );
}

#[tokio::test]
async fn a_job_of_a_kind_that_nobody_knows_is_noticed_when_it_is_buried() {
    let bench = Bench::new();
    let (queue, lease) = worker(&bench, Some(all())).await;
    let fate = Fate::Parked {
        kind: "send_fax".to_owned(),
    };
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&lease, 1).await.remove(0);
    let parked = Verdict {
        kind: None,
        state: claimed.run,
        history: None,
        ..verdict(&claimed, fate)
    };
    queue.settle(&[parked], RETENTION).await.expect("settles");
    let buried = queue
        .bury_parked(&lease, Duration::ZERO, "nobody knew it")
        .await;
    assert_eq!(buried.expect("buries").len(), 1);
    let told = told(&queue).await;
    assert_eq!(told[0].job, id.to_string());
    assert_eq!(
        (told[0].notice_type.clone(), told[0].reason.as_deref()),
        (NoticeType::Dead, Some("undecodable"))
    );
}
