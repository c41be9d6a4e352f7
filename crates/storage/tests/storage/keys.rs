//! Keys of every sort: written, listed, told apart and deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_smithy_types::base64;
use longshore_storage::objects::{Deletion, ListedObject, NewObject};
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{ErrorClass, Name, Session};
use md5::{Digest, Md5};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::fs::Fs;
use crate::{LOOPBACK, store};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What may stand in a key, and what is hard about it: control characters, what XML and URLs give a meaning, and keys that
/// decode to each other. No `.` alone, which no path of a URL can carry.
fn key() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "\u{1}", "\u{1f}", "\u{7f}", "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{fffe}",
        "\u{ffff}", "<", "&", "&amp;", "]]>", "\"", "'", "+", "%", "%2B", "%0A", "%zz", "?", "#",
        ";", "=", " ", "  ", "ø", "🏠", "a", "b",
    ]);
    let part = prop::collection::vec(hard, 1..6).prop_map(|parts| parts.concat());
    let keys = prop::collection::vec(part, 1..3).prop_map(|parts| parts.join("/"));
    keys.prop_filter("the SDK writes nothing under blanks", |key| {
        !key.trim().is_empty()
    })
}

fn doomed(listed: &ListedObject) -> Deletion {
    Deletion {
        key: listed.key.clone(),
        version: None,
        etag: listed.etag.clone(),
        size: listed.size,
    }
}

/// Writes all, lists all, deletes one half, and says what is left.
pub(crate) async fn keeps_every_key(session: &Session, bucket: &str, keys: &BTreeSet<String>) {
    for key in keys {
        let object = NewObject {
            key: key.clone(),
            content_type: "text/plain".to_owned(),
            body: key.as_bytes().to_vec(),
        };
        session.put(bucket, &object).await.expect("put");
    }
    let listed = session.list(bucket, "", None).await.expect("list").objects;
    let names: BTreeSet<_> = listed.iter().map(|object| object.key.clone()).collect();
    assert_eq!(&names, keys);
    let (go, stay): (Vec<_>, Vec<_>) = listed.iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let batch: Vec<_> = go.iter().map(|(_, object)| doomed(object)).collect();
    let deleted = session.delete(bucket, &batch).await.expect("deleted");
    assert_eq!(deleted.kept, []);
    assert_eq!(deleted.objects, batch.len() as u64);
    let left = session.list(bucket, "", None).await.expect("list").objects;
    let left: BTreeSet<_> = left.into_iter().map(|object| object.key).collect();
    let stay: BTreeSet<_> = stay.iter().map(|(_, object)| object.key.clone()).collect();
    assert_eq!(left, stay);
    // And page by page: each key is where the next page begins once.
    for (n, key) in stay.iter().enumerate() {
        let rest = session.list(bucket, "", Some(key)).await.expect("list");
        assert_eq!(rest.objects.len(), stay.len() - n - 1, "after {key:?}");
    }
}

pub(crate) fn some_keys(check: impl Fn(usize, BTreeSet<String>)) {
    let cases = 48;
    let mut runner = TestRunner::new(Config::with_cases(cases));
    let n = std::cell::Cell::new(0);
    let sets = prop::collection::btree_set(key(), 1..12);
    let ran = runner.run(&sets, |keys| {
        n.set(n.get() + 1);
        check(n.get(), keys);
        Ok(())
    });
    ran.expect("holds for every key");
}

#[test]
fn every_key_is_listed_and_deleted_where_lists_are_encoded() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sandbox = runtime
        .block_on(S3Sandbox::start(LOOPBACK))
        .expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    some_keys(|n, keys| {
        runtime.block_on(keeps_every_key(&session, &format!("exports-{n}"), &keys));
    });
}

