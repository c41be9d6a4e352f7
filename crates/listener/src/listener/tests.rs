//! Time is virtual here: it passes when everybody waits.

use std::net::SocketAddr;

use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::Whole;

struct Served {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

/// Serves `GET /` at once, and `POST /` when its body is there.
async fn serve_at_most(connections: usize) -> Served {
    let bounds = Bounds {
        connections,
        per_peer: connections,
        ..Bounds::public("test")
    };
    serve_within(bounds).await
}

async fn serve_within(bounds: Bounds) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/", post(async |body: Whole| body.bytes.clone()))
        .route("/plain", post(async |body: String| body))
        .route("/refused", post(async || StatusCode::UNAUTHORIZED))
        .route(
            "/late",
            get(async || {
                sleep(MAX_AGE * 2).await;
                "here"
            }),
        )
        .route("/endless", get(async || endless()));
    let (stop, told) = watch::channel(false);
    let running = Listener::new(bounds, &Metrics::default()).serve(listener, router, told);
    let running = tokio::spawn(running);
    Served {
        addr,
        stop,
        running,
    }
}

fn endless() -> Body {
    let chunk = || Ok::<_, std::convert::Infallible>("x".repeat(64 << 10));
    Body::from_stream(futures_util::stream::repeat_with(chunk))
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.expect("listens")
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("takes it");
}

