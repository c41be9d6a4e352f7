//! Any answer of a store: a list is whole or refused, what a deletion was refused for is never counted as gone, and nothing panics.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use longshore_storage::objects::Deletion;
use longshore_storage::{Name, Session};
use longshore_testing::fuzz::{bytes, cases};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use tokio::runtime::Runtime;

/// Answers of theirs, good and bad ones.
const BODIES: &[&str] = &[
    "",
    r#"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated><Contents><Key>a%2Fb</Key><LastModified>2026-11-29T09:00:00.000Z</LastModified><ETag>"x"</ETag><Size>9223372036854775807</Size></Contents><EncodingType>url</EncodingType></ListBucketResult>"#,
    "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker><Version><Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest><LastModified>2026-11-29T09:00:00.000Z</LastModified><Size>1</Size></Version><DeleteMarker><Key>b</Key><VersionId>2</VersionId><LastModified>1970-01-01T00:00:00Z</LastModified></DeleteMarker></ListVersionsResult>",
    "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>a</Key><UploadId>u</UploadId><Initiated>2026-11-29T09:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>",
    "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    "<DeleteResult><Error><Key>a</Key><VersionId>null</VersionId><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
    "<Error><Code>NoSuchBucket</Code><Message>no &#x1; &amp; no</Message></Error>",
    r#"{"errors":[{"code":10001}]}"#,
    "<!DOCTYPE html><html><body>502</body></html>",
];

const STATUSES: [u16; 10] = [200, 200, 200, 200, 204, 301, 400, 403, 404, 500];

/// Keys of a bucket, as a list has them.
const KEYS: [&str; 9] = [
    "a", "b", "a%2Fb", "a+b", "%FF", "%zz", "ø", "a b", "\u{2028}",
];

/// What a list says of an object, as far as it says anything.
type Entry = (Option<&'static str>, Option<&'static str>, Option<i64>);

/// A store that answers what it was told to last.
struct Server {
    origin: String,
    answer: Arc<Mutex<(u16, Vec<u8>)>>,
}

impl Server {
    /// It goes with the process.
    fn start() -> Self {
        let listener = TcpListener::bind(crate::LOOPBACK).expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = Arc::new(Mutex::new((200, Vec::new())));
        let told = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, body) = told.lock().expect("not poisoned").clone();
                // A client that hangs up has its reasons.
                let _ = serve(stream, status, &body);
            }
        });
        Self { origin, answer }
    }

    /// A session with it, to which it answers this.
    fn answers(&self, status: u16, body: &[u8]) -> Session {
        *self.answer.lock().expect("not poisoned") = (status, body.to_vec());
        crate::store(Name::S3, &self.origin).directly()
    }
}

