//! Every try goes through the run's gate.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_job::{CallReport, JobError, NotNow, Pass, Why};
use longshore_sandbox::{Fault, FaultRule, Ledger, When};
use longshore_storage::objects::NewObject;
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{ErrorClass, Name};
use longshore_testing::{Noted, Script, ScriptedGate, Way};

use crate::{LOOPBACK, store};

/// A breaker that opens after 10 failures in a row, as the fleet's does.
pub(crate) fn breaker() -> Script {
    behind(false)
}

/// With `short` it stays open for less time than the SDK waits: whatever has an effect comes late enough to be a probe.
fn behind(short: bool) -> Script {
    let by_name = "single calls are asked for by name";
    let gate = ScriptedGate::open().answering(move |noted, provider, effect| {
        let probe = effect && short;
        match failures_in_a_row(noted, provider) >= 10 {
            true if probe => Ok(Pass { epoch: 1, probe }),
            true => Err(NotNow {
                provider: provider.to_owned(),
                why: Why::Open,
                retry_after: Duration::from_secs(30),
            }),
            false => Ok(Pass::default()),
        }
    });
    let ways = [Way::Send, Way::Read, Way::SendElsewhere, Way::ReadElsewhere];
    let gate = ways
        .into_iter()
        .fold(gate, |gate, way| gate.forbid(way, by_name));
    Script::new().with_gate(gate)
}

fn failures_in_a_row(noted: &[Noted], of: &str) -> u32 {
    noted.iter().fold(0, |ill, noted| match noted {
        Noted::Reported {
            provider,
            report: word,
            ..
        } if provider == of => match word {
            // As where no other worker is there that reaches it.
            CallReport::Ill | CallReport::NotReached => ill + 1,
            CallReport::Well => 0,
            _ => ill,
        },
        _ => ill,
    })
}

fn object() -> NewObject {
    NewObject {
        key: "x".to_owned(),
        content_type: "text/plain".to_owned(),
        body: b"x".to_vec(),
    }
}

fn answer(status: u16) -> Fault {
    Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    }
}

#[tokio::test]
async fn ten_failed_tries_open_the_breaker_within_one_run_and_cost_no_attempt() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let outages = [answer(503), answer(500), Fault::HangUp { effect: false }];
    for fault in outages {
        sandbox
            .faults()
            .set(vec![FaultRule::always(fault)])
            .expect("set");
        let before = sandbox.ledger().requests();
        let script = breaker();
        let session = store(Name::S3, &sandbox.origin()).during(&script.run());
        let error = session.list("exports", "", None).await.expect_err("away");
        assert!(matches!(&error.class, ErrorClass::NotNow(not_now) if not_now.why == Why::Open));
        assert!(
            matches!(error.into(), JobError::Throttled { .. }),
            "a wait, no attempt"
        );
        assert_eq!(sandbox.ledger().requests() - before, 10);
        assert_eq!(script.gate.reports(), vec![CallReport::Ill; 10]);
    }
}

/// The SDK waits longer between its tries than a breaker may stay open: what fails then is a probe.
#[tokio::test]
async fn a_probe_that_fails_ends_the_run_at_no_attempt() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    sandbox
        .faults()
        .set(vec![FaultRule::always(answer(503))])
        .expect("set");
    let script = behind(true);
    let session = store(Name::S3, &sandbox.origin()).during(&script.run());
    let error = session.put("exports", &object()).await.expect_err("away");
    assert!(matches!(error.class, ErrorClass::NotNow(_)), "{error}");
    assert_eq!(sandbox.ledger().requests(), 11, "ten, and the probe");
}

#[tokio::test]
async fn nobody_home_is_the_same() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let origin = sandbox.origin();
    sandbox.stop().await;
    let script = breaker();
    let session = store(Name::S3, &origin).during(&script.run());
    let error = session.list("exports", "", None).await.expect_err("away");
    assert!(matches!(error.class, ErrorClass::NotNow(_)), "{error}");
    assert_eq!(script.gate.reports().len(), 10);
}

#[tokio::test]
async fn three_retries_are_the_sdks_and_a_success_among_them_is_one() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    sandbox
        .faults()
        .set(vec![FaultRule::first(3, answer(503))])
        .expect("set");
    let script = breaker();
    let session = store(Name::S3, &sandbox.origin()).during(&script.run());
    session
        .put("exports", &object())
        .await
        .expect("the fourth time");
    assert_eq!(
        script.gate.reports(),
        [
            CallReport::Ill,
            CallReport::Ill,
            CallReport::Ill,
            CallReport::Well
        ]
    );
    let asked = |noted: Noted| match noted {
        Noted::Acquired { provider, effect } => Some((provider, effect)),
        _ => None,
    };
    let asked: Vec<_> = script.gate.noted().into_iter().filter_map(asked).collect();
    assert_eq!(asked, vec![("s3".to_owned(), true); 4]);
}