/// `s3s-fs` says that it encodes the keys of its lists, and does not: no key may be taken for another. What XML cannot
/// carry is then in no list.
#[test]
fn every_key_is_listed_and_deleted_where_lists_only_say_that_they_are_encoded() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    some_keys(|_, keys| {
        let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{fffe}' | '\u{ffff}');
        // A file and a directory cannot have one name.
        let all: Vec<_> = keys
            .iter()
            .filter(|key| !key.contains(odd))
            .cloned()
            .collect();
        let under = |key: &String| {
            let dir = format!("{key}/");
            all.iter().any(|other| other.starts_with(&dir))
        };
        let keys: BTreeSet<_> = all.iter().filter(|key| !under(key)).cloned().collect();
        runtime.block_on(async {
            let fs = Fs::start(&["exports-test"]).await;
            let session = store(Name::S3, &fs.origin()).directly();
            keeps_every_key(&session, "exports-test", &keys).await;
        });
    });
}

/// What the one key would be decoded to is the other.
#[tokio::test]
async fn a_key_that_is_another_ones_decoded_form_does_not_mislead() {
    let keys = BTreeSet::from(["%2B".to_owned(), "+".to_owned()]);
    let fs = Fs::start(&["exports-test"]).await;
    let session = store(Name::S3, &fs.origin()).directly();
    keeps_every_key(&session, "exports-test", &keys).await;
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    keeps_every_key(&session, "exports-test", &keys).await;
}

#[tokio::test]
async fn versions_and_uploads_of_every_key_are_found() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    sandbox.keep_versions("exports");
    let keys = ["a+b", "a b", "a%2Bb", "\u{1}\n", "ø"];
    for key in keys {
        sandbox.plant("exports", key, key, DAY);
        sandbox.plant_upload("exports", key, DAY);
    }
    let versions = session.list_versions("exports", "", None).await;
    let versions = versions.expect("listed").versions;
    let of = |keys: &mut dyn Iterator<Item = String>| keys.collect::<BTreeSet<_>>();
    let all = of(&mut keys.iter().map(|key| (*key).to_owned()));
    assert_eq!(of(&mut versions.iter().map(|v| v.key.clone())), all);
    let doomed: Vec<_> = versions
        .into_iter()
        .map(|version| Deletion {
            key: version.key,
            version: Some(version.id),
            etag: None,
            size: version.size,
        })
        .collect();
    sandbox.fail_deletion("exports", "\u{1}\n", "AccessDenied", 1);
    let deleted = session.delete("exports", &doomed).await.expect("deleted");
    assert_eq!((deleted.objects, deleted.kept.len()), (4, 1));
    assert_eq!(deleted.kept[0].1, "AccessDenied");
    assert_eq!(sandbox.versions("exports"), 1);
    let uploads = session.list_uploads("exports", "", None).await;
    let uploads = uploads.expect("listed").uploads;
    assert_eq!(of(&mut uploads.iter().map(|u| u.key.clone())), all);
    for upload in &uploads {
        assert!(
            session
                .abort_upload("exports", upload)
                .await
                .expect("aborted")
        );
    }
    assert!(sandbox.uploads("exports").is_empty());
}

#[tokio::test]
async fn a_key_that_no_url_leads_to_is_never_taken_for_another() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    sandbox.plant("exports", "b\u{1}", "another's", DAY);
    sandbox.plant("exports", "a/../b\u{1}", "1", DAY);
    sandbox.plant("exports", "a/../b", "1", DAY);
    let error = session
        .get("exports", "a/../b\u{1}", 9)
        .await
        .expect_err("refused");
    assert_eq!(error.class, ErrorClass::Refused);
    assert!(error.reason.contains("no URL leads"), "{error}");
    let listed = session
        .list("exports", "a", None)
        .await
        .expect("list")
        .objects;
    let batch: Vec<_> = listed.iter().map(doomed).collect();
    let deleted = session.delete("exports", &batch).await.expect("answered");
    let kept: Vec<_> = deleted
        .kept
        .iter()
        .map(|(doomed, code)| (doomed.key.as_str(), code.as_str()))
        .collect();
    assert_eq!(kept, [("a/../b\u{1}", "InvalidURI")]);
    assert_eq!(sandbox.keys("exports"), ["a/../b\u{1}", "b\u{1}"]);
}

/// What is deleted alone is compared as what is deleted together.
#[tokio::test]
async fn an_odd_key_that_was_replaced_meanwhile_stays() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    sandbox.plant("exports", "a\n", "old", DAY);
    let listed = session
        .list("exports", "", None)
        .await
        .expect("list")
        .objects;
    sandbox.plant("exports", "a\n", "new", Duration::ZERO);
    let batch = [doomed(&listed[0])];
    let deleted = session.delete("exports", &batch).await.expect("answered");
    assert_eq!(deleted.kept[0].1, "PreconditionFailed");
    assert_eq!(sandbox.keys("exports"), ["a\n"]);
}

