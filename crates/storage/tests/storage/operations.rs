//! Every operation, where there is somebody who knows it.

use std::time::{Duration, SystemTime};

use longshore_sandbox::{Fault, FaultRule};
use longshore_storage::objects::{Deletion, ListedObject, NewObject};
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{ErrorClass, ExpiryRule, MoveResult, Name, Session, Store, move_object};

use crate::fs::Fs;
use crate::{LOOPBACK, config, keys, store};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn object(key: &str, body: &[u8]) -> NewObject {
    NewObject {
        key: key.to_owned(),
        content_type: "text/csv".to_owned(),
        body: body.to_vec(),
    }
}

fn doomed(listed: &ListedObject) -> Deletion {
    Deletion {
        key: listed.key.clone(),
        version: None,
        etag: listed.etag.clone(),
        size: listed.size,
    }
}

/// What both know.
pub(crate) async fn keeps_objects(session: &Session) {
    for n in 0..5 {
        let body = format!("row {n}");
        let object = object(&format!("a/{n} ø.csv"), body.as_bytes());
        session.put("exports-test", &object).await.expect("put");
    }
    let before = SystemTime::now() - Duration::from_secs(60);
    assert!(
        session.clock().is_some_and(|now| now > before),
        "the store's own time"
    );
    let read = session
        .get("exports-test", "a/3 ø.csv", 5)
        .await
        .expect("get");
    assert_eq!(read, b"row 3");
    let large = session
        .get("exports-test", "a/3 ø.csv", 4)
        .await
        .expect_err("too large");
    assert_eq!(large.class, ErrorClass::Refused);
    let missing = session
        .get("exports-test", "b", 4)
        .await
        .expect_err("not there");
    assert_eq!(missing.class, ErrorClass::Missing);

    let page = session
        .list("exports-test", "a/", None)
        .await
        .expect("list");
    let keys: Vec<_> = page.objects.iter().map(|o| o.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "a/0 ø.csv",
            "a/1 ø.csv",
            "a/2 ø.csv",
            "a/3 ø.csv",
            "a/4 ø.csv"
        ]
    );
    assert_eq!(page.next, None);
    let rest = session
        .list("exports-test", "a/", Some("a/2 ø.csv"))
        .await
        .expect("list");
    assert_eq!(rest.objects, page.objects[3..]);

    let batch: Vec<_> = rest.objects.iter().map(doomed).collect();
    let deleted = session
        .delete("exports-test", &batch)
        .await
        .expect("delete");
    assert_eq!((deleted.objects, deleted.bytes), (2, 10));
    let again = session
        .delete("exports-test", &batch)
        .await
        .expect("delete");
    assert_eq!(again.objects, 2, "what is gone counts as deleted");
    let left = session.list("exports-test", "", None).await.expect("list");
    assert_eq!(left.objects.len(), 3);
}

#[tokio::test]
async fn objects_are_put_listed_got_and_deleted() {
    let fs = Fs::start(&["exports-test"]).await;
    keeps_objects(&store(Name::S3, &fs.origin()).directly()).await;
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    keeps_objects(&store(Name::S3, &sandbox.origin()).directly()).await;
}

#[tokio::test]
async fn a_wrong_secret_is_known_by_the_signature_and_a_live_one_is_asked_for_every_time() {
    let fs = Fs::start(&["exports-test"]).await;
    let secret = std::sync::Arc::new(std::sync::Mutex::new("wrong".to_owned()));
    let now = secret.clone();
    let mut settings = config(Name::S3, &fs.origin());
    settings.keys = longshore_storage::CredentialSource::Static(std::sync::Arc::new(move || {
        let longshore_storage::CredentialSource::Static(keys) =
            keys(&now.lock().expect("not poisoned"))
        else {
            unreachable!("they are static");
        };
        keys()
    }));
    let session = Store::new(settings).expect("set up").directly();
    let error = session
        .list("exports-test", "", None)
        .await
        .expect_err("wrong");
    assert_eq!(error.class, ErrorClass::Unauthorized, "{error}");
    assert_eq!(error.answer.code.as_deref(), Some("SignatureDoesNotMatch"));
    S3Sandbox::SECRET_ACCESS_KEY.clone_into(&mut secret.lock().expect("not poisoned"));
    session.list("exports-test", "", None).await.expect("right");
}

