//! Args of every kind, nearly right: what a producer's door takes every worker takes, what it refuses no worker carries out, a refusal
//! names no person, and nothing panics.

use longshore_app::registry::SetupContext;
use longshore_app::secrets::Secrets;
use longshore_job::{Envelope, KindSpec};
use longshore_testing::Script;
use longshore_testing::fuzz::text;
use longshore_worker::Handlers;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::super::calls::{self, CALLS};
use super::super::server::Server;
use super::runner;

const ADDRESS: &str = "ada@example.com";

/// Good args of each kind, which are edited.
const ARGS: &[(&str, &[&str])] = &[
    (
        "send_email",
        &[
            r#"{"template":"welcome","to":{"email":"ada@example.com","name":"Ada"},"data":{"n":1.5,"list":[1,{"a":null}]}}"#,
            r#"{"template":"welcome","to":{"email":"ada@example.com"},"cc":[{"email":"b@example.com"}],"reply_to":{"email":"c@example.com"},"data":{},"attachments":[{"s3_key":"invoices/1.pdf","filename":"1.pdf","content_type":"application/pdf"}]}"#,
        ],
    ),
    ("send_sms", &[r#"{"to":"+4790000000","body":"Hi, \u00e6"}"#]),
    (
        "geocode_address",
        &[
            r#"{"address":"Oslo","language":"nb","region":"no"}"#,
            r#"{"address":"Oslo","bounds":{"southwest":[59.8,10.5],"northeast":[60,11]},"components":{"country":"NO"}}"#,
        ],
    ),
    (
        "create_customer",
        &[r#"{"user_id":"user-1","email":"ada@example.com","name":"Ada","metadata":{"a":"b"}}"#],
    ),
    (
        "create_payment_intent",
        &[
            r#"{"order_id":"o1","user_id":"user-1","amount":1000,"currency":"nok","confirm":true,"payment_method":"pm_1","return_url":"https://shop.example.com/back","metadata":{"a":"b"}}"#,
        ],
    ),
    (
        "confirm_payment_intent",
        &[
            r#"{"payment_intent":"pi_1","payment_method":"pm_1","off_session":false,"return_url":"https://shop.example.com/back"}"#,
        ],
    ),
    (
        "create_refund",
        &[
            r#"{"payment_intent":"pi_1","amount":100,"reason":"duplicate"}"#,
            r#"{"charge":"ch_1","metadata":{"a":"b"}}"#,
        ],
    ),
    (
        "create_subscription",
        &[r#"{"user_id":"user-1","price":"price_1","quantity":2,"trial_days":14}"#],
    ),
    (
        "cancel_subscription",
        &[r#"{"subscription":"sub_1","at_period_end":true,"prorate":null}"#],
    ),
    ("apply_stripe_event", &[r#"{"event_id":"evt_1"}"#]),
    (
        "backfill_stripe_events",
        &[r#"{"from":"2026-11-28T00:00:00Z","to":"2026-11-29T00:00:00Z"}"#],
    ),
    (
        "reconcile_payments",
        &[r#"{"from":"2026-11-28T00:00:00Z","to":"2026-11-29T00:00:00Z","repair":false}"#],
    ),
    (
        "sweep_bucket",
        &[r#"{"bucket":"exports","dry_run":true,"store":"r2","confirmed":false}"#],
    ),
    ("apply_lifecycle", &[r#"{"bucket":"exports"}"#]),
    ("move_back", &[r#"{"bucket":"exports"}"#]),
    (
        "deliver_event",
        &[
            r#"{"type":"job.dead","timestamp":"2026-11-29T09:00:00Z","data":{"id":"1","sequence":1,"queue":"email","tags":["a"]}}"#,
        ],
    ),
    (
        "call_service",
        &[
            r#"{"service":"crm","operation":"update","body":{"a":[1]}}"#,
            r#"{"service":"crm","operation":"ping","query":{"a":"b"},"path_params":{}}"#,
        ],
    ),
];

/// Puts a list in the place of the first object after so many.
fn list_one(value: &mut Value, after: &mut usize) {
    match value {
        Value::Object(fields) if *after == 0 => {
            *after = usize::MAX;
            *value = std::mem::take(fields)
                .into_iter()
                .map(|(_, it)| it)
                .collect();
        }
        Value::Object(fields) => {
            *after -= 1;
            fields.values_mut().for_each(|it| list_one(it, after));
        }
        Value::Array(values) => values.iter_mut().for_each(|it| list_one(it, after)),
        _ => {}
    }
}

fn args(samples: &'static [&'static str]) -> impl Strategy<Value = String> {
    let listed = (select(samples), 0..4_usize).prop_map(|(sample, mut after)| {
        let mut args = serde_json::from_str(sample).expect("JSON");
        list_one(&mut args, &mut after);
        args.to_string()
    });
    prop_oneof![4 => text(samples), 1 => listed]
}

/// The people whom these args name.
fn people(spec: &KindSpec, args: &str) -> Vec<String> {
    let args = serde_json::from_str(args).unwrap_or_default();
    let named = spec.person_args.iter();
    named.flat_map(|arg| arg.values_in(&args)).collect()
}

/// Whether a worker carries out a payload, or began to.
async fn carries_out(handlers: &Handlers, payload: &[u8]) -> bool {
    let script = Script::new();
    let end = handlers.try_out(payload, script.run()).await;
    end.is_some_and(|end| end.is_ok()) || script.gate.sends() > 0
}

/// What is wrong about what becomes of these args.
async fn wrong(spec: &KindSpec, handlers: &Handlers, args: &str) -> Option<String> {
    let handler = handlers.get(spec.kind).expect("its queue has it");
    // As a program writes them that goes by no door of ours.
    let payload = format!(r#"{{"kind":"{}","v":1,"args":{args}}}"#, spec.kind);
    let envelope = Envelope::parse(payload.as_bytes());
    let opened = envelope.and_then(|envelope| handler.open(&envelope).map(drop));
    let prepared = match spec.prepare(args) {
        Ok(prepared) => prepared,
        // No producer's door is asked about these.
        Err(_) if spec.made_by_fleet => return None,
        Err(refused) => {
            let refused = refused.to_string();
            if refused.contains(ADDRESS) {
                return Some(format!("the refusal names a person: {refused}"));
            }
            let is_carried_out = carries_out(handlers, payload.as_bytes()).await;
            return is_carried_out.then(|| format!("refused ({refused}), and carried out"));
        }
    };
    if let Err(refused) = opened {
        return Some(format!("taken, and refused by the worker: {refused}"));
    }
    let envelope = Envelope::parse(&prepared.payload).expect("an envelope");
    if let Err(refused) = handler.open(&envelope) {
        return Some(format!("taken, and refused as prepared: {refused}"));
    }
    let written = envelope.args.get();
    if people(spec, args) != people(spec, written) {
        return Some("other people are found in what was written".to_owned());
    }
    // A carrier prepares again what an app has prepared.
    let again = spec.prepare(written);
    let is_same = again.is_ok_and(|again| again.payload == prepared.payload);
    (!is_same).then(|| "changes when it is prepared again".to_owned())
}

#[test]
fn both_doors_agree_about_args() {
    let runtime = Runtime::new().expect("threads");
    let (server, stripe) =
        runtime.block_on(async { (Server::start(&[]).await, Server::start(calls::SHOWN).await) });
    let config = calls::config(&CALLS[0], &server, &stripe, true, super::super::CALL);
    let secrets = Secrets::new(&config).expect("no Vault");
    let setup = SetupContext::new(&config, &secrets);
    let mut tried = Vec::new();
    for integration in config.integrations() {
        let set_up = runtime.block_on(setup.set_up(integration));
        let handlers = set_up.expect("good").expect("it is on").handlers;
        for kind in integration.kinds {
            let spec = config.kinds().find(kind.kind).expect("it is known");
            let samples = ARGS.iter().find(|(of, _)| *of == spec.kind);
            let (_, samples) =
                samples.unwrap_or_else(|| panic!("{} has no line in ARGS", spec.kind));
            for sample in *samples {
                let good = spec.prepare(sample);
                assert!(good.is_ok() || spec.made_by_fleet, "{sample}: {good:?}");
            }
            let done = runner(12).run(&args(samples), |args| {
                match runtime.block_on(wrong(spec, &handlers, &args)) {
                    Some(wrong) => Err(TestCaseError::fail(wrong)),
                    None => Ok(()),
                }
            });
            assert!(done.is_ok(), "{}: {}", spec.kind, done.expect_err("failed"));
            tried.push(spec.kind);
        }
    }
    assert_eq!(tried.len(), ARGS.len(), "{tried:?}");
}
