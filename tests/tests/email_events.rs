//! What becomes of mails reaches their jobs, and addresses that bounce or complain get no more of them.

use std::time::Duration;

use longshore_client::kinds::SendEmail;
use longshore_client::{JobId, JobState};
use longshore_email::sandbox::EventWebhook;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, Worker, email, eventually, outcomes};
use serde_json::{Value, json};

/// Addresses of [`email`].
const FIRST: &str = "customer0@example.com";
const SECOND: &str = "customer1@example.com";
const THIRD: &str = "customer2@example.com";

/// A stage, a listener and a worker: what is about mails is heard.
struct Post {
    stage: Stage,
    listener: Worker,
    worker: Worker,
}

impl Post {
    async fn set(change: impl FnOnce(&mut EventWebhook)) -> Self {
        let stage = Stage::set().await;
        let url = stage.webhooks_url("sendgrid");
        stage.sendgrid.change_webhook(|webhook| {
            webhook.url = Some(url);
            change(webhook);
        });
        // Its key is changing: the old one is still there.
        let old = stage.sendgrid.public_key();
        let keys = format!(r#"["{old}", "{}"]"#, stage.sendgrid.roll_key());
        let listener = stage.webhooks().provider("WEBHOOK_PUBLIC_KEYS", &keys);
        let worker = stage.worker().provider("WEBHOOK_PUBLIC_KEYS", &keys);
        Self {
            listener: listener.start().await,
            worker: worker.start().await,
            stage,
        }
    }

    async fn send(&self, to: &str) -> JobId {
        let job = self.stage.client.enqueue(SendEmail::new("welcome", to));
        job.await.expect("accepted")
    }

    /// What `longshore job` says of it.
    async fn shown(&self, id: JobId) -> Value {
        let id = id.to_string();
        let args = ["job", &id, "--json"];
        self.stage.longshore(&args).await.json()
    }

    /// Waits until it stands so with the mail of a job.
    async fn is(&self, id: JobId, state: &str, code: &Value) {
        eventually(&format!("{id} is {state}"), || async {
            let delivery = &self.shown(id).await["delivery"];
            delivery["state"] == state && delivery["code"] == *code
        })
        .await;
    }

    async fn suppressions(&self) -> Value {
        let list = self.stage.longshore(&["suppressions", "list", "--json"]);
        list.await.json()
    }

    fn sent(&self) -> u64 {
        self.stage.ledger().summary().accepted
    }

    /// No log holds an address.
    fn names_nobody(&self) {
        for program in [&self.listener, &self.worker] {
            assert!(!program.says("@example.com"), "an address is in a log");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_mail_reaches_its_job_in_whatever_order_it_is_told() {
    let post = Post::set(|webhook| {
        webhook.bounced.insert(SECOND.to_owned());
        webhook.unsubscribed.insert(THIRD.to_owned());
        (webhook.twice, webhook.reversed) = (true, true);
    })
    .await;
    let ids = post.stage.enqueue(3).await;
    post.is(ids[0], "delivered", &Value::Null).await;
    post.is(ids[1], "bounce", &json!("5.1.1")).await;
    post.is(ids[2], "unsubscribe", &Value::Null).await;
    // Two, two and four events, each of them twice, in lists of one mail or several.
    let told = || post.stage.sendgrid.posted();
    eventually("all is told", || async {
        told().iter().map(|list| list.events.len()).sum::<usize>() == 16
    })
    .await;
    let told = told();
    assert!(told.iter().all(|told| told.answer == Some(204)), "{told:?}");
    post.stage.done_once(&ids).await;
    let job = post.shown(ids[1]).await;
    assert_eq!(job["delivery"]["message"], job["result"]["message_id"]);
    assert_eq!(job["delivery"]["state"], "bounce");
    let table = post.stage.longshore(&["job", &ids[1].to_string()]).await;
    assert!(table.stdout.contains("bounce at "), "{}", table.stdout);
    // Whoever unsubscribes has read it, and wants no more.
    let suppressed = post.suppressions().await;
    let why = |id: JobId| {
        let mut rows = suppressed.as_array().into_iter().flatten();
        let row = rows.find(|row| row["job"] == id.to_string());
        row.map_or(Value::Null, |row| row["reason"].clone())
    };
    let found: Vec<_> = ids.iter().map(|id| why(*id)).collect();
    assert_eq!(found, [Value::Null, json!("bounce"), json!("unsubscribe")]);
    post.names_nobody();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_to_an_address_that_bounced_until_it_is_taken_off_the_list() {
    let post = Post::set(|webhook| {
        webhook.bounced.insert(FIRST.to_owned());
        webhook.spam_reported.insert(SECOND.to_owned());
    })
    .await;
    let bounced = post.send(FIRST).await;
    post.is(bounced, "bounce", &json!("5.1.1")).await;
    let reported = post.send(SECOND).await;
    post.is(reported, "spamreport", &Value::Null).await;
    assert_eq!(post.sent(), 2);
    let requests = post.stage.ledger().requests();

    // However it is written.
    let refused = [
        post.send("Customer0@Example.com").await,
        post.send(SECOND).await,
    ];
    for id in refused {
        post.stage.is(id, JobState::Dead).await;
        assert_eq!(outcomes(&post.stage.job(id).await), ["refused"]);
    }
    let other = post.send(THIRD).await;
    post.stage.is(other, JobState::Completed).await;
    assert_eq!(
        (post.sent(), post.stage.ledger().requests()),
        (3, requests + 1)
    );
    let groups = post.stage.longshore(&["dead", "groups", "--json"]).await;
    let groups = groups.json();
    assert_eq!(groups.as_array().map(Vec::len), Some(1), "{groups}");
    let group = &groups[0];
    assert_eq!(
        (&group["reason"], &group["count"]),
        (&json!("refused: suppressed"), &json!(2))
    );
    assert_eq!(group["provider"], Value::Null);
    let letter = post.shown(refused[0]).await;
    let reason = letter["history"][0]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains(&format!("has bounced (job {bounced})")),
        "{reason}"
    );
    let queues = post.stage.longshore(&["queues", "--json"]).await.json();
    assert_eq!(queues[0]["breakers"][0]["state"], "closed", "{queues}");

    // The mailbox is back; the event of the old bounce comes once more.
    post.stage
        .sendgrid
        .change_webhook(|webhook| webhook.bounced.clear());
    let because = ["--reason", "the mailbox is back", "--yes"];
    let remove = [&["suppressions", "remove", FIRST], &because[..]].concat();
    assert_eq!(post.stage.longshore(&remove).await.code, Some(0));
    assert_eq!(post.stage.longshore(&remove).await.code, Some(1));
    let replay = ["dead", "replay", &refused[0].to_string()];
    assert_eq!(post.stage.longshore(&replay).await.code, Some(0));
    post.stage.is(refused[0], JobState::Completed).await;
    post.is(refused[0], "delivered", &Value::Null).await;
    assert_eq!((post.sent(), post.stage.effects(refused[0])), (4, 1));
    // The other is on it still.
    post.stage.is(refused[1], JobState::Dead).await;
    let list = post.suppressions().await;
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["reason"], "spam_report");
    post.names_nobody();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sendgrid_drops_or_bounces_late_suppresses_and_what_is_only_blocked_does_not() {
    let post = Post::set(|webhook| {
        let bounced = "Bounced Address".to_owned();
        webhook.dropped.insert(FIRST.to_owned(), bounced);
        webhook.bounced_late.insert(SECOND.to_owned());
        webhook.blocked.insert(THIRD.to_owned());
        webhook.held = true;
    })
    .await;
    let ids = post.stage.enqueue(3).await;
    // A bounce that comes late names no message: by then its job is known to have sent one, as here.
    for id in &ids {
        post.stage.is(*id, JobState::Completed).await;
    }
    let webhook = &post.stage.sendgrid;
    webhook.change_webhook(|webhook| webhook.held = false);
    post.is(ids[0], "dropped", &json!("Bounced Address")).await;
    post.is(ids[1], "bounce", &json!("5.1.1")).await;
    post.is(ids[2], "blocked", &json!("5.7.1")).await;
    let list = post.suppressions().await;
    let list = list.as_array().expect("a list").iter();
    let mut suppressed: Vec<_> = list.map(|row| row["job"].as_str()).collect();
    suppressed.sort_unstable();
    let mut expected = [ids[0].to_string(), ids[1].to_string()];
    expected.sort();
    assert_eq!(suppressed, expected.each_ref().map(|id| Some(id.as_str())));
    let again = post.send(THIRD).await;
    post.stage.is(again, JobState::Completed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_finds_a_job_whose_answer_was_lost() {
    let post = Post::set(|_| {}).await;
    post.stage
        .faults([FaultRule::first(1, Fault::HangUp { effect: true })]);
    let id = post.stage.enqueue(1).await[0];
    post.is(id, "delivered", &Value::Null).await;
    let job = post.stage.job(id).await;
    assert_eq!(
        (job.state, outcomes(&job)),
        (JobState::Retryable, vec!["outcome_unknown"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_while_redis_is_away_is_taken_once_it_is_back() {
    let mut post = Post::set(|webhook| {
        webhook.held = true;
        webhook.bounced.insert(FIRST.to_owned());
    })
    .await;
    let id = post.stage.enqueue(1).await[0];
    assert_eq!(email(0).to.email, FIRST);
    post.stage.is(id, JobState::Completed).await;
    post.stage.redis.kill();
    post.stage
        .sendgrid
        .change_webhook(|webhook| webhook.held = false);
    eventually("the listener says so", || async {
        post.listener.says("Redis did not take it")
    })
    .await;
    post.stage.redis.restart().expect("restarts");
    let told = post
        .stage
        .sendgrid
        .wait_posted(Duration::from_secs(30), 1)
        .await;
    assert_eq!(
        (told[0].answer, told[0].tries > 1),
        (Some(204), true),
        "{told:?}"
    );
    post.is(id, "bounce", &json!("5.1.1")).await;
    assert_eq!(post.suppressions().await[0]["job"], id.to_string());
}
