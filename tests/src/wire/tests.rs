//! What a wire does to bytes.

use super::*;

/// A server that answers each call with the same words.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut call = [0; 1024];
                while stream.read(&mut call).await.is_ok_and(|n| n > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nthe body").await;
                }
            });
        }
    });
    port
}

/// What comes back, until the connection ends or the words are whole.
async fn ask(wire: &Wire) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(wire.addr).await?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    let mut said = Vec::new();
    let mut part = [0; 64];
    while !said.ends_with(b"body") {
        match stream.read(&mut part).await? {
            0 => break,
            n => said.extend_from_slice(&part[..n]),
        }
    }
    Ok(String::from_utf8(said).expect("text"))
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\n\r\nthe body";

#[tokio::test]
async fn a_refused_wire_refuses_and_comes_back_at_the_same_port() {
    let wire = Wire::to(server().await).await;
    assert_eq!(ask(&wire).await.expect("answered"), WHOLE);
    wire.becomes(Line::Refused);
    crate::eventually("it refuses", || async { ask(&wire).await.is_err() }).await;
    let refused = TcpStream::connect(wire.addr).await;
    let kind = refused.expect_err("nobody listens").kind();
    assert_eq!(kind, std::io::ErrorKind::ConnectionRefused);
    wire.becomes(Line::Open);
    crate::eventually("it is there again", || async {
        ask(&wire).await.is_ok_and(|said| said == WHOLE)
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_cut_where_it_is_said() {
    let wire = Wire::to(server().await).await;
    for (trouble, through) in [
        (Trouble::CutInHead, FIRST_BYTES),
        (Trouble::CutInBody, WHOLE.len() - 1),
        (Trouble::CutInCall, 0),
    ] {
        wire.trouble("HTTP/1.1\r\n", trouble, 1);
        let said = ask(&wire).await.unwrap_or_default();
        // The server answers half a call like a whole one, if the connection lives for as long.
        assert_eq!(said, WHOLE[..through], "{trouble:?}");
    }
    assert_eq!(wire.met(), 3);
    assert_eq!(ask(&wire).await.expect("answered"), WHOLE);
}

#[tokio::test]
async fn a_narrow_wire_takes_its_time() {
    let wire = Wire::to(server().await).await;
    wire.becomes(Line::Narrow(100));
    let began = Instant::now();
    assert_eq!(ask(&wire).await.expect("answered"), WHOLE);
    // 18 bytes there, 27 back.
    assert!(began.elapsed() > Duration::from_millis(400));
}
