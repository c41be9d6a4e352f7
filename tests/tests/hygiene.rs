//! Nothing secret and nobody is to be found in what a whole run prints and stores: logs at their loudest, every command,
//! metrics, Sentry's events, and all of Redis but the payloads themselves.
//!
//! What is planted is in `planted`; what is looked through, in `places`.

mod places;
mod planted;

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::kinds::{BucketName, SweepBucket};
use longshore_client::{EnqueueOptions, JobId};
use longshore_sandbox::{Fault, FaultRule};
use longshore_services::sandbox::ServiceSandbox;
use longshore_tests::{Act, NAMESPACE, Receiver, Stage, Worker, eventually, http, spans};
use serde_json::json;

use places::Places;
use planted::{MARKERS, PROVIDERS, SETTINGS};

const QUEUES: [&str; 5] = ["email", "sms", "geocode", "payment-reconcile", "svc-crm"];

/// A stage with all providers on it, and everything that is a secret planted.
async fn planted_stage(sentry: &Receiver, collector: &Receiver, tokens: &ServiceSandbox) -> Stage {
    let mut stage = Stage::set_for(Act::Sms).await;
    let mut user = redis::cmd("ACL");
    user.arg(&[
        "SETUSER",
        "app",
        "on",
        ">zqredispassword",
        "~*",
        "&*",
        "+@all",
    ]);
    let made: Result<String, _> = stage.queue.link().command(&user).await;
    made.expect("a user");
    let url = format!(
        "redis://app:zqredispassword@127.0.0.1:{}",
        stage.redis.port()
    );
    stage.set_for_all("REDIS__URL", url);
    stage.set_for_all("PROVIDERS__SENTRY__DSN", sentry.dsn("zqsentrykey"));
    stage.set_for_all("TELEMETRY__OTLP_ENDPOINT", collector.url());
    stage.set_for_all("TELEMETRY__OTLP_HEADERS", "authorization=zqotlptoken");
    for (name, value) in SETTINGS {
        stage.set_for_all(name, *value);
    }
    for (provider, origin) in [
        ("SENDGRID", stage.sendgrid.origin()),
        ("TWILIO", stage.twilio.origin()),
        ("GOOGLE_MAPS", stage.google_maps.origin()),
        ("STRIPE", stage.stripe.origin()),
    ] {
        stage.set_for_all(&format!("PROVIDERS__{provider}__BASE_URL"), origin);
    }
    stage.set_for_all("PROVIDERS__S3__ENDPOINT_URL", stage.s3.origin());
    stage.set_for_all("SERVICES__CRM__BASE_URL", stage.service.origin());
    let url = format!("{}/token", tokens.origin());
    stage.set_for_all("SERVICES__CRM__AUTH__TOKEN_URL", url);
    planted::objects(&stage);
    stage.set_for_all("APP__BASE_URL", stage.app.origin());
    for provider in PROVIDERS {
        let key = |key: &str| format!("{provider}__{key}");
        stage.set_for_all(&key("BREAKER__FAILURES"), "1000");
        stage.set_for_all(&key("RATE_PER_SECOND"), "100000");
        stage.set_for_all(&key("TIMEOUT_SECONDS"), "0.5");
    }
    stage.set_for_all("RETRY__SCHEDULE_SECONDS", "[0.1]");
    // Lost answers are known for what they are at once.
    stage.set_for_all("QUEUES__SMS__ON_UNKNOWN", "hold");
    stage.set_for_all("QUEUES__EMAIL__ON_UNKNOWN", "hold");
    stage.app.set_secret("zqappsecret");
    stage.app.set_contact(
        json!({"email": {"email": "zqcontact@example.com", "name": "Zqcontact Hansen"}}),
    );
    stage
        .twilio
        .change_callbacks(|callbacks| callbacks.auth_token = Some("zqtwiliotoken".to_owned()));
    let endpoint = longshore_payment_reconcile::sandbox::WebhookEndpoint::new(
        stage.webhooks_url("stripe"),
        "whsec_zqstripewebhooks",
    );
    stage
        .stripe
        .change_webhooks(|webhooks| webhooks.endpoints = vec![endpoint]);
    let url = stage.webhooks_url("sendgrid");
    stage
        .sendgrid
        .change_webhook(|webhook| webhook.url = Some(url));
    let key = stage.sendgrid.public_key();
    stage.set_for_all(
        "PROVIDERS__SENDGRID__WEBHOOK_PUBLIC_KEYS",
        format!("[\"{key}\"]"),
    );
    stage
}

fn requests(stage: &Stage) -> [u64; 5] {
    [
        stage.sendgrid.ledger().requests(),
        stage.twilio.ledger().requests(),
        stage.google_maps.ledger().requests(),
        stage.stripe.ledger().requests(),
        stage.service.ledger().requests(),
    ]
}

