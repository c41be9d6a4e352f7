//! What follows from each answer of testpay's, by the rules of a queue that is Stripe's.

use std::time::Duration;

use harbour_testpay::sandbox::TestPaySandbox;
use harbour_testpay::{TestPay, TestPayConfig};
use longshore_job::{CallReport, Class, JobError};
use longshore_payment_reconcile::{CreateCustomer, CreateCustomerHandler, Providers};
use longshore_sandbox::{Fault, FaultRule};
use longshore_testing::{Ran, Script};

/// What becomes of a job whose only call ends like this; with no fault, nobody is there.
async fn ran(fault: impl Into<Option<Fault>>) -> Ran {
    let any = "127.0.0.1:0".parse().expect("an address");
    let sandbox = TestPaySandbox::start(any).await.expect("a free port");
    let testpay = TestPay::new(&TestPayConfig {
        base_url: sandbox.origin().parse().expect("an origin"),
        api_key: "tp-key".into(),
        timeout: Duration::from_millis(300),
    });
    let providers = Providers::new(testpay.expect("a client"));
    match fault.into() {
        Some(fault) => {
            let faults = sandbox.faults();
            faults.set(vec![FaultRule::always(fault)]).expect("a rule");
        }
        None => sandbox.stop().await,
    }
    let script = Script::new().with_provider("stripe");
    let handler = CreateCustomerHandler::new(providers);
    let ran = script.run_one(handler, &CreateCustomer::new("ada")).await;
    let ran = ran.expect("good args");
    // The queue is Stripe's: testpay neither opens its breaker, nor holds it back, nor pauses it.
    assert_eq!(ran.decision.report, CallReport::Nothing, "{:?}", ran.end);
    assert_eq!(script.gate.reports(), [], "{:?}", ran.end);
    ran
}

fn answer(status: u16, effect: bool) -> Fault {
    Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect,
    }
}

#[tokio::test]
async fn every_answer_has_what_follows() {
    // Nothing was done, and it may be the next time.
    for status in [301, 307, 503] {
        let retried = ran(answer(status, false)).await.assert_retry();
        assert_eq!(retried, Duration::from_secs(60), "{status}");
    }
    // Whether it was done is not known: the same request is made again, under the same key.
    for status in [302, 408, 500, 502, 504, 520] {
        let ran = ran(answer(status, true)).await;
        let unknown = matches!(ran.end, Err(JobError::OutcomeUnknown { .. }));
        assert!(unknown, "{status}: {:?}", ran.end);
        ran.assert_retry();
    }
    for lost in [
        Fault::HangUp { effect: true },
        Fault::HangUp { effect: false },
        Fault::HangUpUnread,
        Fault::NeverAnswer { effect: true },
        Fault::Garbage {
            status: 200,
            effect: true,
        },
    ] {
        ran(lost).await.assert_retry();
    }
    // The job is at fault.
    for status in [400, 402, 404, 409, 413, 422] {
        let dead = ran(answer(status, false)).await.assert_dead();
        assert_eq!(dead.class, Class::Refused, "{status}");
    }
    // None of these costs an attempt.
    for status in [401, 403] {
        ran(answer(status, false)).await.assert_put_back();
    }
    ran(None).await.assert_put_back();
    for status in [429, 503] {
        let busy = Fault::Answer {
            status,
            headers: [("retry-after".to_owned(), "9".to_owned())].into(),
            body: None,
            effect: false,
        };
        let after = ran(busy).await.assert_put_back();
        assert!(after >= Duration::from_secs(9), "{status} {after:?}");
    }
}