/// Answers each request with this, in its turn, and gives back what was asked.
async fn told(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind(LOOPBACK).await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"</Delete>") {
                let read = stream.read_buf(&mut request).await.expect("a request");
                assert!(
                    read > 0,
                    "the request ended: {:?}",
                    String::from_utf8_lossy(&request)
                );
            }
            asked.push(String::from_utf8(request).expect("a text"));
            let length = answer.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream
                .write_all((head + answer).as_bytes())
                .await
                .expect("answered");
        }
        asked
    });
    (origin, asked)
}

fn one(key: &str) -> [Deletion; 1] {
    [Deletion {
        key: key.to_owned(),
        version: None,
        etag: None,
        size: 1,
    }]
}

#[tokio::test]
async fn a_store_that_is_not_awss_own_is_told_both_checksums() {
    let (origin, asked) = told(vec!["<DeleteResult/>"]).await;
    let session = store(Name::S3, &origin).directly();
    session.delete("exports", &one("a")).await.expect("deleted");
    let request = asked.await.expect("asked").remove(0);
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    let head = head.to_ascii_lowercase();
    let md5 = base64::encode(<[u8; 16]>::from(Md5::digest(body)));
    let told = head
        .lines()
        .find_map(|line| line.strip_prefix("content-md5: "));
    assert_eq!(told, Some(&*md5.to_ascii_lowercase()));
    assert!(head.contains("x-amz-checksum-crc32: "), "{head}");
    assert!(
        head.contains("signedheaders=content-length;content-md5;"),
        "{head}"
    );
}

#[tokio::test]
async fn what_a_store_did_not_delete_is_never_counted_as_deleted() {
    let all = vec![
        "<DeleteResult><Error><Key>a</Key><VersionId>null</VersionId><Code>AccessDenied</Code></Error></DeleteResult>",
        "<DeleteResult><Error><Key>another</Key><Code>AccessDenied</Code></Error></DeleteResult>",
        "<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>",
    ];
    let (origin, asked) = told(all).await;
    let session = store(Name::S3, &origin).directly();
    let deleted = session.delete("exports", &one("a")).await.expect("told");
    assert_eq!((deleted.objects, deleted.kept.len()), (0, 1));
    for _ in 0..2 {
        let error = session
            .delete("exports", &one("a"))
            .await
            .expect_err("of what?");
        assert_eq!(error.class, ErrorClass::Unavailable);
        assert!(error.reason.contains("does not say what"), "{error}");
    }
    asked.await.expect("asked");
}

/// Nothing is known then, so it is tried again.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_neither_a_success_nor_a_refusal() {
    for (answer, says) in [
        ("<DeleteResult><Error>", "cut off"),
        ("<?xml version=\"1.0\"?><DeleteResult></Error>", "cut off"),
        ("<html>login</html>", "200 not understood"),
        ("{}", "200 not understood"),
    ] {
        let (origin, asked) = told(vec![answer; 20]).await;
        let session = store(Name::S3, &origin).directly();
        let error = session.delete("exports", &one("a")).await;
        let error = error.expect_err("unread");
        assert_eq!(error.class, ErrorClass::Unavailable, "{answer}: {error}");
        assert!(error.reason.contains(says), "{answer}: {error}");
        let error = longshore_job::JobError::from(error);
        let again = matches!(error, longshore_job::JobError::Transient { .. });
        assert!(again, "{error:?}");
        asked.abort();
    }
    for answer in [
        "<?xml version=\"1.0\"?>\n<DeleteResult xmlns=\"x\"/>\n",
        "<DeleteResult>\n</DeleteResult>",
    ] {
        let (origin, _asked) = told(vec![answer]).await;
        let session = store(Name::S3, &origin).directly();
        let deleted = session.delete("exports", &one("a")).await;
        assert_eq!(deleted.expect("deleted").objects, 1);
    }
}