/// One job of every kind, and payloads that are none.
async fn enqueue(stage: &Stage, number: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for job in planted::jobs(number) {
        let options = EnqueueOptions {
            // They would be for users who wait.
            expires_in: Some(Duration::from_secs(3600)),
            ..EnqueueOptions::default()
        };
        let enqueued = stage.client.enqueue_prepared([(job, options)]).await;
        ids.push(enqueued.expect("accepted")[0].id);
    }
    // What does not decode meets no provider: it is pushed first, and once more among the last, which all commands show.
    if [0, 101].contains(&number) {
        for queue in QUEUES {
            for payload in planted::GARBAGE {
                ids.push(push(stage, queue, payload).await);
            }
        }
    }
    ids
}

/// As some other program might do it.
async fn push(stage: &Stage, queue: &str, payload: &str) -> JobId {
    let id = JobId::generate();
    let key = |part: &str| format!("{{{NAMESPACE}:{queue}}}:{part}");
    let mut data = redis::cmd("HSET");
    data.arg(key("data")).arg(id.to_string()).arg(payload);
    let mut record = redis::cmd("HSET");
    record
        .arg(key(&format!("meta:{id}")))
        .arg(&["max_attempts", "25"]);
    let mut list = redis::cmd("LPUSH");
    list.arg(key("active")).arg(id.to_string());
    for command in [data, record, list] {
        let _: u64 = stage.queue.link().command(&command).await.expect("pushed");
    }
    id
}

/// Everything has ended, but what waits for a worker that knows its kind.
async fn ended(stage: &Stage) {
    eventually("everything ends", || async {
        let queues = stage.longshore(&["queues", "--json"]).await.json();
        let queues = queues.as_array().expect("rows").clone();
        queues.iter().all(|row| {
            let parked = row["parked"].as_array().expect("a list").iter();
            let parked: Option<u64> = parked.map(|kind| kind["jobs"].as_u64()).sum();
            row["pending"].as_u64() == parked
                && ["scheduled", "running", "retryable"]
                    .iter()
                    .all(|state| row[*state] == 0)
        })
    })
    .await;
}

/// Every kind of job, while everything goes wrong in every way, and when nothing does.
async fn run_jobs(stage: &Stage, worker: &Worker) -> Vec<JobId> {
    let mut ids = Vec::new();
    for (number, trouble) in planted::TROUBLES.iter().enumerate() {
        let before = requests(stage);
        planted::misbehave(stage, Some(*trouble), number);
        ids.extend(enqueue(stage, number).await);
        eventually(&format!("every provider has met {trouble:?}"), || async {
            let now = requests(stage);
            now.iter().zip(before).all(|(now, before)| *now > before)
        })
        .await;
    }
    planted::misbehave(stage, None, 0);
    ended(stage).await;
    planted::misbehave(stage, Some(planted::Trouble::Refuses), 100);
    ids.extend(enqueue(stage, 100).await);
    eventually("all queues have paused themselves", || async {
        worker.log().matches("paused itself").count() >= QUEUES.len()
    })
    .await;
    ids
}

