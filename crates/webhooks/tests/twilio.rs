//! Twilio's status callbacks, from the socket to Redis.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use longshore_job::JobId;
use support::{ACCOUNT, Callback, NUMBER, SHARED_KEY, Scene};

const SID: &str = "SM0123456789abcdef0123456789abcdef";

fn state(state: &str) -> (Option<String>, Option<String>) {
    (Some(state.to_owned()), None)
}

#[tokio::test]
async fn news_of_a_message_is_in_redis_when_it_is_answered() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    let answer = scene.post(&Callback::of(job, SID, "sent")).await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    let delivery = scene.delivery(job).await.expect("is noted");
    assert_eq!(delivery.message, SID);
    assert_eq!(delivery.state.as_deref(), Some("sent"));

    let failed = Callback::of(job, SID, "undelivered").with("&ErrorCode=30003");
    let failed = Callback {
        body: failed.body.replace("ErrorCode=&", ""),
        ..failed
    };
    assert_eq!(scene.status(&failed).await, 204);
    let expected = (Some("undelivered".to_owned()), Some("30003".to_owned()));
    assert_eq!(scene.state(job).await, expected);
    assert_eq!(scene.counted("noted").await, 2);
}

#[tokio::test]
async fn a_message_whose_job_is_known_needs_no_job_in_the_url() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    assert!(scene.queue.note_message(SID, job).await.expect("owns"));
    for (query, word) in [("", "queued"), ("?job=", "sending"), ("?job=x", "sent")] {
        assert_eq!(scene.status(&Callback::new(query, SID, word)).await, 204);
        assert_eq!(scene.state(job).await, state(word), "{query:?}");
    }
}

#[tokio::test]
async fn repetition_and_disorder_do_no_harm() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    for (word, then) in [
        ("sending", "sending"),
        ("queued", "sending"),
        ("delivered", "delivered"),
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("failed", "delivered"),
        ("read", "read"),
        ("delivered", "read"),
    ] {
        let status = scene.status(&Callback::of(job, SID, word)).await;
        assert_eq!(status, 204, "{word}");
        assert_eq!(scene.state(job).await, state(then), "{word}");
    }
    let counted = (scene.counted("noted").await, scene.counted("stale").await);
    assert_eq!(counted, (3, 5));
}

#[tokio::test]
async fn what_nobody_here_knows_is_taken_and_forgotten() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    let elsewhere = Callback::of(JobId::generate(), SID, "sent");
    assert_eq!(scene.status(&elsewhere).await, 204);
    assert_eq!(scene.status(&Callback::new("", SID, "sent")).await, 204);
    assert_eq!(scene.counted("unknown").await, 2);
    let odd = Callback::of(job, SID, "pondered");
    assert_eq!(scene.status(&odd).await, 204);
    assert_eq!(scene.counted("ignored").await, 1);
    assert_eq!(scene.delivery(job).await, None);
}

#[tokio::test]
async fn a_shared_key_signs_as_well() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    let callback = Callback {
        secret: SHARED_KEY,
        sha256: true,
        ..Callback::of(job, SID, "sent")
    };
    assert_eq!(scene.status(&callback).await, 204);
    assert_eq!(scene.state(job).await, state("sent"));
}

#[tokio::test]
async fn what_twilio_did_not_sign_changes_nothing() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    let good = Callback::of(job, SID, "delivered");
    let sent = async |request: Vec<u8>| {
        let answer = support::exchange(scene.http, &request).await;
        assert!(!answer.body.contains(NUMBER), "{}", answer.body);
        (answer.status, answer.body)
    };
    let altered = |from: &str, to: &str| {
        let request = String::from_utf8(good.request()).expect("text");
        assert!(request.contains(from), "{from}");
        request.replace(from, to).into_bytes()
    };
    let mismatch =
        "X-Twilio-Signature does not match: the auth token or the public URL is another\n";
    let missing = "the X-Twilio-Signature header is missing\n";
    let another = Callback {
        secret: "another",
        ..good.clone()
    };
    let other_job = JobId::generate().to_string();
    for (request, reason) in [
        (another.request(), mismatch),
        (altered("Status=delivered", "Status=delivereD"), mismatch),
        (altered(&job.to_string(), &other_job), mismatch),
        (altered("/twilio?", "/twilio?a&"), mismatch),
        (
            altered("X-Twilio-Signature", "X-Twilio-Signatures"),
            missing,
        ),
        (
            altered("charset=UTF-8", "charset=UTF-8\r\nX-Twilio-Signature: x"),
            "a signature header is there twice\n",
        ),
    ] {
        assert_eq!(sent(request).await, (400, reason.to_owned()));
    }
    let json = altered("application/x-www-form-urlencoded", "application/json");
    let reason = "the body is no form, and the URL has no bodySHA256\n";
    assert_eq!(sent(json).await, (400, reason.to_owned()));
    assert_eq!(scene.counted("bad_signature").await, 7);

    let account = Callback {
        body: good
            .body
            .replace(ACCOUNT, "ACffffffffffffffffffffffffffffffff"),
        ..good.clone()
    };
    let reason = "the AccountSid is not ours\n";
    assert_eq!(sent(account.request()).await, (400, reason.to_owned()));
    let nameless = Callback {
        body: format!("AccountSid={ACCOUNT}"),
        ..good.clone()
    };
    assert_eq!(
        sent(nameless.request()).await,
        (400, "no MessageSid\n".to_owned())
    );
    assert_eq!(scene.counted("bad_request").await, 2);

    assert_eq!(scene.delivery(job).await, None);
    assert_eq!(sent(good.request()).await.0, 204, "nothing of it stays");
}
