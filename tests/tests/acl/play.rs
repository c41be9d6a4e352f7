//! What processes of every role do in their lives, in some seconds.

use std::time::Duration;

use longshore_client::kinds::{BucketName, CreateCustomer, SendEmail, SweepBucket};
use longshore_client::{Address, Client, EnqueueOptions, JobId, JobState, Priority, RunAt};
use longshore_events::sandbox::EventsSandbox;
use longshore_job::Prepared;
use longshore_outbox::SCHEMA;
use longshore_queue::{Link, LinkOptions, Queue};
use longshore_sandbox::{Fault, FaultRule, PostgresServer};
use longshore_tests::{
    Act, NAMESPACE, Stage, User, Worker, address, email, eventually, payment, sms,
};
use serde_json::{Value, json};

use crate::redis_topologies::commands;

/// Mails to it bounce.
const BOUNCED: &str = "bounced@example.com";

/// Commands that the list of all does not have.
const OTHERS: &[&str] = &[
    "operations list",
    "presign --user user-7 --content-type image/png --length 5 --extension png",
    "suppressions remove bounced@example.com --reason r --yes",
    "suppressions add +4790000009 --channel sms --reason r --yes",
];

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn all_of_it(stage: &mut Stage) {
    let _replica = stage.redis.replica().expect("a replica");
    let at = Address::new(User::Producer.at(&stage.redis.url())).named("producer");
    let client = Client::connect(at, NAMESPACE).expect("a good address");
    stage.client = client.with_wait_replicas(1);
    stage.set_for_all("REDIS__WAIT_REPLICAS", "1");
    let told = EventsSandbox::start(([127, 0, 0, 1], 0).into()).await;
    let told = told.expect("a free port");
    stage.set_for_all("EVENTS__URL", told.origin());
    stage.set_for_all("EVENTS__SECRET", EventsSandbox::SECRET);
    let on = r#"["completed", "dead", "cancelled", "bounced"]"#;
    stage.set_for_all("EVENTS__ON", on);
    stage.with_queues_of(&[Act::Sms, Act::Geocode, Act::Payments, Act::Storage]);
    let yearly = [
        ("SCHEDULE", "0 0 1 1 *"),
        ("KIND", "send_sms"),
        ("ARGS", r#"{"to":"+4790000000","body":"Godt nytt"}"#),
    ];
    for (key, value) in yearly {
        stage.set_for_all(&format!("CRON__YEARLY__{key}"), value);
    }
    stage.set_for_all("CRON__OFTEN__SCHEDULE", "* * * * * *");
    stage.set_for_all("CRON__OFTEN__KIND", "send_sms");
    stage.set_for_all("CRON__OFTEN__ARGS", r#"{"to":"+4790000001","body":"Nå"}"#);
    let key = stage.sendgrid.public_key();
    stage.set_for_all(
        "PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS",
        format!(r#"["{key}"]"#),
    );
    let url = stage.webhooks_url("sendgrid");
    stage.sendgrid.change_webhook(|webhook| {
        webhook.url = Some(url);
        webhook.bounced.insert(BOUNCED.to_owned());
    });
    stage.hears_events();
    let _webhooks = stage.webhooks().start().await;
    let worker = stage.worker().all_queues().short_lease().start().await;
    let jobs = produced(stage).await;
    worked(stage).await;
    forgotten(stage, &worker).await;
    worker.get("/metrics").await;
    worker.kill().await;
    let mut second = stage.worker().all_queues().short_lease().start().await;
    operated(stage, jobs).await;
    carried_on(stage).await;
    from_postgres(stage).await;
    eventually("the app was told of a mail that bounced", || async {
        let told = told.told();
        told.iter()
            .any(|told| told.event.event_type == "delivery.bounced")
    })
    .await;
    second.stop();
    second.left_within(Duration::from_secs(30)).await;
}

/// The client's whole surface.
async fn produced(stage: &Stage) -> JobId {
    let client = &stage.client;
    let sent = client
        .enqueue_and_wait(email(1), Duration::from_secs(20))
        .await;
    let sent = sent.expect("is sent").id;
    let later = client
        .enqueue(email(2))
        .key("two")
        .delay(Duration::from_secs(3600))
        .expires_in(Duration::from_secs(7200))
        .priority(Priority::High)
        .tenant("acme")
        .tag("news")
        .await
        .expect("is accepted");
    client.status(later).await.expect("is known");
    client.find::<SendEmail>("two").await.expect("is found");
    let found = client.find_by_name("send_email", "two").await;
    assert_eq!(found.expect("is found"), Some(later));
    let when = RunAt::In(DAY);
    client.reschedule(later, when, "r").await.expect("is moved");
    client.cancel(later, "because").await.expect("is cancelled");
    client.status(JobId::generate()).await.expect("is nowhere");
    client
        .wait(sent, Duration::from_secs(5))
        .await
        .expect("has ended");
    // The API asks it before it signs an upload.
    let link = client_link(stage);
    let sweeps = Queue::new(link, NAMESPACE, "export-cleanup").expect("a good name");
    let away = sweeps.is_breaker_open("s3").await.expect("may ask");
    assert!(!away);
    let prepared = Prepared::new(&email(3)).expect("is checked");
    let prepared = vec![(prepared, EnqueueOptions::default())];
    let enqueued = client.enqueue_prepared(prepared).await;
    enqueued.expect("is accepted");
    let prepared = Prepared::new(&email(4)).expect("is checked");
    let options = EnqueueOptions::default();
    let listened = client
        .enqueue_prepared_and_listen(prepared, &options, Duration::from_secs(20))
        .await;
    let (_, ended) = listened.expect("is accepted");
    ended.await.expect("is sent");
    client
        .enqueue_all((0..3).map(email))
        .await
        .expect("accepted");
    sent
}

/// A connection as a producer's.
fn client_link(stage: &Stage) -> Link {
    let at = Address::new(User::Producer.at(&stage.redis.url())).named("producer");
    Link::open_later(at, LinkOptions::default()).expect("a good address")
}

/// All providers, and some of what goes wrong.
async fn worked(stage: &Stage) {
    let client = &stage.client;
    let bounced = SendEmail::new("welcome", BOUNCED);
    client.enqueue(bounced).await.expect("accepted");
    // Its answer is lost: its worker asks what became of it.
    let lost = FaultRule::first(1, Fault::HangUp { effect: true });
    stage.twilio.faults().set(vec![lost]).expect("set");
    client.enqueue(sms(1)).await.expect("accepted");
    let twice = [address(1), address(1)];
    client.enqueue_all(twice).await.expect("accepted");
    let customer = CreateCustomer::new("user-1");
    client.enqueue(customer).await.expect("accepted");
    let paid = client.enqueue(payment(1)).await.expect("accepted");
    for n in 0..1_200 {
        let key = format!("{n}.csv");
        stage.s3.plant("exports-flow", &key, "1", 8 * DAY);
    }
    let sweep = SweepBucket::new(BucketName::EXPORTS);
    client.enqueue(sweep).await.expect("accepted");
    completed(stage, paid).await;
    // It fails, of which Stripe tells, and the app asks for a mail about it.
    stage
        .app
        .set_contact(json!({ "email": { "email": "ada@example.com" }, "data": {} }));
    let payments = stage
        .queue
        .sibling("payment-reconcile")
        .expect("a good name");
    let intent = payments
        .job(&paid.into())
        .await
        .expect("looks")
        .expect("is known");
    let intent = intent.result.expect("a result")["payment_intent"].clone();
    assert!(
        stage
            .stripe
            .customer_pays(intent.as_str().expect("an id"), false)
    );
    let unknown = br#"{"kind":"send_fax","v":1,"args":{}}"#;
    stage.push(JobId::generate(), unknown).await;
    eventually("it is parked", || async { stage.stats().await.parked == 1 }).await;
    let texts = stage.queue.sibling("sms").expect("a good name");
    eventually("a text's answer was lost, and it was found", || async {
        let mut due = redis::cmd("ZUNIONSTORE");
        let scheduled = &texts.keys().scheduled;
        due.arg(scheduled)
            .arg(1)
            .arg(scheduled)
            .arg("WEIGHTS")
            .arg(0);
        let due: Result<u64, _> = texts.link().command(&due).await;
        due.is_ok() && stage.twilio.reads() > 0
    })
    .await;
    eventually("a mail has bounced", || async {
        let list = stage.longshore(&["suppressions", "list", "--json"]).await;
        list.json().as_array().is_some_and(|list| !list.is_empty())
    })
    .await;
}

async fn completed(stage: &Stage, id: JobId) {
    eventually("it has completed", || async {
        let status = stage.client.status(id).await.ok().flatten();
        status.is_some_and(|status| status.state == JobState::Completed)
    })
    .await;
}

/// Redis forgets what it knew of the queue's claims, and a worker says it again.
async fn forgotten(stage: &Stage, worker: &Worker) {
    let mut forget = redis::cmd("DEL");
    forget.arg(&stage.queue.keys().timeline);
    let _: u8 = stage.queue.link().command(&forget).await.expect("forgets");
    stage.client.enqueue(email(7)).await.expect("accepted");
    worker.has_said("Redis").await;
}

/// Runs a command as the operator.
async fn run(stage: &Stage, words: &[&str]) -> String {
    let said = stage.longshore(words).await;
    assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    said.stdout.trim().to_owned()
}

/// Every command; and what the fleet carries on for one.
async fn operated(stage: &Stage, job: JobId) {
    commands::each_of_them(stage, &job.to_string()).await;
    for line in OTHERS {
        run(stage, &line.split(' ').collect::<Vec<_>>()).await;
    }
    stage.slow_calls_take(1_000);
    let slow = stage.slow_calls(1).await[0].to_string();
    // It had been sent: it ends as it ends.
    let cancel = ["jobs", "cancel", &slow, "--force", "--reason", "r"];
    assert!(
        stage
            .longshore(&cancel)
            .await
            .stderr
            .contains("asked to stop")
    );
}

/// Many letters and many waiting jobs, and operations on them that nobody at a terminal waits for.
async fn carried_on(stage: &Stage) {
    let nowhere = (0..40).map(|n| SendEmail::new("nowhere", format!("n{n}@example.com")));
    let nowhere = stage.client.enqueue_all(nowhere).await.expect("accepted");
    eventually("they are dead", || async { stage.stats().await.dead >= 40 }).await;
    let one = nowhere[0].to_string();
    run(stage, &["job", &one, "--reveal", "--reason", "r"]).await;
    run(stage, &["dead", "replay", &one, "--reason", "r"]).await;
    let other = nowhere[1].to_string();
    run(
        stage,
        &["dead", "discard", &other, "--reason", "r", "--yes"],
    )
    .await;
    // What the console's page of a queue shows.
    let url = User::Operator.at(&stage.redis.url());
    let link = Link::new(&url, LinkOptions::default()).expect("a URL");
    let queue = Queue::new(link, NAMESPACE, "email").expect("good names");
    queue.shares().await.expect("looks");
    let later = |n| {
        let mail = stage.client.enqueue(email(n));
        mail.delay(DAY)
    };
    for n in 0..3 {
        later(n).await.expect("accepted");
    }
    let drip = "dead replay --queue email --rate 1 --detach --yes --reason r --json";
    let drip = run(stage, &drip.split(' ').collect::<Vec<_>>()).await;
    let drip: Value = serde_json::from_str(&drip).expect("JSON");
    let id = drip["replays"][0]["id"].as_str().expect("an id");
    for line in [
        "operations show ID",
        "operations cancel ID --reason r",
        "operations resume ID --detach --reason r",
        "dead replays cancel ID --reason r",
        "dead replays resume ID --detach --reason r",
    ] {
        let words = line
            .split(' ')
            .map(|word| if word == "ID" { id } else { word });
        run(stage, &words.collect::<Vec<_>>()).await;
    }
    for line in [
        "jobs reschedule --queue email --state scheduled --in 2d --detach --yes --reason r --json",
        "jobs cancel --queue email --state scheduled --detach --yes --reason r --json",
        "forget n1@example.com --detach --yes --reason r --json",
    ] {
        run(stage, &line.split(' ').collect::<Vec<_>>()).await;
    }
    eventually("the fleet has carried them out", || async {
        all_done(stage).await
    })
    .await;
}

/// Whether no cancel and no forget goes on.
async fn all_done(stage: &Stage) -> bool {
    let all = run(stage, &["operations", "--json"]).await;
    let all: Value = serde_json::from_str(&all).expect("JSON");
    let mut all = all.as_array().expect("a list").iter();
    all.all(|one| one["act"] == "replay" || one["state"] == "done")
}

/// Jobs of an app's own transaction: one that is carried, and two that are held.
async fn from_postgres(stage: &Stage) {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    postgres.sql(SCHEMA);
    let url = postgres.url();
    let env = [("LONGSHORE_OUTBOX__DATABASE_URL", url.as_str())];
    let _carrier = stage.outbox(&postgres).start().await;
    let insert = |args: &str| {
        let insert = "INSERT INTO longshore_outbox (kind, args, key)";
        postgres.sql(&format!(
            "{insert} VALUES ('send_email', '{args}', 'k1') RETURNING id"
        ))
    };
    insert(r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#);
    let (mended, other) = (insert("{}"), insert("{}"));
    eventually("two are held", || async {
        let held = stage
            .longshore_with(&["outbox", "held", "--json"], &env)
            .await;
        held.json().as_array().is_some_and(|rows| rows.len() == 2)
    })
    .await;
    for words in [
        &["outbox", "schema"][..],
        &["outbox", "retry", &mended, "--reason", "r"],
        &["outbox", "discard", &other, "--reason", "r", "--yes"],
    ] {
        let said = stage.longshore_with(words, &env).await;
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }
}
