//! Looking for a message whose answer was lost. Unless a test says otherwise, its request was out between 700 and
//! 600 seconds ago.

use std::time::{Duration, SystemTime};

use longshore_job::{Job, JobError, Outcome, Scope};
use longshore_sandbox::Fault;
use longshore_sms::SendSms;
use longshore_sms::sandbox::PlantedMessage;
use serde_json::json;

use crate::{ACCOUNT, BODY, Scene, TO, memory, sid};

const DAY: u64 = 24 * 60 * 60;

/// The sid that was found; none when it is to be sent again.
async fn found(scene: &Scene) -> Option<String> {
    let outcome = scene.verify().await.expect("told");
    outcome.as_ref().map(sid)
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_found_and_not_sent_again() {
    let scene = Scene::set().await.remembering(&memory(1, 0));
    scene.fault(Fault::HangUp { effect: true });
    let job = SendSms::new(TO, BODY);
    let error = scene.run(job).await.expect_err("lost");
    assert!(
        matches!(error, JobError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    scene.provider.faults().clear();
    let outcome = scene.verify().await.expect("told").expect("found");
    let sent = &scene.provider.ledger().accepted()[0].id;
    assert_eq!(&sid(&outcome), sent);
    assert_eq!(scene.script.memory.owned(), [sent.as_str()]);
    // It was queued, so the list by day did not have it.
    assert_eq!(scene.counts(), (3, 1, (1, 2)));
}

#[tokio::test]
async fn a_message_that_is_noted_already_needs_no_search() {
    let scene = Scene::set().await;
    let planted = scene.provider.plant(scene.planted(650));
    scene.script.memory.set_earlier_message(&planted);
    let outcome = scene.verify().await.expect("told").expect("sent");
    assert_eq!(sid(&outcome), planted);
    let Outcome::Done { result, .. } = outcome else {
        panic!("{outcome:?}");
    };
    let expected = json!({
        "sid": planted, "status": "delivered", "segments": 1, "price": "-0.00790", "price_unit": "USD",
    });
    assert_eq!(result, Some(expected));
    assert_eq!(scene.counts().0, 1);

    // What Twilio has to say about it is not needed.
    scene.fault(Fault::Garbage {
        status: 401,
        effect: false,
    });
    assert_eq!(found(&scene).await, Some(planted));
}

#[tokio::test]
async fn a_message_is_found_far_down_a_long_list() {
    let scene = Scene::set().await;
    let mut ours = None;
    for n in 0..1000 {
        let mut message = scene.planted(n);
        match n {
            900 => {}
            _ => message.body = format!("Another text, the {n}th."),
        }
        let sid = scene.provider.plant(message);
        if n == 900 {
            ours = Some(sid);
        }
    }
    assert_eq!(found(&scene).await, ours);
    assert_eq!(scene.provider.reads(), 3, "400 to a page");
}

/// Whatever a page weighs: 400 of these are some 5 MB.
#[tokio::test]
async fn heavy_pages_are_read_in_smaller_ones() {
    let scene = Scene::set().await;
    let ours = scene.provider.plant(scene.planted(690));
    for n in 0..420 {
        let mut message = scene.planted(n);
        message.body = "🫐".repeat(1600);
        scene.provider.plant(message);
    }
    assert_eq!(found(&scene).await, Some(ours));
    assert_eq!(scene.provider.reads(), 1 + 9);
}

#[tokio::test]
async fn a_message_that_still_waits_is_found_without_its_day() {
    let scene = Scene::set().await;
    let ours = scene.provider.plant(scene.planted(650).queued());
    assert_eq!(found(&scene).await, Some(ours));
    assert_eq!(scene.provider.reads(), 2);
}

#[tokio::test]
async fn a_message_that_could_not_be_delivered_was_sent_all_the_same() {
    let scene = Scene::set().await;
    for status in ["failed", "undelivered", "canceled"] {
        let mut message = scene.planted(650);
        status.clone_into(&mut message.status);
        let ours = scene.provider.plant(message);
        assert_eq!(found(&scene).await, Some(ours), "{status}");
    }
}

#[tokio::test]
async fn what_is_another_jobs_stays_another_jobs() {
    let scene = Scene::set().await;
    let ours = scene.provider.plant(scene.planted(660));
    let theirs = scene.provider.plant(scene.planted(650));
    scene.script.memory.give_to_another_job(&theirs);
    assert_eq!(found(&scene).await, Some(ours.clone()), "not the newer one");

    let both = memory(700, 600);
    both.give_to_another_job(&ours);
    both.give_to_another_job(&theirs);
    let scene = scene.remembering(&both);
    assert_eq!(found(&scene).await, None);
    assert!(scene.script.memory.owned().is_empty());
}

#[tokio::test]
async fn what_is_not_like_it_is_not_it() {
    let scene = Scene::set().await;
    let plant = |change: &dyn Fn(&mut PlantedMessage)| {
        let mut message = scene.planted(650);
        change(&mut message);
        scene.provider.plant(message);
    };
    plant(&|message| message.body.push('!'));
    plant(&|message| message.body = BODY.to_lowercase());
    plant(&|message| message.to = "+4791111111".to_owned());
    plant(&|message| message.direction = "inbound".to_owned());
    plant(&|message| message.account_sid = "ACffffffffffffffffffffffffffffffff".to_owned());
    // Five minutes for clocks that disagree, and no more.
    scene.provider.plant(scene.planted(700 + 300 + 30));
    scene.provider.plant(scene.planted(600 - 300 - 30));
    assert_eq!(found(&scene).await, None);
    assert!(scene.script.memory.owned().is_empty());
    for seconds_ago in [700 + 300 - 30, 600 - 300 + 30] {
        let ours = scene.provider.plant(scene.planted(seconds_ago));
        assert_eq!(found(&scene).await, Some(ours), "{seconds_ago}");
    }
}

#[tokio::test]
async fn any_outbound_message_can_be_it() {
    let scene = Scene::set().await;
    let mut message = scene.planted(650);
    message.direction = "outbound-reply".to_owned();
    let ours = scene.provider.plant(message);
    assert_eq!(found(&scene).await, Some(ours));
}

/// Without the filter by day the list reaches back for ever; nothing older than the window is worth a request.
#[tokio::test]
async fn the_search_ends_where_the_list_is_older_than_the_request() {
    let scene = Scene::set().await;
    let now = SystemTime::now();
    for n in 0..1000 {
        let time = now - Duration::from_secs(3 * DAY + n);
        let message = PlantedMessage::new(ACCOUNT, TO, BODY).at(time);
        scene.provider.plant(message);
    }
    assert_eq!(found(&scene).await, None);
    assert_eq!(scene.provider.reads(), 2);
}

/// To send again without having seen the end of the list would be guessing.
#[tokio::test]
async fn a_list_without_an_end_is_no_reason_to_send_again() {
    let scene = Scene::set().await;
    for n in 0..10_400 {
        let mut message = scene.planted(n % 60);
        message.body = "Another text.".to_owned();
        scene.provider.plant(message);
    }
    let error = scene.verify().await.expect_err("not told");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
    let code = error.answer().code.as_deref();
    assert_eq!(code, Some("too many messages"));
}

#[tokio::test]
async fn what_is_not_there_yet_may_still_come() {
    let scene = Scene::set().await.remembering(&memory(30, 20));
    let error = scene.verify().await.expect_err("too early");
    let JobError::Throttled {
        retry_after, scope, ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((retry_after, scope), (Duration::from_secs(40), Scope::Job));
    let scene = scene.remembering(&memory(70, 60));
    assert_eq!(found(&scene).await, None);
    assert_eq!(scene.counts(), (4, 0, (0, 4)));
}

#[tokio::test]
async fn a_twilio_that_cannot_say_is_asked_again() {
    let scene = Scene::set().await;
    let garbage = |status| Fault::Garbage {
        status,
        effect: false,
    };
    let throttle = Fault::Throttle {
        retry_after_seconds: Some(7),
        reset_in_seconds: None,
    };
    for (fault, expected) in [
        (garbage(200), "transient"),
        (garbage(500), "transient"),
        (garbage(400), "transient"),
        (garbage(404), "transient"),
        (garbage(401), "unauthorized"),
        (throttle, "throttled provider"),
        (Fault::HangUp { effect: false }, "transient"),
    ] {
        scene.fault(fault.clone());
        let error = scene.verify().await.expect_err("not told");
        let kind = match error {
            JobError::Transient { .. } => "transient",
            JobError::NotReached { .. } => "not_reached",
            JobError::Unauthorized { .. } => "unauthorized",
            JobError::Throttled {
                scope: Scope::Provider,
                ..
            } => "throttled provider",
            _ => "another",
        };
        assert_eq!(kind, expected, "{fault:?}");
    }

    let scene = Scene::set_with(|config| config.timeout = Duration::from_millis(400)).await;
    scene.fault(Fault::NeverAnswer { effect: false });
    let error = scene.verify().await.expect_err("not told");
    assert!(matches!(error, JobError::Transient { .. }), "{error:?}");
}

#[tokio::test]
async fn a_memory_that_is_away_costs_no_attempt() {
    let scene = Scene::set().await;
    scene.script.memory.fail_all();
    let error = scene.verify().await.expect_err("not remembered");
    assert!(
        matches!(
            error,
            JobError::Throttled {
                scope: Scope::Job,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(scene.counts().0, 0);
}

#[test]
fn the_queue_may_verify() {
    const { assert!(longshore_sms::SendSms::VERIFIABLE) }
}
