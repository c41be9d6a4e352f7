//! Numbers whose owners want no texts.

use longshore_job::{AddressHash, Blame, JobError, SUPPRESSED, Suppression};
use longshore_sms::SendSms;
use longshore_testing::MemoryRequest;

use crate::{BODY, Scene, TO};

/// Twilio's magic number of somebody who has opted out.
const OPTED_OUT: &str = "+15005550004";

#[tokio::test]
async fn nothing_is_sent_to_a_number_that_is_on_the_list() {
    let scene = Scene::set().await;
    let number = AddressHash::of(TO);
    for (entry, why) in [
        (r#"{"reason":"opt_out","at":1}"#, "wants no texts"),
        (r#"{"reason":"operator","at":1}"#, "was put there"),
        ("what nobody wrote", "was put there"),
    ] {
        let memory = &scene.script.memory;
        memory.set_in_map(SUPPRESSED, number.as_str(), entry);
        let error = scene.run(SendSms::new(TO, BODY)).await.expect_err(entry);
        assert_eq!(error.blame(), Some(Blame::Theirs), "{error:?}");
        let answer = error.answer();
        assert_eq!(answer.code.as_deref(), Some("suppressed"));
        assert_eq!(answer.provider, None, "nobody was asked");
        let reason = error.reason();
        assert!(reason.contains(why) && !reason.contains("4790"), "{reason}");
        assert_eq!(scene.counts(), (0, 0, (0, 0)));
    }
    let other = SendSms::new("+4790000001", BODY);
    scene.run(other).await.expect("sent");
}

#[tokio::test]
async fn while_the_list_cannot_be_looked_at_a_text_waits() {
    let scene = Scene::set().await;
    scene.script.memory.fail(MemoryRequest::Find);
    let error = scene.run(SendSms::new(TO, BODY)).await.expect_err("waits");
    assert!(matches!(error, JobError::Throttled { .. }), "{error:?}");
    assert_eq!(scene.counts(), (0, 0, (0, 0)));
}

#[tokio::test]
async fn who_has_opted_out_at_twilio_is_asked_for_once() {
    let scene = Scene::set().await;
    let job = SendSms::new(OPTED_OUT, BODY);
    let error = scene.run(job.clone()).await.expect_err("refused");
    assert_eq!(error.answer().code.as_deref(), Some("21610"));
    let entry = scene
        .script
        .memory
        .in_map(SUPPRESSED, AddressHash::of(OPTED_OUT).as_str());
    let entry = Suppression::read(&entry.expect("on the list")).expect("an entry");
    assert_eq!(entry.reason, "opt_out");
    assert!(entry.job.is_some() && entry.at > 0);
    let error = scene.run(job).await.expect_err("refused");
    assert_eq!(error.answer().code.as_deref(), Some("suppressed"));
    assert_eq!(scene.counts(), (1, 0, (1, 0)), "Twilio was asked once");

    // The refusal stands where it cannot be noted.
    scene.script.memory.fail(MemoryRequest::Assign);
    let other = Scene::set().await;
    other.script.memory.fail(MemoryRequest::Assign);
    let error = other.run(SendSms::new(OPTED_OUT, BODY)).await;
    let error = error.expect_err("refused");
    assert_eq!(error.answer().code.as_deref(), Some("21610"));
    assert!(!other.script.may_have_been_sent(&error));
}
