//! SendGrid's events, from the socket to Redis.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine};
use longshore_email::{PublicKey, SendGridEvents};
use longshore_job::{AddressHash, JobId, Suppression};
use longshore_queue::{Link, LinkOptions};
use longshore_webhooks::{Webhooks, WebhooksOptions};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use support::{Answer, PUBLIC_URL, Scene, exchange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ADA: &str = "ada@example.com";

/// What SendGrid signs with.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key"))
    }

    fn public(&self) -> PublicKey {
        let mut spki = BASE64_STANDARD
            .decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=")
            .expect("base64");
        spki.extend_from_slice(self.0.public_key().as_ref());
        BASE64_STANDARD.encode(spki).parse().expect("a public key")
    }

    fn request(&self, body: &str, seconds_ago: u64) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = now.expect("after 1970").as_secs() - seconds_ago;
        let message = format!("{time}{body}");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes());
        let signature = BASE64_STANDARD.encode(signature.expect("signs"));
        format!(
            "POST /webhooks/sendgrid HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\
             X-Twilio-Email-Event-Webhook-Signature: {signature}\r\n\
             X-Twilio-Email-Event-Webhook-Timestamp: {time}\r\n\
             Content-Type: application/json;charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len(),
        )
        .into_bytes()
    }
}

/// A listener with one key, and who has it.
struct Hall {
    scene: Scene,
    signer: Signer,
}

impl Hall {
    async fn set() -> Self {
        let signer = Signer::new();
        Self {
            scene: Scene::set_for_sendgrid(vec![signer.public()]).await,
            signer,
        }
    }

    async fn post(&self, events: &[Value]) -> Answer {
        let request = self.signer.request(&list(events), 0);
        exchange(self.scene.http, &request).await
    }

    async fn taken(&self, events: &[Value]) {
        let answer = self.post(events).await;
        assert_eq!((answer.status, &*answer.body), (204, ""));
    }

    async fn state(&self, job: JobId) -> Option<String> {
        self.scene.state(job).await.0
    }

    async fn suppressed(&self, address: &str) -> Option<Suppression> {
        let hash = AddressHash::of(address);
        let entry = self.scene.queue.find("suppressed", hash.as_str()).await;
        entry
            .expect("asks")
            .map(|entry| Suppression::read(&entry).expect("an entry"))
    }
}

fn list(events: &[Value]) -> String {
    format!("{}\r\n", Value::from(events.to_vec()))
}

fn event(kind: &str, job: JobId, id: &str) -> Value {
    json!({
        "email": "Ada@example.com", "timestamp": 1_700_000_000, "event": kind, "sg_event_id": id,
        "sg_message_id": format!("msg-{job}.recvd-84b8fbc5d6-x-1-65B2.0"), "job_id": job,
    })
}

fn bounce(job: JobId, id: &str) -> Value {
    let mut event = event("bounce", job, id);
    event["type"] = "bounce".into();
    event["status"] = "5.1.1".into();
    event["reason"] = "550 5.1.1 <ada@example.com>: User unknown".into();
    event
}

#[tokio::test]
async fn what_a_list_says_is_in_redis_when_it_is_answered() {
    let hall = Hall::set().await;
    let [first, second] = [hall.scene.job().await, hall.scene.job().await];
    hall.taken(&[
        event("processed", first, "e1"),
        event("processed", second, "e2"),
        event("delivered", first, "e3"),
        event("open", first, "e4"),
        bounce(second, "e5"),
    ])
    .await;
    let delivery = hall.scene.delivery(first).await.expect("is noted");
    assert_eq!(delivery.message, format!("msg-{first}"));
    assert_eq!(delivery.state.as_deref(), Some("delivered"));
    let bounced = (Some("bounce".to_owned()), Some("5.1.1".to_owned()));
    assert_eq!(hall.scene.state(second).await, bounced);
    let entry = hall.suppressed(ADA).await.expect("suppressed");
    assert_eq!(
        (entry.reason, entry.job),
        ("bounce".into(), Some(second.to_string()))
    );
    let counted = (
        hall.scene.counted("noted").await,
        hall.scene.counted("ignored").await,
    );
    assert_eq!(counted, (4, 1));
}

