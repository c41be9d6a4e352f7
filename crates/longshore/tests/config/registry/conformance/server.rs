//! A server that does one thing with each request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Does;

/// What good answers look like: a part of the request's first line, the first that fits; then status and body.
pub(super) type Answers = &'static [(&'static str, u16, &'static str)];

/// A server of one call. Ends with it.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    does: Arc<Mutex<Does>>,
    raw: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// It answers well until it is told otherwise.
    pub(super) async fn start(good: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let does = Arc::new(Mutex::new(Does::Well));
        let now = Arc::clone(&does);
        let raw = Arc::new(Mutex::new(Vec::new()));
        let bytes = Arc::clone(&raw);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let does = *now.lock().expect("not poisoned");
                let raw = bytes.lock().expect("not poisoned").clone();
                tokio::spawn(serve(stream, does, good, raw));
            }
        });
        Self {
            addr,
            does,
            raw,
            task,
        }
    }

    pub(super) fn does(&self, does: Does) {
        *self.does.lock().expect("not poisoned") = does;
    }

    /// It answers this from now on.
    pub(super) fn answers(&self, raw: Vec<u8>) {
        *self.raw.lock().expect("not poisoned") = raw;
        self.does(Does::Raw);
    }

    /// Nobody listens any more.
    pub(super) async fn leave(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, does: Does, good: Answers, raw: Vec<u8>) {
    if does == Does::HangUpUnread {
        // Not before something was sent: who finds a closed connection has sent nothing, and says so.
        let _ = stream.peek(&mut [0]).await;
        return;
    }
    let Some(line) = read(&mut stream).await else {
        return;
    };
    let found = good.iter().find(|(part, ..)| line.contains(part));
    let &(_, status, body) = found.unwrap_or(&("", 200, ""));
    let answer = match does {
        Does::Well => written(status, "", body),
        Does::Status(status) => written(status, "", "<html>oh</html>"),
        Does::Garbage => written(200, "", "<html>Sign in</html>"),
        Does::Wait(status) => written(status, "retry-after: 7\r\nx-amz-retry-after: 10\r\n", ""),
        Does::SlowBody => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        Does::Silent => std::future::pending().await,
        Does::HangUp | Does::HangUpUnread | Does::Away => return,
        Does::Raw => {
            let _ = stream.write_all(&raw).await;
            let _ = stream.shutdown().await;
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    if does == Does::SlowBody {
        std::future::pending::<()>().await;
    }
    let _ = stream.shutdown().await;
}

fn written(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ndate: Sat, 28 Nov 2026 00:00:00 GMT\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

/// The first line of a request, once all of it is read.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let lower = head.to_ascii_lowercase();
        let mut lines = lower.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length:"));
        let length = length.map_or(0, |length| length.trim().parse().unwrap_or(0));
        if body.len() >= length {
            return head.lines().next().map(str::to_owned);
        }
    }
}
