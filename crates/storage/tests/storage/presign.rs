//! A presigned URL takes exactly what was signed, and nothing else.

use std::time::{Duration, SystemTime};

use longshore_provider::client;
use longshore_storage::presign::{Presigned, UploadRequest, is_key};
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{Bucket, ExpiryRule, Name};

use crate::fs::Fs;
use crate::{LOOPBACK, bucket, store};

async fn signed(origin: &str) -> Presigned {
    let upload = UploadRequest::new("user-7", "image/png", 5, "png").expect("valid");
    let session = store(Name::S3, origin).directly();
    session
        .presign_upload(&bucket(), &upload)
        .await
        .expect("signed")
}

/// The status that an upload gets.
async fn put(method: &str, url: &str, headers: &[(String, String)], body: &[u8]) -> u16 {
    let http = client(true, Duration::from_secs(5), Duration::from_secs(5)).expect("set up");
    let mut request = http.request(method.parse().expect("a method"), url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request.body(body.to_vec()).send().await.expect("an answer");
    answer.status().as_u16()
}

async fn takes_exactly_what_was_signed(origin: &str) {
    let signed = signed(origin).await;
    assert_eq!(signed.method, "PUT");
    let (user, rest) = signed.key.split_once('/').expect("a user");
    assert_eq!((user, rest.len()), ("user-7", 26 + 4), "{}", signed.key);
    let mut names: Vec<_> = signed
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type"]);
    let left = signed
        .expires_at
        .duration_since(SystemTime::now())
        .expect("later");
    assert!((895..=900).contains(&left.as_secs()), "{left:?}");

    let kind = |value: &str| ("content-type".to_owned(), value.to_owned());
    // The length is the body's: reqwest says it.
    assert_eq!(
        put("PUT", &signed.url, &[kind("image/jpeg")], b"12345").await,
        403
    );
    assert_eq!(put("PUT", &signed.url, &[], b"12345").await, 403);
    assert_eq!(
        put("PUT", &signed.url, &[kind("image/png")], b"123456").await,
        403
    );
    assert_eq!(
        put("PUT", &signed.url, &[kind("image/png")], b"1234").await,
        403
    );
    let other = signed.url.replace("user-7", "user-8");
    assert_eq!(
        put("PUT", &other, &[kind("image/png")], b"12345").await,
        403
    );
    let longer = signed.url.replace("X-Amz-Expires=900", "X-Amz-Expires=901");
    assert_ne!(longer, signed.url);
    assert_eq!(
        put("PUT", &longer, &[kind("image/png")], b"12345").await,
        403
    );
    assert_eq!(
        put("DELETE", &signed.url, &[kind("image/png")], b"12345").await,
        403
    );
    let headers: Vec<_> = signed
        .headers
        .iter()
        .filter(|(name, _)| name != "content-length")
        .cloned()
        .collect();
    assert_eq!(put("PUT", &signed.url, &headers, b"12345").await, 200);
    gives_exactly_what_was_signed(origin, &signed.key).await;
}

async fn gives_exactly_what_was_signed(origin: &str, key: &str) {
    let session = store(Name::S3, origin).directly();
    let signed = session.presign_download(&bucket(), key).await;
    let signed = signed.expect("signed");
    assert_eq!((&*signed.method, &*signed.key), ("GET", key));
    let http = client(true, Duration::from_secs(5), Duration::from_secs(5)).expect("set up");
    let get = async |url: &str| {
        let answer = http.get(url).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.bytes().await.expect("a body"))
    };
    let (status, body) = get(&signed.url).await;
    assert_eq!((status, &*body), (200, &b"12345"[..]));
    let other = signed.url.replace("user-7", "user-8");
    assert_eq!(get(&other).await.0, 403);
    assert_eq!(put("PUT", &signed.url, &[], b"12345").await, 403);
}

#[test]
fn a_key_that_leads_elsewhere_is_none() {
    for key in ["user-7/01JD2Z5V9GQ8X0T6M3K7W4R1YB.png", "ø", "a b"] {
        assert!(is_key(key), "{key}");
    }
    let long = "k".repeat(1025);
    for key in [
        "", "/a", "a/", "a//b", "../a", "a/./b", "a\u{0}", "a\nb", &long,
    ] {
        assert!(!is_key(key), "{key:?}");
    }
}

#[tokio::test]
async fn by_both_implementations() {
    let fs = Fs::start(&["exports-test"]).await;
    takes_exactly_what_was_signed(&fs.origin()).await;
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    takes_exactly_what_was_signed(&sandbox.origin()).await;
    assert_eq!(
        sandbox.keys("exports-test").len(),
        1,
        "and nothing else came"
    );
}

#[tokio::test]
async fn a_user_whose_files_would_expire_is_refused() {
    let session = store(Name::S3, "http://127.0.0.1:1").directly();
    let upload = UploadRequest::new("tmp", "image/png", 5, "png").expect("valid");
    let bucket = Bucket {
        rules: vec![ExpiryRule::new("tmp/", 90)],
        ..bucket()
    };
    let error = session
        .presign_upload(&bucket, &upload)
        .await
        .expect_err("refused");
    assert!(error.reason.contains("buckets.exports.rules"), "{error}");
}