#[tokio::test]
async fn what_is_about_a_bucket_is_a_refusal_that_says_what_to_do_and_names_no_key() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    let error = session
        .list("nowhere", "", None)
        .await
        .expect_err("no bucket");
    assert_eq!(error.class, ErrorClass::Refused);
    assert!(error.reason.contains("set buckets."), "{error}");
    let denied = Fault::Answer {
        status: 403,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    };
    sandbox
        .faults()
        .set(vec![FaultRule::always(denied)])
        .expect("set");
    let error = session
        .put("exports", &object("user-7/x", b""))
        .await
        .expect_err("denied");
    assert_eq!(error.class, ErrorClass::Refused);
    assert!(error.reason.contains("AccessDenied"), "{error}");
    assert!(!format!("{error:?}").contains("user-7"), "{error:?}");
}

#[tokio::test]
async fn a_batch_says_of_each_key_what_became_of_it() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    for key in ["a", "b", "c", "d"] {
        sandbox.plant("exports", key, key, DAY);
    }
    let session = store(Name::S3, &sandbox.origin()).directly();
    let listed = session
        .list("exports", "", None)
        .await
        .expect("list")
        .objects;
    sandbox.fail_deletion("exports", "a", "InternalError", 2);
    sandbox.fail_deletion("exports", "b", "AccessDenied", 9);
    sandbox.plant("exports", "c", "another c", Duration::ZERO);
    let batch: Vec<_> = listed.iter().map(doomed).collect();
    let deleted = session.delete("exports", &batch).await.expect("delete");
    let kept: Vec<_> = deleted
        .kept
        .iter()
        .map(|(d, code)| (d.key.as_str(), code.as_str()))
        .collect();
    assert_eq!(kept, [("b", "AccessDenied"), ("c", "PreconditionFailed")]);
    assert_eq!((deleted.objects, deleted.bytes), (2, 2));
    assert_eq!(sandbox.keys("exports"), ["b", "c"]);

    sandbox.fail_deletion("exports", "b", "InternalError", 9);
    let stuck = session
        .delete("exports", &batch[1..2])
        .await
        .expect_err("stuck");
    assert_eq!(stuck.class, ErrorClass::Unavailable);
}

#[tokio::test]
async fn rules_are_applied_beside_those_of_others() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    let rule = |prefix: &str, expire_days| ExpiryRule::new(prefix, expire_days);
    let first = session
        .apply_lifecycle("uploads", &[rule("tmp/", 90)], false)
        .await
        .expect("put");
    assert_eq!(first.added, ["tmp/"]);
    let writes = sandbox.ledger().accepted().len();
    let again = session
        .apply_lifecycle("uploads", &[rule("tmp/", 90)], false)
        .await
        .expect("same");
    assert!(again.is_none());
    assert_eq!(
        sandbox.ledger().accepted().len(),
        writes,
        "nothing was written"
    );
    let other = session
        .apply_lifecycle("uploads", &[rule("tmp/", 30)], false)
        .await
        .expect("put");
    assert_eq!(other.changed, ["tmp/"]);
    let none = session
        .apply_lifecycle("uploads", &[], false)
        .await
        .expect("deleted");
    assert_eq!(none.removed, ["tmp/"]);
    let none = session
        .apply_lifecycle("uploads", &[], false)
        .await
        .expect("nothing to do");
    assert!(none.is_none());
}

