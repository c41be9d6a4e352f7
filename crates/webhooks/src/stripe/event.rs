//! An event: whether there is something to fetch.

use std::time::Duration;

use longshore_job::kinds::ApplyStripeEvent;
use longshore_job::{JobId, Prepared};
use longshore_queue::{Key, NewJob, RunAt};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::source::Refusal;

/// How long an event that was taken is known again. Stripe repeats what was not answered for three days.
const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// The version of the API that the endpoint should have.
pub(super) const API_VERSION: &str = "2023-10-16";

/// The types that have an effect.
const APPLIED: [&str; 3] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "customer.subscription.deleted",
];

/// What is looked at. The object is not: by the time the job runs it may be another.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    livemode: Option<bool>,
    #[serde(default)]
    api_version: Option<String>,
    #[serde(default)]
    account: Option<IgnoredAny>,
}

/// What is to be said of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) ignored: Option<Ignored>,
    /// Another version of the API than the endpoint should have.
    pub(super) other_version: Option<String>,
}

/// Why an event becomes no job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    /// Its type has no effect here.
    Type,
    /// It is of a connected account.
    OtherAccount,
}

/// An event, and the job that applies it.
pub(super) struct Read {
    pub(super) event: Event,
    pub(super) job: Option<NewJob>,
}

/// Reads an event that was verified. `live` is our own mode.
pub(super) fn read(live: bool, body: &[u8]) -> Result<Read, Refusal> {
    let wire: Wire = serde_json::from_slice(body)
        .map_err(|_| Refusal::BadRequest("the body is no event of Stripe's"))?;
    if wire.object.as_deref() != Some("event") {
        // Thin ones have no object in them, and the API that jobs use does not know their ids.
        return Err(Refusal::BadRequest(
            "the body is a thin event, or none: the endpoint has to get snapshot events",
        ));
    }
    let no_id = Refusal::BadRequest("the event's id is none");
    let id = wire.id.ok_or(no_id)?;
    let prepared = Prepared::new(&ApplyStripeEvent::new(&*id)).map_err(|_| no_id)?;
    let kind = wire
        .kind
        .ok_or(Refusal::BadRequest("the event has no type"))?;
    // Before the mode: endpoints of live mode get the test events of connected accounts as well.
    let ignored = match wire.account {
        Some(_) => Some(Ignored::OtherAccount),
        None if wire.livemode != Some(live) => {
            return Err(Refusal::BadRequest(match live {
                true => "the event is not of live mode",
                false => "the event is not of test mode",
            }));
        }
        None if !APPLIED.contains(&&*kind) => Some(Ignored::Type),
        None => None,
    };
    let job = ignored.is_none().then(|| NewJob {
        id: JobId::generate(),
        key: Some(Key::of(&prepared, &id).holds(KNOWN_FOR)),
        payload: prepared.payload,
        run_at: RunAt::Now,
        expires_in: prepared.expires_in,
        traceparent: None,
        tracestate: None,
    });
    let other_version = job
        .is_some()
        .then(|| wire.api_version.unwrap_or_else(|| "none".to_owned()))
        .filter(|version| version != API_VERSION)
        .map(|version| version.chars().take(32).collect());
    Ok(Read {
        event: Event {
            id,
            ignored,
            other_version,
        },
        job,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event() -> Value {
        json!({
            "id": "evt_1", "object": "event", "api_version": API_VERSION, "created": 1,
            "type": "payment_intent.succeeded", "livemode": false, "pending_webhooks": 1,
            "data": { "object": { "id": "pi_1", "receipt_email": "ada@example.com" } },
            "request": { "id": null, "idempotency_key": null }, "account": null,
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut event = event();
        event[field] = value;
        event
    }

    fn read_test(event: &Value) -> Result<Read, Refusal> {
        read(false, event.to_string().as_bytes())
    }

    #[test]
    fn the_job_has_the_events_id_and_nothing_else() {
        for kind in APPLIED {
            let Read { event, job } = read_test(&with("type", kind.into())).expect("read");
            assert_eq!((event.ignored, event.other_version), (None, None));
            let job = job.expect("a job");
            let payload = br#"{"kind":"apply_stripe_event","v":1,"args":{"event_id":"evt_1"}}"#;
            assert_eq!(job.payload, payload);
            assert_eq!(
                (job.key.as_ref().map(Key::name), job.run_at),
                (Some("evt_1"), RunAt::Now)
            );
            assert_eq!(job.expires_in, None);
        }
        let live = with("livemode", true.into()).to_string();
        assert!(read(true, live.as_bytes()).expect("read").job.is_some());
    }

    #[test]
    fn what_has_no_effect_is_ignored() {
        for (event, ignored) in [
            (with("type", "payment_intent.created".into()), Ignored::Type),
            (with("type", "".into()), Ignored::Type),
            (with("account", "acct_1".into()), Ignored::OtherAccount),
            (
                with("account", json!({ "id": "acct_1" })),
                Ignored::OtherAccount,
            ),
        ] {
            let read = read_test(&event).unwrap_or_else(|e| panic!("{event}: {e}"));
            assert_eq!(read.event.ignored, Some(ignored), "{event}");
            assert!(read.job.is_none());
        }
        // Theirs may be of the other mode, ours may not.
        let mut other = with("account", "acct_1".into());
        other["livemode"] = true.into();
        assert!(read_test(&other).is_ok());
        let mut wrong = with("type", "charge.refunded".into());
        wrong["livemode"] = true.into();
        assert!(read_test(&wrong).is_err());
    }

    #[test]
    fn other_versions_are_told_and_taken() {
        for (version, told) in [
            (json!("2024-06-20"), Some("2024-06-20")),
            (json!(null), Some("none")),
            (json!(API_VERSION), None),
        ] {
            let read = read_test(&with("api_version", version)).expect("read");
            assert_eq!(read.event.other_version.as_deref(), told);
            assert!(read.job.is_some());
        }
    }

    #[test]
    fn what_is_refused() {
        let thin = "the body is a thin event, or none: the endpoint has to get snapshot events";
        for (event, reason) in [
            (with("object", "v2.core.event".into()), thin),
            (with("object", json!(null)), thin),
            (with("id", json!(null)), "the event's id is none"),
            (with("id", "pi_1".into()), "the event's id is none"),
            (with("id", "evt_1/../x".into()), "the event's id is none"),
            (with("id", "".into()), "the event's id is none"),
            (with("type", json!(null)), "the event has no type"),
            (
                with("livemode", true.into()),
                "the event is not of test mode",
            ),
            (
                with("livemode", json!(null)),
                "the event is not of test mode",
            ),
            (
                with("livemode", "false".into()),
                "the body is no event of Stripe's",
            ),
            (json!("event"), "the body is no event of Stripe's"),
            (json!([]), thin),
            (json!({}), thin),
        ] {
            let refused = read_test(&event).err();
            assert_eq!(refused, Some(Refusal::BadRequest(reason)), "{event}");
        }
        for body in ["", "{", "\u{0}", r#"{"object":"event","object":"event"}"#] {
            assert!(read(false, body.as_bytes()).is_err(), "{body}");
        }
        let refused = read(true, event().to_string().as_bytes()).err();
        let reason = "the event is not of live mode";
        assert_eq!(refused, Some(Refusal::BadRequest(reason)));
    }
}
