//! An event: whether there is something to fetch.

use crate::ApplyStripeEvent;
use crate::events::APPLIED;
use longshore_integration::{Event, EventJob, Read, Refusal, Remark};
use longshore_job::Prepared;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The version of the API that the endpoint should have.
pub(super) const API_VERSION: &str = "2023-10-16";

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

const OTHER_ACCOUNT: &str = "an event is ignored: it is of a connected account, not of ours";
const OTHER_VERSION: &str =
    "an event is written in another version of the API; it is fetched again in ours";

/// Reads an event that was verified. `live` is our own mode.
pub(crate) fn read(live: bool, body: &[u8]) -> Result<Read, Refusal> {
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
    let ignored = |remarks| {
        Ok(Read {
            events: vec![Event::Ignored],
            remarks,
        })
    };
    // Before the mode: endpoints of live mode get the test events of connected accounts as well.
    if wire.account.is_some() {
        return ignored(vec![Remark {
            what: OTHER_ACCOUNT,
            detail: Some(id),
        }]);
    }
    if wire.livemode != Some(live) {
        return Err(Refusal::BadRequest(match live {
            true => "the event is not of live mode",
            false => "the event is not of test mode",
        }));
    }
    if !APPLIED.contains(&&*kind) {
        return ignored(Vec::new());
    }
    let version = wire.api_version.unwrap_or_else(|| "none".to_owned());
    let other_version = (version != API_VERSION).then(|| {
        let version: String = version.chars().take(32).collect();
        Remark {
            what: OTHER_VERSION,
            detail: Some(format!("{id}: {version}, expected {API_VERSION}")),
        }
    });
    Ok(Read {
        events: vec![Event::Job(Box::new(EventJob {
            job: prepared,
            event: id,
        }))],
        remarks: other_version.into_iter().collect(),
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

    /// The job that an event makes, if it makes one.
    fn job(read: &Read) -> Option<&EventJob> {
        match read.events.as_slice() {
            [Event::Job(job)] => Some(job),
            [Event::Ignored] => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_job_has_the_events_id_and_nothing_else() {
        for kind in APPLIED {
            let read = read_test(&with("type", kind.into())).expect("read");
            assert_eq!(read.remarks, []);
            let job = job(&read).expect("a job");
            let payload = br#"{"kind":"apply_stripe_event","v":1,"args":{"event_id":"evt_1"}}"#;
            assert_eq!(job.job.payload, payload);
            assert_eq!((&*job.event, job.job.expires_in), ("evt_1", None));
        }
        let live = with("livemode", true.into()).to_string();
        assert!(job(&read(true, live.as_bytes()).expect("read")).is_some());
    }

    #[test]
    fn what_has_no_effect_is_ignored() {
        for (event, remark) in [
            (with("type", "payment_intent.created".into()), None),
            (with("type", "".into()), None),
            (with("account", "acct_1".into()), Some(OTHER_ACCOUNT)),
            (
                with("account", json!({ "id": "acct_1" })),
                Some(OTHER_ACCOUNT),
            ),
        ] {
            let read = read_test(&event).unwrap_or_else(|e| panic!("{event}: {e}"));
            let told = read.remarks.first().map(|remark| remark.what);
            assert_eq!(told, remark, "{event}");
            assert!(job(&read).is_none());
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
            (
                json!("2024-06-20"),
                Some("evt_1: 2024-06-20, expected 2023-10-16"),
            ),
            (json!(null), Some("evt_1: none, expected 2023-10-16")),
            (json!(API_VERSION), None),
        ] {
            let read = read_test(&with("api_version", version)).expect("read");
            let detail = read
                .remarks
                .first()
                .and_then(|remark| remark.detail.as_deref());
            assert_eq!(detail, told);
            assert!(job(&read).is_some());
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
