//! Every field of every kind, wrong in each way there is: refused before anything is sent, and nothing of it quoted.

use std::collections::BTreeSet;

use longshore_client::kinds::{
    ApplyLifecycle, ApplyStripeEvent, BackfillStripeEvents, CancelSubscription,
    ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund, CreateSubscription,
    GeocodeAddress, MoveBack, ReconcilePayments, SendEmail, SendSms, SweepBucket,
};
use longshore_client::{Client, EnqueueOptions};
use longshore_job::{KindSpec, MAX_PAYLOAD_BYTES, Prepared};
use serde_json::{Value, json};

use crate::{Bench, welcome};

fn kinds() -> Vec<KindSpec> {
    vec![
        KindSpec::of::<ApplyLifecycle>(),
        KindSpec::of::<ApplyStripeEvent>(),
        KindSpec::of::<BackfillStripeEvents>(),
        KindSpec::of::<CancelSubscription>(),
        KindSpec::of::<ConfirmPaymentIntent>(),
        KindSpec::of::<CreateCustomer>(),
        KindSpec::of::<CreatePaymentIntent>(),
        KindSpec::of::<CreateRefund>(),
        KindSpec::of::<CreateSubscription>(),
        KindSpec::of::<GeocodeAddress>(),
        KindSpec::of::<MoveBack>(),
        KindSpec::of::<ReconcilePayments>(),
        KindSpec::of::<SendEmail>(),
        KindSpec::of::<SendSms>(),
        KindSpec::of::<SweepBucket>(),
    ]
}

/// The args of each golden payload, with their kind.
fn golden() -> Vec<(KindSpec, Value)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let files = std::fs::read_dir(dir).expect("a directory");
    let payloads = files.map(|file| {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("UTF-8");
        let payload: Value = serde_json::from_str(&text).expect("JSON");
        let kind = payload["kind"].as_str().expect("a kind").to_owned();
        let spec = kinds().into_iter().find(|spec| spec.kind == kind);
        (spec.expect("a kind that is known"), payload["args"].clone())
    });
    payloads.collect()
}

/// A template's data may be anything.
const ANYTHING: &str = "/data";

/// The places in the args that have a type.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    if at == ANYTHING {
        return;
    }
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// What may stand in its place, and is of another type.
fn other_types(value: &Value, place: &str, args: &Value) -> Vec<Value> {
    let all = [
        json!(true),
        json!(7),
        json!("Kari Nordmann"),
        json!(["Kari Nordmann"]),
        json!({ "Kari Nordmann": "Kari Nordmann" }),
    ];
    let same = |other: &Value| std::mem::discriminant(other) == std::mem::discriminant(value);
    let mut others: Vec<_> = all.into_iter().filter(|other| !same(other)).collect();
    if value.is_number() {
        // A count is whole, and has bounds.
        let numbers = [json!(-1), json!(1.5), json!(1e30), json!(u64::MAX)];
        others.extend(numbers);
    }
    if let Some(text) = value.as_str() {
        others.push(json!(format!("{text}\u{0}Kari Nordmann")));
        // Who has no name may have an empty one, a template may be filled with nothing, and media may come without a text.
        let may_be_empty = place.ends_with("/name")
            || place.starts_with("/content_variables/")
            || (place == "/body" && args.get("media_urls").is_some());
        if !may_be_empty {
            others.push(json!(""));
        }
    }
    others
}

#[test]
fn every_field_of_every_kind_is_checked_and_nothing_is_quoted() {
    let (mut tried, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for (spec, args) in golden() {
        let kind = spec.kind;
        tried.insert(kind);
        spec.prepare(&args.to_string()).expect("the args are good");
        let mut all = Vec::new();
        places(&args, "", &mut all);
        for place in all {
            let good = args.pointer(&place).expect("it is there");
            for other in other_types(good, &place, &args) {
                let mut wrong = args.clone();
                *wrong.pointer_mut(&place).expect("it is there") = other;
                taken.extend(refused(&spec, &wrong.to_string(), &place));
            }
            if good.is_object() {
                let mut wrong = args.clone();
                wrong.pointer_mut(&place).expect("it is there")["Kari Nordmann"] = json!(1);
                taken.extend(refused(&spec, &wrong.to_string(), &place));
            }
        }
        let text = args.to_string();
        let (name, value) = args
            .as_object()
            .and_then(|args| args.iter().next())
            .expect("args");
        for wrong in [
            // The same name twice: readers of JSON disagree which one counts.
            format!("{{\"{name}\":{value},{}", &text[1..]),
            text.replacen('{', "{\"Kari Nordmann\":", 1),
            text[..text.len() - 1].to_owned(),
            format!("{text}{text}"),
            // Half of a character of two.
            text.replacen(':', ":\"\\ud800\",\"x\":", 1),
            "[".repeat(100_000),
            String::new(),
            "null".to_owned(),
        ] {
            taken.extend(refused(&spec, &wrong, "the whole"));
        }
    }
    assert!(taken.is_empty(), "taken: {taken:#?}");
    let all: BTreeSet<_> = kinds().iter().map(|spec| spec.kind).collect();
    assert_eq!(tried, all, "each kind has a golden payload");
}

/// These args, where they are not refused.
fn refused(spec: &KindSpec, args: &str, place: &str) -> Option<String> {
    let Err(error) = spec.prepare(args) else {
        let shown: String = args.chars().take(300).collect();
        return Some(format!("{} {place}: {shown}", spec.kind));
    };
    let error = error.to_string();
    assert!(!error.contains("Nordmann"), "{error}");
    assert!(!error.is_empty() && error.len() < 500, "{error}");
    None
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_redis_and_says_so() {
    // Nothing listens there: whatever is refused here was not sent.
    let client = Client::new("redis://127.0.0.1:1").expect("a good URL");
    let data = json!({ "text": "x".repeat(MAX_PAYLOAD_BYTES) });
    let large = longshore_client::kinds::SendEmail::new("welcome", "ada@example.com").data(data);
    let error = client.enqueue(large).await.expect_err("too large");
    assert_eq!(error.code(), "invalid_args");
    assert!(error.to_string().contains("256 KiB"), "{error}");
    let deep = format!(
        "{{\"template\":\"welcome\",\"to\":{{\"email\":\"ada@example.com\"}},\"data\":{{\"a\":{}{}}}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let deep = KindSpec::of::<SendEmail>().prepare(&deep);
    assert!(deep.is_err(), "so deep that other programs fall over it");
}

/// Times come from Redis: a producer whose clock is wrong enqueues as any other.
#[tokio::test]
async fn an_id_of_another_century_changes_nothing() {
    let bench = Bench::new();
    let prepared = || Prepared::new(&welcome()).expect("good");
    let mut batch = bench.client.batch();
    batch
        .add_prepared(prepared())
        .expires_in(std::time::Duration::from_secs(60));
    let id = batch.send().await.expect("enqueues")[0].id;
    let record = bench.record(id).await;
    let time = |field: &str| record[field].parse::<u64>().expect("a time");
    assert_eq!(time("exp") - time("at"), 60_000, "by one clock");
    let past = EnqueueOptions {
        run_at: longshore_client::RunAt::At(1),
        expires_in: Some(std::time::Duration::from_secs(60)),
        ..EnqueueOptions::default()
    };
    let id = bench.client.enqueue_prepared([(prepared(), past)]).await;
    let record = bench.record(id.expect("enqueues")[0].id).await;
    let time = |field: &str| record[field].parse::<u64>().expect("a time");
    assert_eq!(time("exp") - time("at"), 60_000, "from now, not from then");
}
