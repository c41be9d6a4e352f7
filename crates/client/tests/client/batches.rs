//! Many jobs of several kinds in one call.

use std::time::Duration;

use longshore_client::kinds::{GeocodeAddress, SendSms};
use longshore_client::{Client, ClientError, JobState, Priority};

use crate::{Bench, welcome};

fn text(body: &str) -> SendSms {
    SendSms::new("+4790000000", body)
}

#[tokio::test]
async fn kinds_are_mixed_and_each_job_has_its_options() {
    let bench = Bench::new();
    let mut batch = bench.client.batch();
    assert!(batch.is_empty());
    batch.add(welcome()).key("welcome-7");
    let later = batch.add(text("ahoy")).delay(Duration::from_secs(60));
    later.expires_in(Duration::from_secs(3600)).tag("parcels");
    batch.add(welcome()).priority(Priority::Low).tenant("shop");
    batch.add(welcome()).key("welcome-7");
    batch.add(text("ahoy"));
    assert_eq!(batch.len(), 5);
    let enqueued = batch.send().await.expect("enqueues");
    let mut states = Vec::new();
    for job in &enqueued {
        let status = bench.client.status(job.id).await.expect("asks");
        let status = status.expect("is known");
        states.push((status.queue, status.state));
    }
    let of = |queue: &str, state| (queue.to_owned(), state);
    let (waits, later) = (JobState::Pending, JobState::Scheduled);
    assert_eq!(
        states,
        [
            of("email", waits),
            of("sms", later),
            of("email", waits),
            of("email", waits),
            of("sms", waits)
        ]
    );
    assert_eq!(enqueued[3].id, enqueued[0].id, "the key is the first one's");
    let duplicates: Vec<_> = enqueued.iter().map(|job| job.duplicate).collect();
    assert_eq!(duplicates, [false, false, false, true, false]);
    let record = bench.record(enqueued[2].id).await;
    assert_eq!(record.get("lane").map(String::as_str), Some("lshop"));
    let nothing = bench.client.batch().send().await.expect("enqueues");
    assert_eq!(nothing, []);
}

#[tokio::test]
async fn what_is_wrong_anywhere_keeps_all_of_it_out_and_says_where() {
    let bench = Bench::new();
    let held = bench.client.enqueue(text("ahoy")).key("held").await;
    let held = held.expect("enqueues");
    let mut batch = bench.client.batch();
    batch.add(welcome());
    batch.add(text("other")).key("held");
    let taken = batch.send().await.expect_err("the key is taken");
    assert!(
        matches!(&taken, ClientError::KeyTaken { place: 1, holder, .. } if *holder == held),
        "{taken:?}"
    );
    let mut batch = bench.client.batch();
    batch.add(welcome()).key("a");
    batch.add(text(""));
    batch.add(GeocodeAddress::new("Storgata 1")).key("");
    let wrong = batch.send().await.expect_err("a text says something");
    assert_eq!(wrong.code(), "invalid_args");
    assert!(
        wrong.to_string().starts_with("job 1 of the call: "),
        "{wrong}"
    );
    let mut batch = bench.client.batch();
    batch.add(welcome());
    batch.add(text("ahoy")).tag("x").key("");
    let wrong = batch.send().await.expect_err("a key has a byte");
    assert!(
        matches!(wrong, ClientError::InBatch { place: 1, .. }),
        "{wrong}"
    );
    assert_eq!(wrong.code(), "invalid_option");
    let mut batch = bench.client.batch();
    batch.add(text("one")).key("twice");
    batch.add(welcome()).key("twice");
    batch.add(text("two")).key("twice");
    let twice = batch.send().await.expect_err("other args");
    let of = matches!(twice, ClientError::KeyTwice { places: (0, 2), .. });
    assert!(of, "{twice}");
    assert_eq!(
        bench
            .queue
            .stats()
            .await
            .expect("counts")
            .counter("enqueued"),
        0
    );
}

/// The second queue is closed to this producer.
#[tokio::test]
async fn a_call_that_stops_half_way_says_which_jobs_are_there() {
    let bench = Bench::new();
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("shop").arg(&["on", ">pw", "+@all"]);
    user.arg(&["~{longshore:email}*", "~{longshore:}*", "&*"]);
    let made = bench.queue.link().command::<String>(&user).await;
    made.expect("makes a user");
    let url = bench.redis.url().replace("redis://", "redis://shop:pw@");
    let shop = Client::new(&url).expect("a good URL");
    let mut batch = shop.batch();
    batch.add(welcome());
    batch.add(text("ahoy"));
    batch.add(welcome());
    let error = batch.send().await.expect_err("texts are closed");
    let ClientError::Interrupted {
        accepted, in_doubt, ..
    } = &error
    else {
        panic!("{error}");
    };
    let places: Vec<_> = accepted.iter().map(|(place, _)| *place).collect();
    assert_eq!((places, in_doubt.len()), (vec![0, 2], 0), "{error}");
    for (_, job) in accepted {
        let status = shop.status(job.id).await.expect("asks");
        assert_eq!(status.expect("is known").queue, "email");
    }
}