/// Everything that comes until the other side is done.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What comes up to and with `end`.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(char::from(stream.read_u8().await.expect("more comes")));
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_header_that_dribbles_is_given_up_after_ten_seconds() {
    let served = serve_at_most(8).await;
    for head in [
        "",
        "POST / HTTP/1.1\r\nHos",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ",
    ] {
        let mut stream = served.connect().await;
        let begun = Instant::now();
        send(&mut stream, head).await;
        let (mut reading, mut writing) = stream.split();
        let dribble = async {
            // It ends when the other side has closed the connection.
            while writing.write_all(b"G").await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        let mut got = [0];
        tokio::select! {
            biased;
            read = reading.read(&mut got) => assert!(matches!(read, Ok(0) | Err(_)), "{read:?}"),
            () = dribble => {}
        }
        let seconds = begun.elapsed().as_secs();
        assert!((9..=12).contains(&seconds), "{head:?}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_carries_several_requests_and_then_waits_ten_seconds() {
    let served = serve_at_most(8).await;
    let mut stream = served.connect().await;
    for _ in 0..3 {
        send(&mut stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(until(&mut stream, "here").await.starts_with("HTTP/1.1 200"));
    }
    let begun = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_a_request_makes_room_for_who_does() {
    let served = serve_at_most(4).await;
    let begun = Instant::now();
    let mut tricklers = Vec::new();
    for _ in 0..20 {
        let mut stream = served.connect().await;
        send(&mut stream, "GET / HT").await;
        tricklers.push(stream);
    }
    let mut honest = served.connect().await;
    send(&mut honest, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    until(&mut honest, "here").await;
    assert_eq!(begun.elapsed().as_secs(), 0, "nobody had to be given up");
    assert_eq!(rest(&mut tricklers[0]).await, "", "the oldest is closed");
    // It is as old as any by now, and yields in its turn.
    for _ in 0..4 {
        tricklers.push(served.connect().await);
    }
    assert_eq!(rest(&mut honest).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_makes_room_too() {
    let served = serve_at_most(1).await;
    let mut stream = served.connect().await;
    let flood = async {
        loop {
            send(&mut stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        }
    };
    // As much as fits into every buffer on the way, and then nothing moves any more.
    let stuck = timeout(Duration::from_secs(60), flood).await;
    assert!(stuck.is_err());
    let begun = Instant::now();
    let mut other = served.connect().await;
    send(&mut other, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    until(&mut other, "here").await;
    assert_eq!(begun.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_however_long_it_takes() {
    let served = serve_at_most(4).await;
    let mut stream = served.connect().await;
    let begun = Instant::now();
    send(&mut stream, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("here"), "{answer}");
    assert_eq!(
        begun.elapsed(),
        MAX_AGE * 2,
        "after so long it takes no more requests"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_stopped_reading_is_gone_after_a_minute() {
    let served = serve_at_most(4).await;
    let mut stream = served.connect().await;
    send(&mut stream, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    sleep(Duration::from_secs(90)).await;
    let ended = timeout(Duration::from_secs(5), rest(&mut stream)).await;
    assert!(ended.is_ok(), "it is still sent to");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_writes_before_it_reads_sees_why_it_is_refused() {
    let served = serve_at_most(4).await;
    let body = "x".repeat(4 << 20);
    for (path, status) in [("/refused", 401), ("/nowhere", 404), ("/", 413)] {
        let mut stream = served.connect().await;
        let head = format!("Content-Length: {}", body.len());
        send(&mut stream, &posted(path, &head, &body)).await;
        let answer = rest(&mut stream).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{path}: {answer}");
    }
    // One that waits for a word sends nothing in vain.
    let mut stream = served.connect().await;
    let head = posted("/refused", "Expect: 100-continue\r\nContent-Length: 4", "");
    send(&mut stream, &head).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    // One that sends nothing is not waited for longer than any body.
    let begun = Instant::now();
    let mut stream = served.connect().await;
    send(&mut stream, &posted("/refused", "Content-Length: 4", "")).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

fn posted(path: &str, header: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n{body}")
}

#[tokio::test(start_paused = true)]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let bounds = Bounds {
        body_bytes: 1_000,
        ..Bounds::public("test")
    };
    let served = serve_within(bounds).await;
    let answered = async |path: &str, header: &str, body: &str| {
        let mut stream = served.connect().await;
        send(&mut stream, &posted(path, header, body)).await;
        rest(&mut stream).await
    };
    let most = "x".repeat(1_000);
    for path in ["/", "/plain"] {
        let answer = answered(path, "Content-Length: 1000", &most).await;
        assert!(answer.ends_with(&most), "{path}: {answer}");
        // Of a body in chunks no length is known beforehand.
        let chunked = format!("3e8\r\n{most}\r\n1\r\nx\r\n0\r\n\r\n");
        for (header, body) in [
            ("Content-Length: 1001", format!("{most}x")),
            ("Content-Length: 9000", String::new()),
            ("Transfer-Encoding: chunked", chunked),
        ] {
            let answer = answered(path, header, &body).await;
            let status = if path == "/" { "413" } else { "4" };
            let refused = answer.starts_with(&format!("HTTP/1.1 {status}"));
            assert!(refused, "{path} {header}: {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up_after_ten_seconds() {
    let served = serve_at_most(4).await;
    let begun = Instant::now();
    let mut stream = served.connect().await;
    send(&mut stream, &posted("/", "Content-Length: 2", "x")).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_held_back_make_room_for_one_that_comes() {
    let bounds = Bounds {
        body_bytes: 1_000,
        bodies_bytes: 10_000,
        ..Bounds::public("test")
    };
    let served = serve_within(bounds).await;
    let mut holding = Vec::new();
    let unfinished = posted("/", "Content-Length: 1000", &"x".repeat(999));
    for _ in 0..30 {
        let mut stream = served.connect().await;
        send(&mut stream, &unfinished).await;
        holding.push(stream);
    }
    assert_eq!(rest(&mut holding[0]).await, "", "the oldest is closed");
    let mut honest = served.connect().await;
    let whole = "y".repeat(1_000);
    send(&mut honest, &posted("/", "Content-Length: 1000", &whole)).await;
    let answer = rest(&mut honest).await;
    assert!(answer.ends_with(&whole), "{answer}");
    // Those that were left alone can still be finished.
    let last = holding.last_mut().expect("there are some");
    send(last, "x").await;
    let answer = rest(last).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_requests_under_way_and_for_nothing_else() {
    let served = serve_at_most(8).await;
    let mut idle = served.connect().await;
    send(&mut idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    until(&mut idle, "here").await;
    let mut fresh = served.connect().await;
    let mut busy = served.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    send(&mut busy, head).await;
    // Says that the handler has begun to read.
    until(&mut busy, "100 Continue\r\n\r\n").await;

    served.stop.send_replace(true);
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut fresh).await, "");
    let refused = TcpStream::connect(served.addr).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(!served.running.is_finished());

    send(&mut busy, "done").await;
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
    served.running.await.expect("returns");
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_ten_seconds_and_no_longer() {
    let served = serve_at_most(8).await;
    let mut busy = served.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    send(&mut busy, head).await;
    until(&mut busy, "100 Continue\r\n\r\n").await;
    let begun = Instant::now();
    served.stop.send_replace(true);
    served.running.await.expect("returns");
    assert_eq!(begun.elapsed().as_secs(), 10);
}