fn serve(mut stream: TcpStream, status: u16, body: &[u8]) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part)?;
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, sent)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return Ok(());
            }
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length = length.and_then(|length| length.trim().parse().ok());
        if read == 0 || sent.len() >= length.unwrap_or(0) {
            break;
        }
    }
    let is_look = request.starts_with(b"HEAD");
    let (status, body) = if is_look {
        (404, &[][..])
    } else {
        (status, body)
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// The few of every test run are always the same: what is found by chance is found by `just fuzz`.
fn runner(few: u32) -> TestRunner {
    match std::env::var_os("LONGSHORE_FUZZ_CASES") {
        Some(_) => TestRunner::new(cases(few)),
        None => {
            TestRunner::new_with_rng(cases(few), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        }
    }
}

#[track_caller]
fn tried<S: Strategy>(few: u32, inputs: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let tried = runner(few).run(inputs, test);
    assert!(tried.is_ok(), "{}", tried.expect_err("failed"));
}

fn both() -> [Deletion; 2] {
    ["a", "b"].map(|key| Deletion {
        key: key.to_owned(),
        version: None,
        etag: None,
        size: u64::MAX / 2 + 1,
    })
}

#[test]
fn any_answer_is_read_or_refused() {
    let (runtime, server) = (Runtime::new().expect("threads"), Server::start());
    tried(
        8,
        &(select(&STATUSES[..]), bytes(BODIES)),
        |(status, body)| {
            let session = server.answers(status, &body);
            runtime.block_on(async {
                if let Ok(page) = session.list("exports", "", None).await {
                    prop_assert!((200..300).contains(&status) && page.objects.len() <= 1_000);
                }
                let _ = session.list_versions("exports", "", None).await;
                let _ = session.list_uploads("exports", "", None).await;
                let _ = session.keeps_versions("exports").await;
                if let Ok(deleted) = session.delete("exports", &both()).await {
                    prop_assert!((200..300).contains(&status));
                    prop_assert_eq!(deleted.objects + deleted.kept.len() as u64, 2);
                }
                Ok(())
            })?;
            Ok(())
        },
    );
}

fn element(name: &str, value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| {
        format!("<{name}>{}</{name}>", value.to_string())
    })
}

fn list(entries: &[Entry], is_cut: bool, is_encoded: bool) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|(key, time, size)| {
            let (key, time) = (element("Key", *key), element("LastModified", *time));
            format!("<Contents>{key}{time}{}</Contents>", element("Size", *size))
        })
        .collect();
    let encoding = element("EncodingType", is_encoded.then_some("url"));
    let cut = element("IsTruncated", Some(is_cut));
    format!(
        "<ListBucketResult>{cut}{}{encoding}</ListBucketResult>",
        entries.concat()
    )
}

#[test]
fn a_list_that_goes_on_never_looks_whole() {
    let (runtime, server) = (Runtime::new().expect("threads"), Server::start());
    let time = select(
        &[
            "2026-11-29T09:00:00Z",
            "1970-01-01T00:00:00.000Z",
            "yesterday",
        ][..],
    );
    let entry = (of(select(&KEYS[..])), of(time), of(any::<i64>()));
    let inputs = (vec(entry, 0..4), any::<bool>(), any::<bool>());
    tried(8, &inputs, |(entries, is_cut, is_encoded)| {
        let session = server.answers(200, list(&entries, is_cut, is_encoded).as_bytes());
        let listed = runtime.block_on(session.list("exports", "", Some("a")));
        let Ok(page) = listed else { return Ok(()) };
        prop_assert_eq!(page.next.is_some(), is_cut);
        // Whoever asks from there on would be told the same for ever.
        prop_assert_ne!(page.next.as_deref(), Some("a"));
        Ok(())
    });
}

#[test]
fn what_was_not_deleted_is_not_counted() {
    let (runtime, server) = (Runtime::new().expect("threads"), Server::start());
    let key = select(&["a", "b", "c", " a"][..]);
    let code = select(&["AccessDenied", "PreconditionFailed", "NoSuchKey", ""][..]);
    let error = (of(key), of(code), of(select(&["null", "1"][..])));
    tried(8, &vec(error, 0..4), |errors| {
        let told: Vec<_> = errors
            .iter()
            .map(|(key, code, version)| {
                let (key, code) = (element("Key", *key), element("Code", *code));
                format!(
                    "<Error>{key}{code}{}</Error>",
                    element("VersionId", *version)
                )
            })
            .collect();
        let body = format!("<DeleteResult>{}</DeleteResult>", told.concat());
        let session = server.answers(200, body.as_bytes());
        let deleted = runtime.block_on(session.delete("exports", &both()));
        let Ok(deleted) = deleted else { return Ok(()) };
        for deletion in both() {
            // What was already gone counts as deleted, unless it was refused as well.
            let is_refused = errors.iter().any(|(key, code, _)| {
                *key == Some(deletion.key.as_str()) && *code != Some("NoSuchKey")
            });
            let is_kept = deleted
                .kept
                .iter()
                .any(|(kept, _)| kept.key == deletion.key);
            prop_assert_eq!(is_kept, is_refused, "{} of {}", deletion.key, body);
        }
        prop_assert_eq!(deleted.objects + deleted.kept.len() as u64, 2);
        Ok(())
    });
}