/// One delivery, its count, and a job's record were written by somebody else.
#[tokio::test]
async fn what_is_spoiled_for_one_event_of_a_list_loses_none_of_the_others() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    let keys = hall.scene.queue.keys();
    let link = hall.scene.queue.link();
    for (field, value) in [
        (format!("msg-{job}"), r#"{"job":{"x":[1]},"rank":"x"}"#),
        (String::new(), "x"),
    ] {
        let mut command = redis::cmd("HSET");
        command.arg(&keys.deliveries).arg(field).arg(value);
        let _: u8 = link.command(&command).await.expect("writes");
    }
    let spoiled = JobId::generate();
    for (key, text) in [(&keys.data, "{}"), (&keys.records, "no record")] {
        let mut command = redis::cmd("HSET");
        command.arg(key).arg(spoiled.to_string()).arg(text);
        let _: u8 = link.command(&command).await.expect("writes");
    }
    let address = |n: usize| format!("reader{n}@example.com");
    let events = (0..1001).map(|n| {
        let mut event = match n {
            64 => bounce(job, "spoiled"),
            65 => bounce(spoiled, "record"),
            _ => bounce(JobId::generate(), &format!("e{n}")),
        };
        event["email"] = address(n).into();
        event
    });
    hall.taken(&events.collect::<Vec<_>>()).await;
    for n in 0..1001 {
        assert!(hall.suppressed(&address(n)).await.is_some(), "{n}");
    }
}

#[tokio::test]
async fn repetition_and_disorder_do_no_harm() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    for (kind, then) in [
        ("deferred", "deferred"),
        ("processed", "deferred"),
        ("delivered", "delivered"),
        ("delivered", "delivered"),
        ("deferred", "delivered"),
        ("spamreport", "spamreport"),
        ("delivered", "spamreport"),
        ("unsubscribe", "spamreport"),
    ] {
        hall.taken(&[event(kind, job, kind)]).await;
        assert_eq!(hall.state(job).await.as_deref(), Some(then), "{kind}");
    }
    let counted = (
        hall.scene.counted("noted").await,
        hall.scene.counted("stale").await,
    );
    assert_eq!(counted, (3, 5));
    // All of it in one list, the newest first.
    let job = hall.scene.job().await;
    let kinds = ["spamreport", "unsubscribe", "delivered", "processed"];
    let events = kinds.map(|kind| event(kind, job, kind));
    hall.taken(&[&events[..], &events[..]].concat()).await;
    assert_eq!(hall.state(job).await.as_deref(), Some("spamreport"));
}

#[tokio::test]
async fn an_address_that_was_taken_off_the_list_stays_off_it_until_the_next_bounce() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    let remove = async || {
        let hash = AddressHash::of(ADA);
        let removed = hall.scene.queue.unassign("suppressed", hash.as_str()).await;
        assert!(removed.expect("removes"));
    };
    hall.taken(&[bounce(job, "e1")]).await;
    remove().await;
    hall.taken(&[bounce(job, "e1")]).await;
    assert_eq!(hall.suppressed(ADA).await, None);
    hall.taken(&[bounce(job, "e2")]).await;
    assert!(hall.suppressed(ADA).await.is_some());
}

#[tokio::test]
async fn a_late_bounce_finds_the_message_of_its_job() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    let late = |job, id| {
        let mut late = bounce(job, id);
        late.as_object_mut()
            .expect("an object")
            .remove("sg_message_id");
        late
    };
    hall.taken(&[event("delivered", job, "e1")]).await;
    hall.taken(&[late(job, "e2")]).await;
    assert_eq!(hall.state(job).await.as_deref(), Some("bounce"));
    assert!(hall.suppressed(ADA).await.is_some());
    // Where the job is gone, the address is bad all the same.
    let mut other = late(JobId::generate(), "e3");
    other["email"] = "bob@example.com".into();
    hall.taken(&[other]).await;
    let entry = hall.suppressed("bob@example.com").await;
    assert_eq!(entry.expect("suppressed").job, None);
}

#[tokio::test]
async fn a_late_bounce_may_stand_before_what_names_its_message() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    let mut late = bounce(job, "e1");
    late.as_object_mut()
        .expect("an object")
        .remove("sg_message_id");
    hall.taken(&[late, event("delivered", job, "e2")]).await;
    assert_eq!(hall.state(job).await.as_deref(), Some("bounce"));
}

#[tokio::test]
async fn what_nobody_here_knows_is_taken_and_forgotten() {
    let hall = Hall::set().await;
    let stranger = JobId::generate();
    let mut nobodys = event("delivered", stranger, "e2");
    nobodys.as_object_mut().expect("an object").remove("job_id");
    hall.taken(&[
        event("delivered", stranger, "e1"),
        nobodys,
        event("account_status_change", stranger, "e3"),
        json!({ "event": 7 }),
    ])
    .await;
    let counted = (
        hall.scene.counted("unknown").await,
        hall.scene.counted("ignored").await,
        hall.scene.counted("bad_request").await,
    );
    assert_eq!(counted, (2, 1, 1));
    hall.taken(&[]).await;
}

#[tokio::test]
async fn either_key_will_do_while_it_changes() {
    let (old, new) = (Signer::new(), Signer::new());
    let scene = Scene::set_for_sendgrid(vec![old.public(), new.public()]).await;
    let job = scene.job().await;
    for (signer, kind) in [(&old, "processed"), (&new, "delivered")] {
        let request = signer.request(&list(&[event(kind, job, kind)]), 0);
        assert_eq!(exchange(scene.http, &request).await.status, 204);
        assert_eq!(scene.state(job).await.0.as_deref(), Some(kind));
    }
}

