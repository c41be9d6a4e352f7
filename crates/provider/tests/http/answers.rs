//! Answers that come, whole or in part.

use longshore_provider::{ProviderError, Response, StatusCode};
use tokio::io::AsyncWriteExt;

use crate::{LONG, SHORT, answered_with, http, listen, mail, read_request, run, sandbox};

#[tokio::test]
async fn a_good_answer_comes_whole() {
    let sandbox = sandbox().await;
    let http = http(&sandbox.origin(), LONG);
    let response = http.send(&run(), mail()).await.expect("accepted");
    assert_eq!(response.status, StatusCode::ACCEPTED);
    let id = &sandbox.ledger().accepted()[0].id;
    assert_eq!(response.header("X-Message-Id"), Some(id.as_str()));
    assert!(response.complete && response.body.is_empty());
}

#[tokio::test]
async fn requests_carry_what_they_should() {
    let (listener, addr) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let request = read_request(&mut stream).await;
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        stream.write_all(answer).await.expect("written");
        request
    };
    let http = http(&format!("http://{addr}"), LONG);
    let run = run();
    let (result, request) = tokio::join!(http.send(&run, mail()), server);
    result.expect("answered");
    let agent = concat!("user-agent: longshore/", env!("CARGO_PKG_VERSION"), "\r\n");
    for part in [
        "POST /v3/mail/send HTTP/1.1\r\n",
        "authorization: Bearer SG.any\r\n",
        "content-type: application/json\r\n",
        agent,
    ] {
        assert!(request.contains(part), "{part:?} is not in\n{request}");
    }
}

#[tokio::test]
async fn a_status_counts_even_if_its_body_breaks_off() {
    let cut = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\nhalf");
    let accepted = answered_with(cut("202 Accepted").as_bytes()).await;
    let accepted = accepted.expect("accepted");
    assert!(!accepted.complete);
    assert_eq!(accepted.body, b"half");

    let refused = answered_with(cut("400 Bad Request").as_bytes()).await;
    let Err(ProviderError::Rejected { response }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (response.complete, response.excerpt().as_str()),
        (false, "half")
    );
}

#[tokio::test]
async fn a_body_that_stalls_keeps_its_status() {
    let (listener, addr) = listen().await;
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        let head = b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\n";
        stream.write_all(head).await.expect("written");
        stream
    };
    let http = http(&format!("http://{addr}"), SHORT);
    let run = run();
    let (result, _open) = tokio::join!(http.send(&run, mail()), server);
    assert!(!result.expect("accepted").complete);
}

#[tokio::test]
async fn no_more_than_a_mebibyte_is_read() {
    let mut answer = b"HTTP/1.1 500 Oh\r\ncontent-length: 3000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 1_200_000, b'x');
    let result = answered_with_much(answer).await;
    let Err(ProviderError::Unavailable { response }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(
        (response.body.len(), response.complete),
        (1024 * 1024, false)
    );
}

/// Like [`answered_with`], for answers that the client may stop reading.
async fn answered_with_much(bytes: Vec<u8>) -> Result<Response, ProviderError> {
    let (listener, addr) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        let _ = stream.write_all(&bytes).await;
    });
    let http = http(&format!("http://{addr}"), LONG);
    let result = http.send(&run(), mail()).await;
    server.await.expect("served");
    result
}