/// Events, true and forged.
async fn run_events(stage: &Stage, ids: &[JobId]) {
    let mut intents = Vec::new();
    for id in ids {
        let result = stage.client.status(*id).await.expect("looks");
        let result = result.and_then(|status| status.result);
        let intent = result.and_then(|result| result["payment_intent"].as_str().map(str::to_owned));
        intents.extend(intent.filter(|id| stage.stripe.payment_intent(id).is_some()));
    }
    assert!(!intents.is_empty(), "there are payments");
    planted::app_misbehaves(stage);
    for (number, intent) in intents.iter().enumerate() {
        stage.stripe.customer_pays(intent, number % 2 == 1);
    }
    eventually("the app has heard", || async {
        !stage.app.applied().is_empty()
    })
    .await;
    eventually("the address is suppressed", || async {
        let list = stage.longshore(&["suppressions", "list", "--json"]).await;
        list.json().as_array().is_some_and(|list| !list.is_empty())
    })
    .await;
    for (provider, header) in [
        ("stripe", "Stripe-Signature"),
        ("twilio", "X-Twilio-Signature"),
        ("sendgrid", "X-Twilio-Email-Event-Webhook-Signature"),
    ] {
        let url = stage.webhooks_url(provider);
        let addr = url.split('/').nth(2).expect("an address");
        let what = format!("POST /webhooks/{provider}?job=zqforgedbody&zqname=x");
        for (signature, body) in [
            ("zqsignature", "To=%2B4791817161&Body=zqforgedbody"),
            (
                "t=1,v1=zqsignature",
                r#"{"id":"evt_zqforgedbody","object":"event"}"#,
            ),
        ] {
            let headers = [
                (header, signature),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            let addr = addr.parse().expect("an address");
            let (status, _) = http::request(addr, &what, &headers, body).await;
            assert!((400..500).contains(&status), "{provider}: {status}");
        }
    }
}

/// A store that complains, in the form of S3's own, and then one that lets its keys be listed and deleted.
async fn sweep(stage: &Stage) -> Vec<JobId> {
    let mut ids = Vec::new();
    let fault = Fault::Answer {
        status: 403,
        headers: BTreeMap::new(),
        body: Some(
            "<Error><Code>InvalidObjectState</Code><Message>Not in this state</Message>\
             <Key>zqbucket/ada lovelace.pdf</Key><Resource>/exports-flow/zqbucket</Resource></Error>"
                .to_owned(),
        ),
        effect: false,
    };
    for rules in [vec![FaultRule::always(fault)], Vec::new()] {
        stage.s3.faults().set(rules).expect("valid rules");
        let sweep = SweepBucket::new(BucketName::EXPORTS);
        ids.push(stage.client.enqueue(sweep).await.expect("accepted"));
        ended(stage).await;
    }
    // The breaker may have parked it for a while: the store has complained before.
    eventually("they are deleted", || async {
        stage.s3.keys(planted::EXPORTS).len() < 20
    })
    .await;
    ids
}

/// Each line is one.
fn look_at_objects(log: &str) {
    for line in log.lines() {
        let parsed: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(line);
        parsed.unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

/// What the collector got, as it came and decoded.
async fn look_at_spans(collector: &Receiver, places: &mut Places) {
    let spans = spans(&collector.bodies()).await;
    for kind in ["SPAN_KIND_CONSUMER", "SPAN_KIND_CLIENT", "SPAN_KIND_SERVER"] {
        assert!(spans.iter().any(|span| span.kind == kind), "{kind}");
    }
    places.look("the spans", format!("{spans:?}"));
    for body in collector.bodies() {
        places.look("what the collector got", body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_nobody_is_found_anywhere() {
    let (sentry, collector) = (Receiver::start().await, Receiver::start().await);
    let tokens = planted::tokens().await;
    let stage = planted_stage(&sentry, &collector, &tokens).await;
    let mut places = Places::default();
    let mut worker = stage
        .worker()
        .all_queues()
        .env("RUST_LOG", "trace")
        .set("LOG__FORMAT", "json")
        .start()
        .await;
    let mut listener = stage.webhooks().env("RUST_LOG", "trace").start().await;

    let mut ids = run_jobs(&stage, &worker).await;
    places.queues(&stage).await;
    planted::misbehave(&stage, None, 0);
    for queue in QUEUES {
        let said = stage.longshore(&["resume", queue, "--holds"]).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
    // The last mail bounces: no more are sent to its address.
    stage.sendgrid.change_webhook(|webhook| {
        webhook.bounced.insert("zqaddress@example.com".to_owned());
    });
    ids.extend(enqueue(&stage, 101).await);
    ended(&stage).await;
    ids.extend(sweep(&stage).await);
    run_events(&stage, &ids).await;
    ended(&stage).await;
    let sent = stage.sendgrid.ledger().summary();
    assert!(sent.accepted > 0, "mails went out");

    for addr in [worker.http_addr(), listener.private_addr()] {
        for path in ["/livez", "/readyz", "/metrics"] {
            let (_, body) = http::get(addr, path).await;
            places.look(format!("{path} of a process"), body);
        }
    }
    places.commands(&stage, &ids).await;
    places.redis(&stage).await;
    for process in [&mut worker, &mut listener] {
        process.stop();
        assert_eq!(process.left_within(Duration::from_secs(30)).await, 0);
    }
    look_at_objects(&worker.log());
    places.look("the worker's log", worker.log());
    places.look("the listener's log", listener.log());
    assert!(!sentry.bodies().is_empty(), "Sentry was told something");
    for body in sentry.bodies() {
        places.look("an event for Sentry", body);
    }
    look_at_spans(&collector, &mut places).await;
    let client_secrets: Vec<_> = stage
        .stripe
        .payment_intents()
        .iter()
        .filter_map(|intent| Some(intent["client_secret"].as_str()?.to_owned()))
        .collect();
    assert!(
        !client_secrets.is_empty(),
        "Stripe hands client secrets out"
    );
    places.hold_none_of(MARKERS, &client_secrets);
    // What was quoted was taken out, rather than never there.
    for trace in ["[redacted]", "[email]", "[phone]", "[secret]"] {
        assert!(worker.says(trace), "{trace} is not in the log");
    }
    // What we say ourselves was left, though somebody is called so.
    for ours in ["zqbefore [redacted]", "SendGrid answered 400"] {
        assert!(worker.says(ours), "{ours} is not in the log");
    }
}
