//! OAuth 2.0: tokens are fetched once, renewed, and never at the cost of an attempt.

use std::time::Duration;

use longshore_job::{JobError, Scope};
use longshore_provider::secret::Secret;
use longshore_services::{AuthMethod, TokenConfig, TokenSource};

use super::{Came, Scene, json, ping};

async fn scene() -> Scene {
    Scene::set_with(|origin| {
        let source = TokenSource::new(TokenConfig {
            service: "crm",
            origin: origin.parse().expect("an origin"),
            path: "/oauth/token".to_owned(),
            client_id: "shop:1".to_owned(),
            client_secret: Secret::from("s3cr3t&"),
            scope: Some("contacts.write".to_owned()),
            timeout: Duration::from_secs(5),
        });
        AuthMethod::OAuth2(source.expect("a client"))
    })
    .await
}

fn token(value: &str, lasts: u64) -> super::Answer {
    let body =
        format!(r#"{{"access_token":"{value}","token_type":"bearer","expires_in":{lasts}}}"#);
    json(200, &body)
}

/// What was asked for, in order: `token`, or what the service was shown.
fn asked(scene: &Scene) -> Vec<String> {
    let shown = |came: &Came| match came.path_and_query.as_str() {
        "/oauth/token" => "token".to_owned(),
        _ => came.headers["authorization"].clone(),
    };
    scene.came().iter().map(shown).collect()
}

#[tokio::test]
async fn a_token_serves_until_shortly_before_its_end() {
    let scene = scene().await;
    scene.answers([token("one", 3600)]);
    for _ in 0..3 {
        scene.done(ping()).await;
    }
    assert_eq!(
        asked(&scene),
        ["token", "Bearer one", "Bearer one", "Bearer one"]
    );
    let fetch = &scene.came()[0];
    assert_eq!(fetch.method, "POST");
    assert_eq!(
        fetch.body,
        "grant_type=client_credentials&scope=contacts.write"
    );
    // As RFC 6749 has it: each in a form's encoding, then both in base64.
    assert_eq!(
        fetch.headers["authorization"],
        "Basic c2hvcCUzQTE6czNjcjN0JTI2"
    );
    let gate = &scene.script.gate;
    assert_eq!(
        (gate.sends(), gate.reads()),
        (0, 3),
        "a token is no call of the provider"
    );
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_used() {
    let scene = scene().await;
    let ok = || json(200, "{}");
    scene.answers([token("one", 0), ok(), token("two", 3600), ok()]);
    scene.done(ping()).await;
    scene.done(ping()).await;
    assert_eq!(
        asked(&scene),
        ["token", "Bearer one", "token", "Bearer two"]
    );
}

#[tokio::test]
async fn many_runs_fetch_one_token() {
    let scene = scene().await;
    scene.answers([token("one", 3600)]);
    let runs = (0..10).map(|_| scene.done(ping()));
    futures(runs).await;
    let fetched = asked(&scene).iter().filter(|what| *what == "token").count();
    assert_eq!(fetched, 1);
}

async fn futures<F: Future>(all: impl Iterator<Item = F>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        match all.is_empty() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_then_the_credentials_are_refused() {
    let scene = scene().await;
    let refused = || json(401, r#"{"message":"token two is revoked"}"#);
    scene.answers([token("one", 3600)]);
    scene.done(ping()).await;
    // Revoked meanwhile: another one is good.
    scene.answers([refused(), token("two", 3600)]);
    scene.done(ping()).await;
    let expected = ["token", "Bearer one", "Bearer one", "token", "Bearer two"];
    assert_eq!(asked(&scene), expected);
    // And one that is not.
    scene.answers([refused(), token("three", 3600), refused()]);
    let error = scene.failed(ping()).await;
    assert!(matches!(error, JobError::Unauthorized { .. }), "{error:?}");
    assert_eq!(asked(&scene)[5..], ["Bearer two", "token", "Bearer three"]);
}

#[tokio::test]
async fn what_was_called_with_a_refused_token_was_not_sent() {
    let create = || longshore_services::CallService::new("crm", "create");
    let refused = || json(401, "");
    for answers in [
        vec![refused(), json(500, "")],
        vec![refused(), token("two", 3600), json(422, "")],
    ] {
        let scene = scene().await;
        // Only a token from before is replaced.
        scene.answers([token("one", 3600)]);
        scene.done(ping()).await;
        scene.answers(answers);
        let error = scene.failed(create()).await;
        assert!(!scene.script.may_have_been_sent(&error), "{error:?}");
    }
    let scene = scene().await;
    scene.answers([token("one", 3600), json(500, "")]);
    let error = scene.failed(create()).await;
    assert!(scene.script.may_have_been_sent(&error), "{error:?}");
}

#[tokio::test]
async fn trouble_with_tokens_costs_no_attempt() {
    for (answer, is_refusal) in [
        (json(500, ""), false),
        (json(404, ""), false),
        (
            json(200, r#"{"token_type":"mac","access_token":"x"}"#),
            false,
        ),
        (json(200, "<html>"), false),
        (json(400, r#"{"error":"temporarily_unavailable"}"#), false),
        (json(400, r#"{"error":"invalid_client"}"#), true),
        (json(401, ""), true),
    ] {
        let scene = scene().await;
        scene.answers([answer.clone()]);
        let error = scene.failed(ping()).await;
        match &error {
            JobError::Throttled { scope, .. } if !is_refusal => {
                assert_eq!(*scope, Scope::Provider, "{answer:?}");
            }
            JobError::Unauthorized { .. } if is_refusal => {}
            other => panic!("{answer:?}: {other:?}"),
        }
        assert_eq!(error.answer().provider.as_deref(), Some("crm"));
        assert_eq!(asked(&scene), ["token"], "the service was not called");
        let shown = format!("{error:?} {:?}", scene.handler);
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_reached_is_not_reached() {
    let mut scene = scene().await;
    let any = "127.0.0.1:0".parse().expect("an address");
    let other = longshore_sandbox::Server::start(any, super::Noting::default(), Default::default());
    let other = other.await.expect("a free port");
    std::mem::replace(&mut scene.server, other).stop().await;
    let error = scene.failed(ping()).await;
    assert!(matches!(error, JobError::NotReached { .. }), "{error:?}");
    assert!(
        error.reason().contains("token endpoint"),
        "{}",
        error.reason()
    );
}
