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
    let exchange = exchange(addr, what, headers, body);
    let exchange = tokio::time::timeout(ANSWERS_WITHIN, exchange).await;
    let answer = exchange.expect("an answer in time").expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
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
