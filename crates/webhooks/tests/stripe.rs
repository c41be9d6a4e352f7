//! Stripe's events, from the socket to Redis.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use longshore_payment_reconcile::sandbox::{
    self, PlantedPaymentIntent, StripeSandbox, WebhookEndpoint,
};
use longshore_webhooks::{Webhooks, WebhooksOptions};
use ring::hmac;
use serde_json::{Value, json};
use support::{
    Answer, OLD_WEBHOOK_SECRET, PUBLIC_URL, Scene, WEBHOOK_SECRET, exchange, takes_stripe,
};

/// In every event, and never in what we say.
const PERSON: &str = "ada@example.com";

fn event(id: &str, kind: &str) -> Value {
    json!({
        "id": id, "object": "event", "api_version": "2023-10-16", "created": 1_795_435_200,
        "type": kind, "livemode": false, "pending_webhooks": 1,
        "data": { "object": { "id": "pi_1", "object": "payment_intent", "receipt_email": PERSON } },
        "request": { "id": null, "idempotency_key": null },
    })
}

fn paid(id: &str) -> Value {
    event(id, "payment_intent.succeeded")
}

/// A post, signed with these secrets so many seconds from now.
struct Post<'a> {
    body: String,
    secrets: &'a [&'a str],
    ahead: i64,
}

impl Post<'static> {
    fn of(event: &Value) -> Self {
        Self {
            body: event.to_string(),
            secrets: &[WEBHOOK_SECRET],
            ahead: 0,
        }
    }
}

impl Post<'_> {
    fn request(&self) -> Vec<u8> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        let time = now.checked_add_signed(self.ahead).expect("a time");
        let mut header = format!("t={time}");
        for secret in self.secrets {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let tag = hmac::sign(&key, format!("{time}.{}", self.body).as_bytes());
            let tag = hex::encode(tag);
            header.push_str(&format!(",v1={tag}"));
        }
        let length = self.body.len();
        format!(
            "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: {header}\r\n\
             Content-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{}",
            self.body
        )
        .into_bytes()
    }

    async fn to(&self, addr: SocketAddr) -> Answer {
        exchange(addr, &self.request()).await
    }
}

async fn status(scene: &Scene, event: &Value) -> u16 {
    Post::of(event).to(scene.http).await.status
}

/// The payloads of all jobs there are, sorted.
async fn jobs(scene: &Scene) -> Vec<Value> {
    let mut ids = redis::cmd("HKEYS");
    ids.arg(&scene.queue.keys().data);
    let ids: Vec<Vec<u8>> = scene.queue.link().command(&ids).await.expect("looks");
    let mut all = Vec::new();
    for id in ids {
        let job = scene.queue.job(&id.into()).await.expect("looks");
        let payload = job.and_then(|job| job.payload).expect("has one");
        all.push(serde_json::from_slice(&payload).expect("JSON"));
    }
    all.sort_by_key(ToString::to_string);
    all
}

fn apply(id: &str) -> Value {
    json!({ "kind": "apply_stripe_event", "v": 1, "args": { "event_id": id } })
}

#[tokio::test]
async fn an_event_is_a_job_when_it_is_answered() {
    let scene = Scene::set_for_stripe().await;
    let answer = Post::of(&paid("evt_1")).to(scene.http).await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(jobs(&scene).await, [apply("evt_1")]);
    let failed = event("evt_2", "payment_intent.payment_failed");
    let deleted = event("evt_3", "customer.subscription.deleted");
    for event in [failed, deleted] {
        assert_eq!(status(&scene, &event).await, 204);
    }
    let expected = ["evt_1", "evt_2", "evt_3"].map(apply);
    assert_eq!(jobs(&scene).await, expected);
    assert_eq!(scene.counted("noted").await, 3);

    let mut key = redis::cmd("GET");
    let name = format!(
        "{}:apply_stripe_event:evt_1",
        scene.queue.keys().idempotency
    );
    let holds: String = scene
        .queue
        .link()
        .command(key.arg(name))
        .await
        .expect("looks");
    // For a week from its enqueue, once its job has ended.
    assert_eq!(holds.split(' ').nth(2), Some("604800000"), "{holds}");
}