#[tokio::test]
async fn what_sendgrid_did_not_sign_changes_nothing() {
    let hall = Hall::set().await;
    let job = hall.scene.job().await;
    let body = list(&[bounce(job, "e1")]);
    let sent = async |request: Vec<u8>| {
        let answer = exchange(hall.scene.http, &request).await;
        assert!(!answer.body.contains("ada"), "{}", answer.body);
        (answer.status, answer.body)
    };
    let good = hall.signer.request(&body, 0);
    let altered = |from: &str, to: &str| {
        let request = String::from_utf8(good.clone()).expect("text");
        assert!(request.contains(from), "{from}");
        request.replace(from, to).into_bytes()
    };
    let mismatch = "the signature does not match: the endpoint's public key is another\n";
    for request in [
        Signer::new().request(&body, 0),
        altered("5.1.1\"", "5.1.2\""),
        altered("}]\r\n", "}]\n "),
    ] {
        assert_eq!(sent(request).await, (400, mismatch.to_owned()));
    }
    let missing = altered("Webhook-Signature", "Webhook-Signatures");
    assert_eq!(sent(missing).await.0, 400);
    let old = "the timestamp is more than 25 h old, or ahead of our clock\n";
    let old = (400, old.to_owned());
    assert_eq!(sent(hall.signer.request(&body, 26 * 3600)).await, old);
    assert_eq!(hall.scene.counted("bad_signature").await, 5);
    let object = hall.signer.request(&body[1..body.len() - 3], 0);
    let reason = "the body is no list of events\n";
    assert_eq!(sent(object).await, (400, reason.to_owned()));
    assert_eq!(hall.scene.counted("bad_request").await, 1);
    assert_eq!(hall.suppressed(ADA).await, None);
    assert_eq!(hall.scene.delivery(job).await, None);

    // A day later it may be SendGrid's own repetition.
    let late = hall.signer.request(&body, 24 * 3600);
    assert_eq!(sent(late).await.0, 204);
    assert!(hall.suppressed(ADA).await.is_some());
}

/// A way to Redis on which each answer takes 5 ms, as between two towns.
async fn long_way_to(redis_port: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let redis = TcpStream::connect(("127.0.0.1", redis_port)).await;
            let (mut answers, mut calls) = redis.expect("Redis").into_split();
            let (mut from, mut to) = client.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from, &mut calls).await });
            tokio::spawn(async move {
                let mut way = tokio::time::interval(Duration::from_millis(5));
                let mut chunk = [0; 64 * 1024];
                while let Ok(read @ 1..) = answers.read(&mut chunk).await {
                    way.reset();
                    way.tick().await;
                    if to.write_all(&chunk[..read]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    addr
}

#[tokio::test]
async fn a_list_of_thousands_is_taken_in_time_also_by_a_long_way() {
    let hall = Hall::set().await;
    let way = long_way_to(hall.scene.redis.port()).await;
    let link = Link::new(&format!("redis://{way}"), LinkOptions::default()).expect("a URL");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let far = Webhooks::new(WebhooksOptions {
        http_addr: any,
        private_addr: any,
        public_url: Some(PUBLIC_URL.parse().expect("a public URL")),
        trusted_proxies: Default::default(),
    });
    let events = SendGridEvents::new(vec![hall.signer.public()]);
    let far = far.source("sendgrid", Box::new(events), &hall.scene.queue.over(link));
    let far = far.listen().await.expect("free ports");
    let addr = far.http_addr();
    let serving = tokio::spawn(far.serve(std::future::pending()));
    let job = hall.scene.job().await;
    let mut events: Vec<_> = (0..4000)
        .map(|n| event("processed", job, &format!("e{n}")))
        .collect();
    events.push(event("delivered", job, "e"));
    let body = list(&events);
    let most = 1 << 20;
    assert!((800_000..most).contains(&body.len()), "{}", body.len());
    let answer = exchange(addr, &hall.signer.request(&body, 0)).await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(hall.state(job).await.as_deref(), Some("delivered"));
    serving.abort();
}

#[tokio::test]
async fn without_redis_a_list_is_sent_away_and_taken_afterwards() {
    let mut hall = Hall::set().await;
    let job = hall.scene.job().await;
    hall.scene.redis.kill();
    let answer = hall.post(&[bounce(job, "e1")]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
    hall.scene.redis.restart().expect("restarts");
    hall.scene
        .redis
        .wait_ready(Duration::from_secs(30))
        .expect("is there");
    hall.taken(&[bounce(job, "e1")]).await;
    // Our own connection only learns now that it is broken.
    let _ = hall.scene.queue.now_ms().await;
    assert!(hall.suppressed(ADA).await.is_some());
}
