//! What producers without our client get wrong: each mistake has an answer that says what to mend, docs/wire-form.md has its words, and
//! jobs beside it run.

use std::path::Path;

use longshore_client::JobId;
use longshore_queue::RawId;
use longshore_tests::{Stage, eventually};
use serde_json::Value;

/// Where the id is written.
#[derive(Debug, Clone, Copy)]
enum Listed {
    Active,
    /// At this time.
    Scheduled(f64),
    Nowhere,
}

use Listed::{Active, Nowhere, Scheduled};

/// What a producer writes, and what becomes of it.
#[derive(Clone)]
struct Case {
    id: Vec<u8>,
    payload: Option<Vec<u8>>,
    listed: Listed,
    state: &'static str,
    /// A part of what is said of it; none where it completes.
    said: &'static str,
}

fn ulid() -> Vec<u8> {
    JobId::generate().to_string().into_bytes()
}

fn good() -> Vec<u8> {
    args(r#""data":{}"#)
}

/// A mail whose args end so.
fn args(rest: &str) -> Vec<u8> {
    let args = r#""template":"welcome","to":{"email":"ada@example.com"}"#;
    format!(r#"{{"kind":"send_email","v":1,"args":{{{args},{rest}}}}}"#).into_bytes()
}

fn data(json: &str) -> Vec<u8> {
    args(&format!(r#""data":{{"a":{json}}}"#))
}

/// A payload that is pushed with a good id, and is a dead letter.
fn dead(payload: impl Into<Vec<u8>>, said: &'static str) -> Case {
    let (id, payload) = (ulid(), Some(payload.into()));
    Case {
        id,
        payload,
        listed: Active,
        state: "dead",
        said,
    }
}

fn with_id(id: impl Into<Vec<u8>>) -> Case {
    let said = "id not a ULID: a producer makes ULIDs: 26 characters, in capitals";
    Case {
        id: id.into(),
        ..dead(good(), said)
    }
}

fn listed(listed: Listed, state: &'static str, said: &'static str) -> Case {
    Case {
        listed,
        state,
        ..dead(good(), said)
    }
}

/// Ids and times that are wrong, with payloads that are not.
fn listings() -> Vec<Case> {
    let lower = JobId::generate().to_string().to_lowercase();
    let unlisted = "nothing will run it: its producer has written it into";
    let never = "it will never be due: its time in";
    let missing = "payload missing: nothing stands under the id in";
    let late = "older than its expires_in when its turn came";
    let reset = String::from_utf8(good()).expect("text");
    let reset = reset.replace("welcome", "password_reset").into_bytes();
    let no_payload = |of: Case| Case {
        payload: None,
        ..of
    };
    vec![
        no_payload(dead("", missing)),
        no_payload(listed(Scheduled(1.0), "dead", missing)),
        with_id("0198c1e4-7a9d-7000-8000-2f3b6c1d9e0a"),
        with_id(lower),
        with_id(&b"\xff\xfe\x00"[..]),
        // Its time is that of 2024, and a link to reset a password is of use for half an hour.
        Case {
            id: b"01JD2Z5V9GQ8X0T6M3K7W4R1YB".to_vec(),
            payload: Some(reset),
            ..listed(Scheduled(1.0), "dead", late)
        },
        listed(Nowhere, "pending", unlisted),
        listed(Scheduled(1_795_930_406_014.0), "scheduled", never),
        listed(Scheduled(f64::INFINITY), "scheduled", never),
        listed(Scheduled(f64::NEG_INFINITY), "completed", ""),
        listed(Scheduled(-5.0), "completed", ""),
    ]
}

/// Payloads that are no envelopes, and what is said of them.
fn not_envelopes() -> Vec<Case> {
    let marked = [&b"\xef\xbb\xbf"[..], &good()].concat();
    let object = "expected an object with kind, v and args";
    let version = "expected a whole number from 1 as `v`";
    let few = "payload not an envelope: missing field `args`";
    let many = "payload not an envelope: unknown field `id`, expected one of `kind`, `v`, `args`";
    let twice = r#"{"kind":"send_email","kind":"send_sms","v":1,"args":{}}"#;
    let mut cases = vec![
        dead("", "payload empty"),
        dead(&b"\xff\xfe{\0"[..], "payload not UTF-8: invalid at byte 0"),
        dead(
            marked,
            "it begins with a byte order mark, and JSON has none",
        ),
        dead("hello", "payload not an envelope: expected value"),
        dead(&good()[..40], "payload not an envelope: EOF while parsing"),
        dead(data("NaN"), "payload not an envelope: expected value"),
        dead(data("\"\0\""), "payload not an envelope: control character"),
        dead(r#"["send_email",1,{}]"#, object),
        dead(r#""{\"kind\":\"send_email\"}""#, object),
        dead(r#"{"kind":"send_email","v":1}"#, few),
        dead(r#"{"kind":"send_email","v":1,"args":{},"id":1}"#, many),
        dead(twice, "payload not an envelope: duplicate field `kind`"),
    ];
    for v in [r#""1""#, "1.0", "0", "10000000000"] {
        let payload = format!(r#"{{"kind":"send_email","v":{v},"args":{{}}}}"#);
        cases.push(dead(payload, version));
    }
    cases
}

/// Args that are none of the kind's, and kinds that are not the queue's.
fn not_args() -> Vec<Case> {
    let large = [data(""), vec![b'x'; 262_145 - data("").len()]].concat();
    let too_large = "payload too large: 262145 bytes, of which at most 262144 are read";
    let deep = data(&("[".repeat(200) + &"]".repeat(200)));
    let twice = args(r#""template":"invoice","data":{}"#);
    let newer = "its args are of version 2, newer than this worker";
    let parked = "no handler of this worker knows its kind";
    let of =
        |kind: &str, v: u32, args: &str| format!(r#"{{"kind":"{kind}","v":{v},"args":{args}}}"#);
    let waits = |state, of: Case| Case { state, ..of };
    // What goes to the provider as it is.
    let odd = data(r#"1,"a":123456789012345678901234567890"#);
    vec![
        dead(of("send_email", 1, "null"), "args do not decode:"),
        dead(args(r#""data":{},"tempalte":"x""#), "args do not decode:"),
        dead(twice, "args do not decode: duplicate field `template`"),
        dead(deep, "recursion limit exceeded"),
        dead(data(r#""\ud800""#), "unexpected end of hex escape"),
        dead(data("1e999"), "number out of range"),
        dead(large, too_large),
        dead(of("", 1, "{}"), "kind unknown: no kind has such a name"),
        waits("pending", dead(of("send_mail", 1, "{}"), parked)),
        waits("pending", dead(of("send_sms", 1, "{}"), parked)),
        waits("scheduled", dead(of("send_email", 2, "{}"), newer)),
        waits("completed", dead(odd, "")),
    ]
}

impl Case {
    fn id(&self) -> RawId {
        RawId::from(self.id.clone())
    }

    fn push(&self, stage: &Stage, pipe: &mut redis::Pipeline) {
        let keys = stage.queue.keys();
        if let Some(payload) = &self.payload {
            pipe.hset_nx(&keys.data, &self.id, payload).ignore();
        }
        match self.listed {
            Active => pipe.rpush(&keys.active, &self.id).ignore(),
            Scheduled(at) => pipe.zadd(&keys.scheduled, &self.id, at).ignore(),
            Nowhere => pipe,
        };
    }
}

async fn write(stage: &Stage, pipe: &redis::Pipeline) {
    let link = stage.queue.link();
    link.pipeline::<()>(pipe).await.expect("writes");
}

/// All that `longshore job` says of why a job is as it is.
fn said_of(job: &Value) -> String {
    let history = job["history"].as_array().and_then(|history| history.last());
    let reasons = [
        history.map(|last| &last["reason"]),
        Some(&job["put_back"]["reason"]),
        Some(&job["broken"]),
    ];
    let reasons = reasons.into_iter().flatten();
    reasons
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("; ")
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire-form.md");
    std::fs::read_to_string(path).expect("is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mistake_of_a_producer_is_answered_in_the_words_of_the_page() {
    let stage = Stage::set().await;
    let page = page();
    let cases = [listings(), not_envelopes(), not_args()].concat();
    let mut pipe = redis::pipe();
    let mut beside = Vec::new();
    for case in &cases {
        case.push(&stage, &mut pipe);
        // What becomes of it in a moment is the same while it waits for a worker.
        let id = JobId::generate();
        beside.push(id);
        Case {
            id: id.to_string().into_bytes(),
            ..listed(Active, "", "")
        }
        .push(&stage, &mut pipe);
    }
    write(&stage, &pipe).await;
    let _worker = stage.worker().start().await;
    for case in &cases {
        eventually(&format!("{} is {}", case.id(), case.state), || async {
            // An id alone is no job before a worker has met it.
            let job = stage.queue.job(&case.id()).await.expect("looks");
            job.is_some_and(|job| {
                let history = !job.history.is_empty();
                let seen = history || job.put_back.is_some() || job.broken.is_some();
                job.state.as_str() == case.state && seen
            })
        })
        .await;
        let job = stage
            .longshore(&["job", &case.id().to_string(), "--json"])
            .await
            .json();
        let said = said_of(&job);
        assert!(said.contains(case.said), "{}: {said}", case.said);
        assert!(
            page.contains(case.said),
            "docs/wire-form.md does not have: {}",
            case.said
        );
    }
    for id in beside {
        stage.is(id, longshore_client::JobState::Completed).await;
        assert_eq!(stage.effects(id), 1, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_twice_runs_once_and_junk_beside_a_payload_is_ignored() {
    let stage = Stage::set().await;
    let keys = stage.queue.keys().clone();
    let mut pipe = redis::pipe();
    let ids: Vec<JobId> = (0..4).map(|_| JobId::generate()).collect();
    let [twice, soon, junk, traced] = [0, 1, 2, 3].map(|n| ids[n].to_string());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let junk_key = keys.pushed(&ids[2].into());
    for name in [
        "at",
        "due",
        "exp",
        "key",
        "idempotency_key",
        "traceparent",
        "attempts",
        "max_attempts",
    ] {
        pipe.hset(&junk_key, name, "x".repeat(2000)).ignore();
    }
    let traced_key = keys.pushed(&ids[3].into());
    pipe.hset(
        &traced_key,
        "traceparent",
        format!("00-{trace}-00f067aa0ba902b7-01"),
    )
    .ignore();
    for id in [&twice, &soon, &junk, &traced] {
        pipe.hset_nx(&keys.data, id, good())
            .rpush(&keys.active, id)
            .ignore();
    }
    pipe.rpush(&keys.active, &twice)
        .zadd(&keys.scheduled, &soon, 1.0)
        .ignore();
    write(&stage, &pipe).await;
    let _worker = stage.worker().start().await;
    stage.done_once(&ids).await;
    // A call that is repeated, since its answer was lost.
    let mut again = redis::pipe();
    again
        .hset_nx(&keys.data, &twice, good())
        .rpush(&keys.active, &twice)
        .ignore();
    write(&stage, &again).await;
    eventually("it is passed over", || async {
        stage.stats().await.pending == 0
    })
    .await;
    stage.done_once(&ids).await;
    for id in &ids {
        assert_eq!(stage.effects(*id), 1, "{id}");
    }
    let job = stage.longshore(&["job", &traced, "--json"]).await.json();
    assert_eq!(job["trace_id"], trace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_and_queues_name_what_producers_wrote_where_nothing_runs_it() {
    let stage = Stage::set().await;
    let _worker = stage.worker().start().await;
    let mut pipe = redis::pipe();
    for case in [
        listed(Nowhere, "", ""),
        listed(Scheduled(1_795_930_406_014.0), "", ""),
        dead(r#"{"kind":"send_sms","v":1,"args":{}}"#, ""),
        dead(r#"{"kind":"send_mail","v":1,"args":{}}"#, ""),
    ] {
        case.push(&stage, &mut pipe);
    }
    for key in [
        "{flow:emails}:active",
        "{flwo:email}:active",
        "flow:email:active",
        "{flow:email}",
    ] {
        pipe.rpush(key, "01JD2Z5V9GQ8X0T6M3K7W4R1YB").ignore();
    }
    pipe.set("{flow:email}:audit", "junk").ignore();
    write(&stage, &pipe).await;
    eventually("two are parked", || async {
        stage.stats().await.parked == 2
    })
    .await;
    let queues = stage.longshore(&["queues"]).await.stdout;
    let doctor = stage.longshore(&["doctor"]).await;
    assert_eq!(doctor.code, Some(1));
    let page = page();
    // In both, or in doctor alone. Those that have their words on the page have them there as they are.
    for (said, both, on_page) in [
        ("its producer should have used the queue sms", true, false),
        ("did its producer mean `send_email`?", true, false),
        ("NO WORKER serves it", true, true),
        ("did its producer mean `email`?", true, false),
        ("is of another type", true, true),
        ("no worker has ever worked that namespace", false, true),
        ("no queue reads", false, true),
        ("email: 1 scheduled job will never be due", false, false),
        (
            "email: 1 job was written into `data` and never pushed",
            false,
            false,
        ),
    ] {
        assert!(doctor.stdout.contains(said), "{said}: {}", doctor.stdout);
        assert!(!both || queues.contains(said), "{said}: {queues}");
        assert!(
            !on_page || page.contains(said),
            "docs/wire-form.md does not have: {said}"
        );
    }
}