#[tokio::test]
async fn what_comes_again_is_taken_and_enqueues_nothing() {
    let scene = Scene::set_for_stripe().await;
    for _ in 0..3 {
        assert_eq!(status(&scene, &paid("evt_1")).await, 204);
    }
    assert_eq!(jobs(&scene).await, [apply("evt_1")]);
    let counted = (
        scene.counted("noted").await,
        scene.counted("duplicate").await,
    );
    assert_eq!(counted, (1, 2));
}

#[tokio::test]
async fn two_listeners_take_an_event_once() {
    let scene = Scene::set_for_stripe().await;
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let other = Webhooks::new(WebhooksOptions {
        http_addr: any,
        private_addr: any,
        public_url: Some(PUBLIC_URL.parse().expect("a public URL")),
        trusted_proxies: Default::default(),
    });
    let other = takes_stripe(other, &scene.queue).listen().await;
    let other = other.expect("free ports");
    let addrs = [scene.http, other.http_addr()];
    let serving = tokio::spawn(other.serve(std::future::pending()));
    for n in 0..20 {
        let post = Post::of(&paid(&format!("evt_{n}")));
        let (first, second) = tokio::join!(post.to(addrs[0]), post.to(addrs[1]));
        assert_eq!((first.status, second.status), (204, 204));
    }
    assert_eq!(jobs(&scene).await.len(), 20);
    serving.abort();
}

#[tokio::test]
async fn what_has_no_effect_is_taken_and_forgotten() {
    let scene = Scene::set_for_stripe().await;
    let mut connected = paid("evt_2");
    connected["account"] = "acct_1".into();
    connected["livemode"] = true.into();
    for event in [event("evt_1", "payment_intent.created"), connected] {
        assert_eq!(status(&scene, &event).await, 204);
    }
    assert_eq!(scene.counted("ignored").await, 2);
    assert_eq!(jobs(&scene).await, [] as [Value; 0]);
    let mut newer = paid("evt_3");
    newer["api_version"] = "2026-01-28".into();
    assert_eq!(status(&scene, &newer).await, 204);
    assert_eq!(jobs(&scene).await, [apply("evt_3")]);
}

#[tokio::test]
async fn either_secret_will_do_while_it_changes() {
    let scene = Scene::set_for_stripe().await;
    for (n, secrets) in [
        &[OLD_WEBHOOK_SECRET][..],
        &["whsec_newer_than_ours", WEBHOOK_SECRET],
    ]
    .into_iter()
    .enumerate()
    {
        let post = Post {
            secrets,
            ..Post::of(&paid(&format!("evt_{n}")))
        };
        assert_eq!(post.to(scene.http).await.status, 204);
    }
    assert_eq!(jobs(&scene).await.len(), 2);
}

#[tokio::test]
async fn what_stripe_did_not_sign_just_now_changes_nothing() {
    let scene = Scene::set_for_stripe().await;
    let good = || Post::of(&paid("evt_1"));
    let altered = |from: &str, to: &str| {
        let request = String::from_utf8(good().request()).expect("text");
        assert!(request.contains(from), "{from}");
        request.replace(from, to).into_bytes()
    };
    let mismatch = "Stripe-Signature does not match: the endpoint's secret is another\n";
    let old = "Stripe-Signature is more than 300 s from now: it is old, or a clock is wrong\n";
    let missing = "the Stripe-Signature header is missing\n";
    let twice = "the Stripe-Signature header is there twice\n";
    let wrong = Post {
        secrets: &["whsec_another"],
        ..good()
    };
    let at = |ahead| Post { ahead, ..good() };
    for (request, reason) in [
        (wrong.request(), mismatch),
        (altered("evt_1", "evt_2"), mismatch),
        (altered(",v1=", ",v0="), mismatch),
        (at(-302).request(), old),
        (at(302).request(), old),
        (altered("Stripe-Signature", "Stripe-Signatures"), missing),
        (altered("Host: x", "Stripe-Signature: t=1,v1=x"), twice),
    ] {
        let answer = exchange(scene.http, &request).await;
        assert_eq!((answer.status, &*answer.body), (400, reason));
    }
    assert_eq!(scene.counted("bad_signature").await, 7);

    let thin =
        json!({ "id": "evt_1", "object": "v2.core.event", "livemode": false, "type": "v1.x" });
    let mut live = paid("evt_1");
    live["livemode"] = true.into();
    for (event, reason) in [
        (
            &thin,
            "the body is a thin event, or none: the endpoint has to get snapshot events\n",
        ),
        (&live, "the event is not of test mode\n"),
        (
            &json!("ada@example.com"),
            "the body is no event of Stripe's\n",
        ),
    ] {
        let answer = Post::of(event).to(scene.http).await;
        assert_eq!((answer.status, &*answer.body), (400, reason));
    }
    assert_eq!(scene.counted("bad_request").await, 3);
    assert_eq!(jobs(&scene).await, [] as [Value; 0]);
    for ahead in [-290, 290] {
        assert_eq!(at(ahead).to(scene.http).await.status, 204, "{ahead}");
    }
    assert_eq!(jobs(&scene).await, [apply("evt_1")], "nothing of it stays");
    let metrics = scene.private("/metrics").await.body;
    assert!(!metrics.contains("evt_") && !metrics.contains(PERSON));
}