/// Each is tried several times.
#[tokio::test]
async fn a_write_that_was_surely_not_carried_out_leaves_nothing_in_doubt() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    for (status, code, may_have_been_sent) in [
        (503, "SlowDown", false),
        (403, "AccessDenied", false),
        (500, "InternalError", true),
    ] {
        let fault = Fault::Answer {
            status,
            headers: [].into(),
            body: Some(format!("<Error><Code>{code}</Code></Error>")),
            effect: false,
        };
        let rule = vec![FaultRule::always(fault)];
        sandbox.faults().set(rule).expect("set");
        let script = breaker();
        let session = store(Name::S3, &sandbox.origin()).during(&script.run());
        let error = session.put("exports", &object()).await.expect_err(code);
        let counts = script.may_have_been_sent(&JobError::from(error));
        assert_eq!(counts, may_have_been_sent, "{code}");
    }
}

#[tokio::test]
async fn a_throttle_waits_and_a_time_that_is_named_holds_everybody() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let slow = |headers: &[(&str, &str)]| Fault::Answer {
        status: 503,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: Some("<Error><Code>SlowDown</Code></Error>".to_owned()),
        effect: false,
    };
    let many = Fault::Throttle {
        retry_after_seconds: None,
        reset_in_seconds: None,
    };
    for fault in [slow(&[]), many] {
        sandbox
            .faults()
            .set(vec![FaultRule::always(fault)])
            .expect("set");
        let before = sandbox.ledger().requests();
        let script = breaker();
        let session = store(Name::R2, &sandbox.origin()).during(&script.run());
        let error = session
            .list("exports", "", None)
            .await
            .expect_err("too much");
        assert_eq!(error.class, ErrorClass::Throttled(Duration::from_secs(60)));
        assert_eq!(sandbox.ledger().requests() - before, 4, "R2's 429 too");
        assert_eq!(
            script.gate.reports(),
            vec![CallReport::Nothing; 4],
            "a busy prefix is no outage"
        );
    }
    let named = FaultRule::new(slow(&[("x-amz-retry-after", "1500")]), When::First(1));
    sandbox.faults().set(vec![named]).expect("set");
    let script = breaker();
    let session = store(Name::S3, &sandbox.origin()).during(&script.run());
    session.list("exports", "", None).await.expect("after that");
    let held = CallReport::Hold(Duration::from_millis(1500));
    assert_eq!(script.gate.reports(), [held, CallReport::Well]);
}

#[tokio::test]
async fn refused_credentials_are_told_once_and_are_a_wait_for_the_job() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    sandbox.refuse_key();
    let script = breaker();
    let session = store(Name::S3, &sandbox.origin()).during(&script.run());
    let error = session
        .list("exports", "", None)
        .await
        .expect_err("refused");
    let refused = CallReport::Refused {
        reason: "InvalidAccessKeyId".to_owned(),
    };
    assert_eq!(script.gate.reports(), [refused]);
    assert!(matches!(error.into(), JobError::Throttled { .. }));
}

#[tokio::test]
async fn a_store_that_is_not_reached_is_tested_by_a_connection_alone() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let origin = sandbox.origin();
    drop(sandbox);
    let script = breaker();
    let session = store(Name::S3, &origin).during(&script.run());
    let error = session.list("exports", "", None).await.expect_err("away");
    assert!(matches!(error.class, ErrorClass::NotNow(_)), "{error:?}");
    assert_eq!(script.gate.reports(), vec![CallReport::NotReached; 10]);
    let noted = script.gate.unreached();
    let (unreached, again) = noted.expect("it says which host");
    let host = origin.trim_start_matches("http://");
    assert_eq!((unreached.host.as_str(), unreached.ours), (host, false));
    assert_eq!(again.reach().await.expect_err("still away").host, host);
    let ledger = Ledger::default();
    let addr = host.parse().expect("an address");
    let _back = S3Sandbox::start_with(addr, "s3", ledger.clone()).await;
    assert_eq!(again.reach().await, Ok(()));
    assert_eq!(ledger.requests(), 0, "it is asked nothing");
}
