//! The handler against the stand-in for the application, which verifies signatures.

use std::time::Duration;

use longshore_events::sandbox::EventsSandbox;
use longshore_events::{
    DeliverEvent, DeliverEventHandler, EventData, EventsEndpoint, EventsEndpointConfig,
    EventsEndpointError,
};
use longshore_job::{Handler, Job, JobError, KindSpec, Outcome, Prepared, Run};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::Script;

const OLD: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn event() -> DeliverEvent {
    DeliverEvent {
        event_type: "job.dead".to_owned(),
        timestamp: "2026-11-29T09:00:00.123Z".to_owned(),
        data: EventData {
            id: "01JD2Z5V9GQ8X0T6M3K7W4R1YB".to_owned(),
            sequence: 1_796_000_000_000_001,
            queue: "email".to_owned(),
            kind: Some("send_email".to_owned()),
            key: Some("order-7 å".to_owned()),
            tags: vec!["spring".to_owned()],
            tenant: None,
            reason: Some("refused".to_owned()),
            code: Some("400 to".to_owned()),
            delivery: None,
        },
    }
}

struct Scene {
    application: EventsSandbox,
    handler: DeliverEventHandler,
}

impl Scene {
    async fn set(secrets: &[&str]) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let application = EventsSandbox::start(any).await.expect("a free port");
        let endpoint = EventsEndpoint::new(&EventsEndpointConfig {
            origin: application.origin().parse().expect("an origin"),
            path: "/longshore/events".to_owned(),
            secrets: secrets.iter().map(|&secret| secret.into()).collect(),
            timeout: Duration::from_secs(5),
        });
        Self {
            handler: DeliverEventHandler::new(endpoint.expect("a client")),
            application,
        }
    }

    async fn deliver(&self, run: Run) -> Result<Outcome, JobError> {
        self.handler.run(event(), run).await
    }
}

#[tokio::test]
async fn an_event_is_told_with_the_id_of_its_job_on_every_attempt() {
    let scene = Scene::set(&[EventsSandbox::SECRET]).await;
    let script = Script::new().for_new_job();
    let (first, again) = (script.run(), script.run());
    let id = first.id.to_string();
    assert_eq!(again.id.to_string(), id);
    // The answer to the first was lost.
    let hangs_up = FaultRule::first(1, Fault::HangUp { effect: true });
    scene
        .application
        .faults()
        .set(vec![hangs_up])
        .expect("a rule");
    let lost = scene.deliver(first).await.expect_err("no answer came");
    assert!(matches!(lost, JobError::Transient { .. }), "{lost:?}");
    assert!(script.may_have_been_sent(&lost));
    let told = scene.deliver(again).await.expect("is told");
    let Outcome::Done { answer, .. } = told else {
        panic!("{told:?}");
    };
    assert_eq!(
        (answer.provider.as_deref(), answer.status),
        (Some("events"), Some(204))
    );
    let told = scene.application.told();
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].webhook_id, told[0].times), (&*id, 2));
    assert_eq!(told[0].event, event());
    let effects = scene.application.ledger().accepted();
    assert_eq!(effects.len(), 1);
    assert_eq!(
        effects[0].job.as_deref(),
        Some("01JD2Z5V9GQ8X0T6M3K7W4R1YB")
    );
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_while_it_changes_both_are_right() {
    let scene = Scene::set(&[EventsSandbox::SECRET, OLD]).await;
    for secret in [EventsSandbox::SECRET, OLD] {
        scene.application.set_secret(secret);
        scene
            .deliver(Script::new().for_new_job().run())
            .await
            .expect("is told");
    }
    scene
        .application
        .set_secret("whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB");
    let refused = scene.deliver(Script::new().for_new_job().run()).await;
    let refused = refused.expect_err("is refused");
    assert!(
        matches!(refused, JobError::Unauthorized { .. }),
        "{refused:?}"
    );
    assert!(
        refused.reason().contains("events.secret"),
        "{}",
        refused.reason()
    );
    assert_eq!(scene.application.told().len(), 2);
}

#[tokio::test]
async fn secrets_that_are_none_of_the_standards_are_no_client() {
    let endpoint = EventsEndpoint::new(&EventsEndpointConfig {
        origin: "https://shop.example.com".parse().expect("an origin"),
        path: "/".to_owned(),
        secrets: vec!["local".into()],
        timeout: Duration::from_secs(5),
    });
    let error = endpoint.expect_err("no secret");
    assert_eq!(error, EventsEndpointError::BadSecret);
    assert!(!error.to_string().contains("local"));
}

#[test]
fn producers_cannot_make_one() {
    let refused = Prepared::new(&event()).expect_err("is refused");
    assert_eq!(
        refused.to_string(),
        "deliver_event: the fleet makes jobs of this kind itself; enqueue another kind"
    );
    let text = serde_json::to_string(&event()).expect("JSON");
    let spec = KindSpec::of::<DeliverEvent>();
    assert!(spec.made_by_fleet && spec.prepare(&text).is_err());
    let prepared = Prepared::by_fleet(&event()).expect("good");
    let payload = String::from_utf8(prepared.payload).expect("text");
    assert_eq!(
        payload,
        format!(r#"{{"kind":"{}","v":1,"args":{text}}}"#, DeliverEvent::KIND)
    );
    // What receivers rely on.
    assert_eq!(
        text,
        r#"{"type":"job.dead","timestamp":"2026-11-29T09:00:00.123Z","data":{"id":"01JD2Z5V9GQ8X0T6M3K7W4R1YB","sequence":1796000000000001,"queue":"email","kind":"send_email","key":"order-7 å","tags":["spring"],"reason":"refused","code":"400 to"}}"#
    );
    assert!(!format!("{:?}", event()).contains("order-7"));
}