#[tokio::test]
async fn without_redis_stripe_is_sent_away_and_comes_again() {
    let mut scene = Scene::set_for_stripe().await;
    assert_eq!(status(&scene, &paid("evt_1")).await, 204);
    scene.redis.kill();
    let begun = Instant::now();
    let answer = Post::of(&paid("evt_2")).to(scene.http).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(scene.private("/readyz").await.status, 503);
    assert_eq!(scene.counted("unavailable").await, 1);

    scene.redis.restart().expect("restarts");
    let _ = scene.queue.link().ping().await;
    assert_eq!(status(&scene, &paid("evt_2")).await, 204);
    assert_eq!(jobs(&scene).await, [apply("evt_2")]);
    assert_eq!(scene.private("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_stand_in_that_others_wrote_is_understood() {
    let scene = Scene::set_for_stripe().await;
    let any = "127.0.0.1:0".parse().expect("an address");
    let stripe = StripeSandbox::start(any).await.expect("a free port");
    let url = format!("http://{}/webhooks/stripe", scene.http);
    let mut endpoint = WebhookEndpoint::new(url, "whsec_newer_than_ours");
    endpoint.secrets.push(WEBHOOK_SECRET.to_owned());
    stripe.change_webhooks(|webhooks| {
        webhooks.endpoints = vec![endpoint];
        webhooks.twice = true;
        webhooks.reversed = true;
    });
    let planted = PlantedPaymentIntent::new(1000, "nok", "requires_payment_method");
    let intents = stripe.plant([planted.clone(), planted]);
    assert!(stripe.customer_pays(&intents[0], false));
    assert!(stripe.customer_pays(&intents[0], true));
    let told = stripe.wait_called_back(Duration::from_secs(30), 4).await;
    let answers: Vec<_> = told.iter().map(|told| told.answer).collect();
    assert_eq!(answers, [Some(204); 4]);
    let events = stripe.events();
    let mut expected: Vec<_> = events
        .iter()
        .map(|event| apply(event["id"].as_str().expect("an id")))
        .collect();
    expected.sort_by_key(ToString::to_string);
    assert_eq!(expected.len(), 2);
    assert_eq!(jobs(&scene).await, expected);

    for spoil in [
        |webhooks: &mut sandbox::WebhookSettings| webhooks.thin = true,
        |webhooks: &mut sandbox::WebhookSettings| webhooks.flipped_livemode = true,
        |webhooks: &mut sandbox::WebhookSettings| webhooks.signed_seconds_ago = 302,
    ] {
        stripe.change_webhooks(|webhooks| {
            (webhooks.twice, webhooks.thin, webhooks.flipped_livemode) = (false, false, false);
            spoil(webhooks);
        });
        let before = stripe.called_back().len();
        assert!(stripe.customer_pays(&intents[1], false));
        let deadline = Duration::from_secs(30);
        let told = stripe.wait_called_back(deadline, before + 1).await;
        assert_eq!(told.last().and_then(|told| told.answer), Some(400));
    }
    assert_eq!(jobs(&scene).await.len(), 2);
}
