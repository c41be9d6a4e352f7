//! Letters whose outcome is unknown, and of which the provider has told since what became of their messages.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_job::Class;
use longshore_operator::{ConfiguredFleet, DeliveryResult, Filter, LetterFilter, Target};
use longshore_queue::{DeliveryUpdate, Queue};

use crate::bench::{Bench, bury_as, enqueue, kari, record};

/// The provider says of a job's message how it stands.
async fn heard(queue: &Queue, id: &str, state: &str, rank: u8) {
    let update = DeliveryUpdate {
        message: format!("m-{id}"),
        job: Some(id.parse().expect("it is an id")),
        state: state.to_owned(),
        rank,
        code: None,
        suppress: None,
    };
    queue.update_delivery(&update).await.expect("is noted");
}

/// Letters of an unknown outcome: three were delivered, one bounced, one is on its way, and of two nothing is known.
async fn seven(bench: &Bench) -> Vec<String> {
    let queue = &bench.email;
    let mut ids = bury_as(queue, 7, Class::OutcomeUnknown, "timed out").await;
    ids.sort();
    for id in &ids[..3] {
        heard(queue, id, "processed", 1).await;
        heard(queue, id, "delivered", 3).await;
    }
    heard(queue, &ids[3], "bounce", 4).await;
    heard(queue, &ids[4], "processed", 1).await;
    ids
}

fn those(delivery: DeliveryResult) -> Target {
    Target::Letters {
        queue: Some("email".to_owned()),
        group: None,
        filter: LetterFilter {
            delivery: Some(delivery),
            ..LetterFilter::default()
        },
    }
}

#[tokio::test]
async fn groups_lists_and_rehearsals_say_what_providers_have_said_of_the_messages() {
    let bench = Bench::new();
    let ids = seven(&bench).await;
    let groups = bench.operator.groups(None).await.expect("lists");
    let of = groups[0].deliveries.expect("they are looked for");
    assert_eq!(
        (of.looked, of.delivered, of.failed, of.accepted),
        (7, 3, 1, 1)
    );
    let words = of.words(groups[0].count);
    assert_eq!(words.as_deref(), Some("3 of 7 were delivered"));
    let configured = ConfiguredFleet {
        queues: BTreeMap::from([("email".to_owned(), "critical".to_owned())]),
        ..ConfiguredFleet::default()
    };
    let overview = bench.operator.overview(&configured).await;
    let overview = overview.expect("looks");
    let line = overview
        .attention
        .iter()
        .find(|row| row.what.contains("first dead letters"));
    let line = line.expect("the queue is critical");
    assert!(line.means.contains("3 of 7 were delivered"), "{line:?}");
    assert!(
        line.next.starts_with("Do not replay all of them"),
        "{line:?}"
    );

    let all = Filter {
        limit: 9,
        ..Filter::default()
    };
    let mut listed = bench.operator.letters(&all).await.expect("lists");
    listed.sort_by(|a, b| a.id.cmp(&b.id));
    let results: Vec<_> = listed.iter().map(|row| row.delivery).collect();
    let [sent, bounced, accepted] = [
        DeliveryResult::Delivered,
        DeliveryResult::Failed,
        DeliveryResult::Accepted,
    ]
    .map(Some);
    assert_eq!(results, [sent, sent, sent, bounced, accepted, None, None]);
    for (delivery, of) in [
        (DeliveryResult::Delivered, &ids[..3]),
        (DeliveryResult::Failed, &ids[3..4]),
        (DeliveryResult::Accepted, &ids[4..5]),
        (DeliveryResult::Unknown, &ids[5..]),
    ] {
        let only = Filter {
            delivery: Some(delivery),
            ..all
        };
        let rows = bench.operator.letters(&only).await.expect("lists");
        let mut found: Vec<_> = rows.into_iter().map(|row| row.id).collect();
        found.sort();
        assert_eq!(found, of, "{delivery}");
        let count = bench.operator.count(&those(delivery)).await;
        assert_eq!(count.expect("counts"), of.len() as u64, "{delivery}");
    }

    let all = Target::Queue("email".to_owned());
    for target in [all, Target::Ids(ids)] {
        let told = bench.operator.rehearse(&target, None, |_| {}).await;
        let told = told.expect("rehearses");
        assert_eq!(
            (told.delivered, told.delivery_failed, told.accepted),
            (3, 1, 1),
            "{target:?}"
        );
        assert_eq!((told.may_double, told.delivered_again), (7, 3));
    }
    // What is left out is not counted.
    let unknown = those(DeliveryResult::Unknown);
    let rest = bench.operator.rehearse(&unknown, None, |_| {});
    let rest = rest.await.expect("rehearses");
    assert_eq!(
        (rest.letters, rest.delivered, rest.delivered_again),
        (2, 0, 0)
    );
}

