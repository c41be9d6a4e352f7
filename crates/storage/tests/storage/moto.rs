//! The store's client against moto, an S3 from PyPI that is not ours: `just test-moto`. It checks no signatures.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_provider::client;
use longshore_storage::objects::{Deletion, NewObject};
use longshore_storage::presign::UploadRequest;
use longshore_storage::{Access, Bucket, ErrorClass, ExpiryRule, Exposure, Name, Session};

use crate::keys::{keeps_every_key, some_keys};
use crate::operations::{keeps_objects, moves};
use crate::store;

/// Where it listens: the recipe says so.
fn origin() -> String {
    std::env::var("LONGSHORE_MOTO").expect("LONGSHORE_MOTO is the origin of a moto_server")
}

/// Who does it: some things may be done only by who has a name. Signatures are not checked.
const SIGNED: [(&str, &str); 1] = [(
    "authorization",
    "AWS4-HMAC-SHA256 Credential=AKIA/20261129/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
)];

/// What no client of ours does: to make buckets, and to set them up.
async fn set_up(method: &str, path: &str, body: &str) {
    set_up_with(method, path, &[], body).await;
}

async fn set_up_with(method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
    let http = client(true, Duration::from_secs(5), Duration::from_secs(30)).expect("set up");
    let url = format!("{}{path}", origin());
    let mut request = http.request(method.parse().expect("a method"), &url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status();
    let said = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{method} {path}: {status} {said}");
}

/// A bucket of its own for each test.
async fn with_bucket(name: &str) -> Session {
    set_up("PUT", &format!("/{name}"), "").await;
    store(Name::S3, &origin()).directly()
}

fn object(key: &str, body: &[u8]) -> NewObject {
    NewObject {
        key: key.to_owned(),
        content_type: "text/csv".to_owned(),
        body: body.to_vec(),
    }
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn objects_are_put_listed_got_moved_and_deleted() {
    with_bucket("exports-away").await;
    let session = with_bucket("exports-test").await;
    keeps_objects(&session).await;
    for left in session
        .list("exports-test", "", None)
        .await
        .expect("list")
        .objects
    {
        let gone = Deletion {
            key: left.key,
            version: None,
            etag: left.etag,
            size: left.size,
        };
        session
            .delete("exports-test", &[gone])
            .await
            .expect("delete");
    }
    moves(&session, &session).await;
}

#[test]
#[ignore = "by hand: just test-moto"]
fn every_key_is_listed_and_deleted() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    some_keys(|n, keys| {
        // What moto cannot keep, or writes into its lists as XML does not carry it.
        let odd = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
        let keys: BTreeSet<_> = keys.into_iter().filter(|key| !key.contains(odd)).collect();
        let name = format!("keys-{n}");
        runtime.block_on(async {
            let session = with_bucket(&name).await;
            keeps_every_key(&session, &name, &keys).await;
        });
    });
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn rules_are_applied_beside_those_of_others() {
    let session = with_bucket("rules").await;
    let theirs = "<LifecycleConfiguration><Rule><ID>theirs</ID><Prefix>old/</Prefix><Status>Enabled</Status>\
                  <Expiration><Days>7</Days></Expiration></Rule></LifecycleConfiguration>";
    set_up("PUT", "/rules?lifecycle", theirs).await;
    let ours = [
        ExpiryRule::new("tmp/", 90),
        ExpiryRule {
            tag: Some(("kind".to_owned(), "draft".to_owned())),
            // moto forgets the size of a rule, so each look at such a rule would find another one.
            larger_than: None,
            ..ExpiryRule::new("drafts/", 7)
        },
    ];
    let first = session.apply_lifecycle("rules", &ours, false).await;
    let added = first.expect("put").added;
    assert!(added.len() == 2 && added[0] == "tmp/", "{added:?}");
    let again = session.apply_lifecycle("rules", &ours, false).await;
    let again = again.expect("same");
    assert!(again.is_none(), "{again:?}");
    let none = session.apply_lifecycle("rules", &[], false).await;
    assert_eq!(none.expect("deleted").removed.len(), 2);
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn versions_and_uploads_are_listed_and_go() {
    let session = with_bucket("versions").await;
    let on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    set_up("PUT", "/versions?versioning", on).await;
    // moto calls its answer otherwise than S3 does. What does not read is never taken for "no versions".
    let asked = session.keeps_versions("versions").await;
    let asked = asked.expect_err("of another form");
    assert_eq!(asked.class, ErrorClass::Unavailable);
    for body in ["1", "22"] {
        session
            .put("versions", &object("a b.csv", body.as_bytes()))
            .await
            .expect("put");
    }
    set_up_with("DELETE", "/versions/a%20b.csv", &SIGNED, "").await;
    let page = session
        .list_versions("versions", "", None)
        .await
        .expect("list");
    let shown: Vec<_> = page
        .versions
        .iter()
        .map(|v| (v.latest, v.marker, v.size))
        .collect();
    assert_eq!(
        shown,
        [(true, true, 0), (false, false, 2), (false, false, 1)]
    );
    let all: Vec<_> = page
        .versions
        .iter()
        .rev()
        .map(|version| Deletion {
            key: version.key.clone(),
            version: Some(version.id.clone()),
            etag: None,
            size: version.size,
        })
        .collect();
    let deleted = session.delete("versions", &all).await.expect("deleted");
    assert_eq!(deleted.objects, 3);
    let left = session
        .list_versions("versions", "", None)
        .await
        .expect("list");
    assert_eq!(left.versions.len(), 0);
    set_up("POST", "/versions/big.bin?uploads", "").await;
    let uploads = session
        .list_uploads("versions", "", None)
        .await
        .expect("list")
        .uploads;
    assert_eq!(uploads.len(), 1);
    assert!(
        session
            .abort_upload("versions", &uploads[0])
            .await
            .expect("aborted")
    );
    assert!(
        session
            .abort_upload("versions", &uploads[0])
            .await
            .expect("gone is aborted")
    );
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn presigned_urls_take_and_give_one_file() {
    let session = with_bucket("exports-test-presigned").await;
    let bucket = Bucket::new("uploads", "exports-test-presigned");
    let upload = UploadRequest::new("user-7", "image/png", 5, "png").expect("valid");
    let signed = session
        .presign_upload(&bucket, &upload)
        .await
        .expect("signed");
    let http = client(true, Duration::from_secs(5), Duration::from_secs(5)).expect("set up");
    let put = http
        .put(&signed.url)
        .header("content-type", "image/png")
        .body("12345");
    assert_eq!(put.send().await.expect("an answer").status().as_u16(), 200);
    let down = session
        .presign_download(&bucket, &signed.key)
        .await
        .expect("signed");
    let got = http.get(&down.url).send().await.expect("an answer");
    assert_eq!(got.headers()["content-type"], "image/png");
    assert_eq!(got.bytes().await.expect("a body").as_ref(), b"12345");
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn tags_are_read() {
    let session = with_bucket("tags").await;
    session.put("tags", &object("a", b"x")).await.expect("put");
    let tags = "<Tagging><TagSet><Tag><Key>kind</Key><Value>draft</Value></Tag></TagSet></Tagging>";
    set_up_with("PUT", "/tags/a?tagging", &SIGNED, tags).await;
    for (value, has) in [("draft", true), ("final", false)] {
        let asked = session.has_tag("tags", "a", None, ("kind", value)).await;
        assert_eq!(asked, Ok(has));
    }
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn who_may_read_a_bucket_is_seen() {
    let is = async |name: &str| {
        let session = store(Name::S3, &origin()).directly();
        let bucket = Bucket {
            access: Some(Access::Public),
            ..Bucket::new("public", name)
        };
        match session.exposure(&bucket).await.as_slice() {
            [Exposure::Right(_)] => "public",
            [Exposure::Wrong(_)] => "private",
            other => panic!("{name}: {other:?}"),
        }
    };
    with_bucket("private").await;
    assert_eq!(is("private").await, "private");
    set_up_with("PUT", "/by-acl", &[("x-amz-acl", "public-read")], "").await;
    assert_eq!(is("by-acl").await, "public");
    let block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
                 <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy>\
                 <RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    set_up("PUT", "/by-acl?publicAccessBlock", block).await;
    assert_eq!(is("by-acl").await, "private");
}

#[tokio::test]
#[ignore = "by hand: just test-moto"]
async fn what_is_not_there_is_told_apart() {
    let session = with_bucket("there").await;
    let missing = session
        .get("there", "nothing", 9)
        .await
        .expect_err("not there");
    assert_eq!(missing.class, ErrorClass::Missing, "{missing}");
    let nowhere = session
        .list("nowhere-at-all", "", None)
        .await
        .expect_err("no bucket");
    assert_eq!(nowhere.class, ErrorClass::Refused, "{nowhere}");
}
