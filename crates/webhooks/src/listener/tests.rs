//! Time is virtual here: it passes when everybody waits.

use std::net::SocketAddr;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

struct Served {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

/// Serves `GET /` at once and `POST /` when its body is there.
async fn serve_at_most(most: usize) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/", post(async |body: String| body));
    let (stop, told) = watch::channel(false);
    let running = tokio::spawn(run(listener, most, router, told));
    Served {
        addr,
        stop,
        running,
    }
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
async fn no_more_connections_than_were_said() {
    let served = serve_at_most(2).await;
    let (first, _second) = (served.connect().await, served.connect().await);
    let begun = Instant::now();
    let mut third = served.connect().await;
    send(&mut third, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    until(&mut third, "here").await;
    assert_eq!(
        begun.elapsed().as_secs(),
        10,
        "others had to be given up first"
    );

    drop(first);
    let (_fourth, mut fifth) = (served.connect().await, served.connect().await);
    let begun = Instant::now();
    send(&mut fifth, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    drop(third);
    until(&mut fifth, "here").await;
    assert_eq!(begun.elapsed().as_secs(), 0, "a slot was free at once");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_cut_in_the_end() {
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
    let seconds = begun.elapsed().as_secs();
    assert!((200..=310).contains(&seconds), "{seconds} s");
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