#[tokio::test]
async fn what_was_delivered_is_discarded_and_the_rest_is_replayed() {
    let bench = Bench::new();
    let ids = seven(&bench).await;
    let (operator, by) = (&bench.operator, kari());
    let (delivered, unknown) = (
        those(DeliveryResult::Delivered),
        those(DeliveryResult::Unknown),
    );
    let done = operator.discard(&delivered, &by, |_| {});
    assert_eq!(done.await.expect("discards").moved, 3);
    let replayed = operator.replay(&unknown, &by, |_| {});
    assert_eq!(replayed.await.expect("replays").moved, 2);
    let all = Filter {
        limit: 9,
        ..Filter::default()
    };
    let mut left: Vec<_> = operator
        .letters(&all)
        .await
        .expect("lists")
        .into_iter()
        .map(|row| row.id)
        .collect();
    left.sort();
    assert_eq!(left, ids[3..5]);
    let told = operator.audit(None, None, 9).await.expect("reads");
    assert!(
        told.iter()
            .any(|row| row.target.contains("delivery delivered")),
        "{told:?}"
    );
}

/// Of many only the newest are looked at for a line, and a filter knows all.
#[tokio::test]
async fn of_many_letters_the_newest_are_looked_at_and_a_filter_knows_all() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.extend(bury_as(&bench.email, 225, Class::OutcomeUnknown, "timed out").await);
    }
    for id in ids.iter().step_by(2) {
        heard(&bench.email, id, "delivered", 3).await;
    }
    enqueue(&bench.email, 1).await;
    let groups = bench.operator.groups(None).await.expect("lists");
    let of = groups[0].deliveries.expect("they are looked for");
    assert_eq!(of.looked, 200);
    let count = bench
        .operator
        .count(&those(DeliveryResult::Delivered))
        .await;
    assert_eq!(count.expect("counts"), 225);
    let (unknown, by) = (those(DeliveryResult::Unknown), kari());
    let begun = bench.operator.begin_replay(&unknown, None, &by);
    let id = begun.await.expect("begins").remove(0).id;
    while bench
        .operator
        .advance_operations(|queue, why| panic!("{queue}: {why}"))
        .await
        .expect("steps")
        .is_some_and(|wait| wait < Duration::from_secs(60))
    {}
    let row = bench.operator.replay_of(&id).await.expect("is there");
    assert_eq!((row.total, row.moved, row.state), (225, 225, "done"));
}

/// One that was lost with its worker has used up no attempt, and had one.
#[tokio::test]
async fn the_attempt_of_a_letter_is_the_same_wherever_it_is_shown() {
    let bench = Bench::new();
    let id = bury_as(&bench.email, 1, Class::OutcomeUnknown, "worker lost")
        .await
        .remove(0);
    record(&bench.email, &id, "run", "0 1 0 1 1").await;
    let all = Filter {
        limit: 1,
        ..Filter::default()
    };
    let listed = bench.operator.letters(&all).await.expect("lists");
    let shown = bench.operator.letter(&id, None).await.expect("is there");
    assert_eq!((listed[0].attempt, shown.attempt), (1, 1));
}
