//! What was never sent is told from what was sent and not answered.

use longshore_provider::{ProviderError, Response};
use longshore_sandbox::{Fault, FaultRule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{LONG, SHORT, answered_with, http, is_no_answer, listen, mail, run, sandbox};

fn is_never_sent(result: &Result<Response, ProviderError>) -> bool {
    matches!(result, Err(ProviderError::NeverSent { .. }))
}

#[tokio::test]
async fn what_cannot_connect_was_never_sent() {
    let (listener, addr) = listen().await;
    drop(listener);
    let refused = http(&format!("http://{addr}"), LONG);
    let result = refused.send(&run(), mail()).await;
    assert!(is_never_sent(&result), "{result:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_fails_or_hangs_was_never_sent() {
    let (listener, addr) = listen().await;
    let no_tls = http(&format!("https://{addr}"), LONG);
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let not_tls = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        stream.write_all(not_tls).await.expect("written");
        stream
    };
    let run = run();
    let (result, _open) = tokio::join!(no_tls.send(&run, mail()), server);
    assert!(is_never_sent(&result), "{result:?}");

    // Connected by the kernel, and then nothing: the time for connecting runs out before the whole time does.
    let hanging = http(&format!("https://{addr}"), SHORT);
    let result = hanging.send(&run, mail()).await;
    assert!(is_never_sent(&result), "{result:?}");
}

#[tokio::test]
async fn what_is_hung_up_on_is_unanswered_whether_it_had_an_effect_or_not() {
    let sandbox = sandbox().await;
    let http = http(&sandbox.origin(), LONG);
    for (fault, accepted) in [
        (Fault::HangUpUnread, 0),
        (Fault::HangUp { effect: false }, 0),
        (Fault::HangUp { effect: true }, 1),
    ] {
        sandbox.ledger().clear();
        sandbox
            .faults()
            .set(vec![FaultRule::always(fault.clone())])
            .expect("a valid rule");
        let result = http.send(&run(), mail()).await;
        assert!(is_no_answer(&result), "{fault:?}: {result:?}");
        let summary = sandbox.ledger().summary();
        let counts = (summary.requests, summary.accepted);
        assert_eq!(counts, (1, accepted), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unanswered() {
    let sandbox = sandbox().await;
    let http = http(&sandbox.origin(), SHORT);
    sandbox
        .faults()
        .set(vec![FaultRule::always(Fault::NeverAnswer { effect: true })])
        .expect("a valid rule");
    let result = http.send(&run(), mail()).await;
    assert!(is_no_answer(&result), "{result:?}");
    assert_eq!(sandbox.ledger().summary().accepted, 1);
}

#[tokio::test]
async fn what_is_not_http_is_no_answer() {
    for bytes in [&b"\x1f\x8b\0\0 not HTTP\r\n\r\n"[..], b"", b"HTTP/1.1 2"] {
        let result = answered_with(bytes).await;
        assert!(is_no_answer(&result), "{bytes:?}: {result:?}");
    }
}

/// A server that closes as soon as it has accepted: whether the request was begun by then is a matter of luck. Both
/// verdicts may come, but *never sent* must not be said of a request of which a single byte arrived.
#[tokio::test]
async fn never_sent_is_never_said_of_what_was() {
    let (listener, addr) = listen().await;
    let origin = format!("http://{addr}");
    for _ in 0..50 {
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.shutdown().await;
            let mut arrived = Vec::new();
            let _ = stream.read_to_end(&mut arrived).await;
            arrived.len()
        };
        let (run, http) = (run(), http(&origin, LONG));
        let (result, arrived) = tokio::join!(http.send(&run, mail()), server);
        match result {
            Err(ProviderError::NeverSent { .. }) => assert_eq!(arrived, 0),
            Err(ProviderError::NoAnswer { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}
