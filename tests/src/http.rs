use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for a busy machine, so that a failure means "never".
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Asks over HTTP: the status and the body of `GET path`.
///
/// # Panics
/// When there is no answer within twenty seconds.
pub async fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    request(addr, &format!("GET {path}"), &[], "").await
}

/// The same for any request: `request(addr, "POST /x", &[("Name", "value")], "body")`.
///
/// # Panics
/// When there is no answer within twenty seconds.
pub async fn request(
    addr: SocketAddr,
    what: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let answer = try_request(addr, what, headers, body, ANSWERS_WITHIN).await;
    answer.expect("a whole answer in time")
}

/// The same to somebody who may be away: `None` where no whole answer comes within `limit`.
pub async fn try_request(
    addr: SocketAddr,
    what: &str,
    headers: &[(&str, &str)],
    body: &str,
    limit: Duration,
) -> Option<(u16, String)> {
    let exchange = exchange(addr, what, headers, body);
    let answer = tokio::time::timeout(limit, exchange).await.ok()?.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

async fn exchange(
    addr: SocketAddr,
    what: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr).await?;
    // HTTP/1.0: the body ends with the connection, without chunks.
    let mut request = format!("{what} HTTP/1.0\r\nHost: {addr}\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