#[tokio::test]
async fn versions_and_uploads_are_listed_and_go() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    sandbox.keep_versions("exports");
    sandbox.plant("exports", "a", "1", 3 * DAY);
    sandbox.plant("exports", "a", "22", 2 * DAY);
    sandbox.plant_deletion("exports", "a", DAY);
    sandbox.plant_upload("exports", "big", DAY);
    let session = store(Name::S3, &sandbox.origin()).directly();
    assert!(session.keeps_versions("exports").await.expect("asked"));
    let page = session
        .list_versions("exports", "", None)
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
    let uploads = session
        .list_uploads("exports", "", None)
        .await
        .expect("list")
        .uploads;
    assert!(
        session
            .abort_upload("exports", &uploads[0])
            .await
            .expect("aborted")
    );
    assert!(
        session
            .abort_upload("exports", &uploads[0])
            .await
            .expect("gone is aborted")
    );
    assert!(sandbox.uploads("exports").is_empty());
}

/// What both know, from one store to the other.
pub(crate) async fn moves(from: &Session, to: &Session) {
    let small = object("reconcile/x.csv", b"a,b");
    let large = object("large", &vec![7; 17 * 1024 * 1024]);
    for object in [&small, &large] {
        from.put("exports-away", object).await.expect("put");
    }
    let listed = from
        .list("exports-away", "", None)
        .await
        .expect("list")
        .objects;
    for object in &listed {
        let moved = move_object((from, "exports-away"), (to, "exports-test"), object).await;
        assert_eq!(moved.expect("moved"), MoveResult::Moved);
    }
    assert!(
        from.list("exports-away", "", None)
            .await
            .expect("list")
            .objects
            .is_empty()
    );
    for object in [&small, &large] {
        let there = to
            .get("exports-test", &object.key, 1 << 30)
            .await
            .expect("there");
        assert!(there == object.body, "the same bytes");
        let head = to.head("exports-test", &object.key).await.expect("there");
        assert_eq!(head.content_type.as_deref(), Some("text/csv"));
    }
    // A move that was cut off before its deletion.
    from.put("exports-away", &small).await.expect("put");
    let listed = from
        .list("exports-away", "", None)
        .await
        .expect("list")
        .objects;
    let moved = move_object((from, "exports-away"), (to, "exports-test"), &listed[0]).await;
    assert_eq!(moved.expect("moved"), MoveResult::Moved);
}

#[tokio::test]
async fn objects_are_moved_whole_and_in_parts() {
    let (here, there) = (
        S3Sandbox::start(LOOPBACK).await.expect("started"),
        S3Sandbox::start(LOOPBACK).await.expect("started"),
    );
    let session = |name, origin: String| store(name, &origin).directly();
    let r2 = session(Name::R2, here.origin());
    moves(&r2, &session(Name::S3, there.origin())).await;
    let fs = Fs::start(&["exports-test", "exports-away"]).await;
    moves(&r2, &session(Name::S3, fs.origin())).await;
}

#[tokio::test]
async fn what_is_newer_there_is_not_overwritten() {
    let (here, there) = (
        S3Sandbox::start(LOOPBACK).await.expect("started"),
        S3Sandbox::start(LOOPBACK).await.expect("started"),
    );
    here.plant("exports-away", "x", "old", DAY);
    there.plant("exports-test", "x", "new", Duration::from_secs(60));
    here.plant("exports-away", "y", "new", Duration::from_secs(60));
    there.plant("exports-test", "y", "old", DAY);
    let from = store(Name::R2, &here.origin()).directly();
    let to = store(Name::S3, &there.origin()).directly();
    let listed = from
        .list("exports-away", "", None)
        .await
        .expect("list")
        .objects;
    for (object, became) in listed
        .iter()
        .zip([MoveResult::Superseded, MoveResult::Moved])
    {
        let moved = move_object((&from, "exports-away"), (&to, "exports-test"), object).await;
        assert_eq!(moved.expect("dealt with"), became);
    }
    assert_eq!(
        here.keys("exports-away"),
        ["x"],
        "it stays for somebody to look at"
    );
    for key in ["x", "y"] {
        assert_eq!(
            there.body("exports-test", key).as_deref(),
            Some(&b"new"[..])
        );
    }
}
