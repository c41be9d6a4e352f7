//! Credentials of the machine's role: where they come from, and what happens once they are refused.
//!
//! Which service has them a process is told by a variable, so each test runs once more as a process of its own.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use longshore_job::CallReport;
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{CredentialSource, ErrorClass, Name, Session, Store};
use longshore_testing::Script;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{LOOPBACK, config, keys};

/// Where the process finds the store, and which of our tests it is.
const S3: &str = "ROLE_S3";

/// As EC2's metadata service. It gives out these keys one after the other, and the last one from then on.
struct Metadata {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Metadata {
    async fn start(keys: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind(LOOPBACK).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut given = 0;
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, keys, &mut given, &noted).await;
            }
        });
        Self { endpoint, asked }
    }

    /// How often it was asked for anything, and for credentials.
    fn asked(&self) -> (usize, usize) {
        let asked = self.asked.lock().expect("nobody panics");
        let credentials = asked
            .iter()
            .filter(|path| path.ends_with("/security-credentials/workers"));
        (asked.len(), credentials.count())
    }
}

async fn answer(
    mut stream: TcpStream,
    keys: &[&str],
    given: &mut usize,
    asked: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read_buf(&mut head).await.ok()?;
        (read > 0).then_some(())?;
    }
    let head = String::from_utf8(head).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let roles = "/latest/meta-data/iam/security-credentials/";
    let (status, body) = match path.strip_prefix(roles) {
        _ if path == "/latest/api/token" => ("200 OK", "a token".to_owned()),
        Some("") => ("200 OK", "workers".to_owned()),
        Some("workers") => {
            let key = keys[(*given).min(keys.len() - 1)];
            *given += 1;
            let body = serde_json::json!({
                "Code": "Success",
                "LastUpdated": "2026-11-29T00:00:00Z",
                "Type": "AWS-HMAC",
                "AccessKeyId": key,
                "SecretAccessKey": S3Sandbox::SECRET_ACCESS_KEY,
                "Token": "a session",
                "Expiration": "2096-11-29T00:00:00Z",
            });
            ("200 OK", body.to_string())
        }
        _ => ("404 Not Found", String::new()),
    };
    asked.lock().expect("nobody panics").push(path);
    let answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

/// Runs this test again, as on a machine that knows no credentials but its role's.
async fn again(name: &str, s3: &S3Sandbox, metadata: &Metadata) {
    let nowhere = Path::new("/nowhere");
    let mut again = Command::new(std::env::current_exe().expect("this test"));
    again
        .args(["--exact", &format!("role::{name}")])
        .env_clear()
        .env("HOME", nowhere)
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.endpoint)
        .env(S3, s3.origin());
    let ran = tokio::task::spawn_blocking(move || again.output()).await;
    let ran = ran.expect("it does not panic").expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

fn by(origin: &str, keys: CredentialSource) -> Store {
    let mut config = config(Name::S3, origin);
    config.keys = keys;
    Store::new(config).expect("set up")
}

/// What a run of ours asks, and what it tells the fleet of the store.
async fn listed(store: &Store) -> (Result<(), ErrorClass>, Vec<CallReport>) {
    let script = Script::new();
    let session: Session = store.during(&script.run());
    let page = session.list("exports-test", "", None).await;
    (
        page.map(drop).map_err(|error| error.class),
        script.gate.reports(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role_credentials_that_are_refused_are_fetched_again_once() {
    let Ok(origin) = std::env::var(S3) else {
        let s3 = S3Sandbox::start(LOOPBACK).await.expect("a store");
        s3.plant("exports-test", "a", "b", std::time::Duration::ZERO);
        let metadata = Metadata::start(&["ASIAOLD", S3Sandbox::ACCESS_KEY_ID]).await;
        again(
            "role_credentials_that_are_refused_are_fetched_again_once",
            &s3,
            &metadata,
        )
        .await;
        assert_eq!(metadata.asked().1, 2, "then they are kept");
        return;
    };
    let store = by(&origin, CredentialSource::DefaultChain);
    let (done, told) = listed(&store).await;
    assert_eq!(done, Ok(()));
    assert_eq!(told, [CallReport::Nothing, CallReport::Well]);
    assert_eq!(listed(&store).await, (Ok(()), vec![CallReport::Well]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_are_refused_as_well_pause_the_queue_and_are_fetched_for_each_probe() {
    let Ok(origin) = std::env::var(S3) else {
        let s3 = S3Sandbox::start(LOOPBACK).await.expect("a store");
        let metadata =
            Metadata::start(&["ASIAOLD", "ASIANEW", "ASIANEWER", S3Sandbox::ACCESS_KEY_ID]).await;
        let name = "those_that_are_refused_as_well_pause_the_queue_and_are_fetched_for_each_probe";
        again(name, &s3, &metadata).await;
        assert_eq!(metadata.asked().1, 4);
        return;
    };
    let store = by(&origin, CredentialSource::DefaultChain);
    let refused = |told: &[CallReport]| {
        let refused = told
            .iter()
            .filter(|report| matches!(report, CallReport::Refused { .. }));
        (told.len(), refused.count())
    };
    let (done, told) = listed(&store).await;
    assert_eq!(
        (done, refused(&told)),
        (Err(ErrorClass::Unauthorized), (2, 1))
    );
    // A probe makes one request.
    let (done, told) = listed(&store).await;
    assert_eq!(
        (done, refused(&told)),
        (Err(ErrorClass::Unauthorized), (1, 1))
    );
    let (done, told) = listed(&store).await;
    assert_eq!((done, told), (Ok(()), vec![CallReport::Well]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_keys_and_a_region_the_machine_is_asked_nothing() {
    let Ok(origin) = std::env::var(S3) else {
        let s3 = S3Sandbox::start(LOOPBACK).await.expect("a store");
        s3.plant("exports-test", "a", "b", std::time::Duration::ZERO);
        let metadata = Metadata::start(&[S3Sandbox::ACCESS_KEY_ID]).await;
        again(
            "with_keys_and_a_region_the_machine_is_asked_nothing",
            &s3,
            &metadata,
        )
        .await;
        assert_eq!(metadata.asked(), (0, 0));
        return;
    };
    let store = by(&origin, keys(S3Sandbox::SECRET_ACCESS_KEY));
    assert_eq!(listed(&store).await.0, Ok(()));
    let wrong = by(&origin, keys("wrong"));
    assert_eq!(listed(&wrong).await.0, Err(ErrorClass::Unauthorized));
}
