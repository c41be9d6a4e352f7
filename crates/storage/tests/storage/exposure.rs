//! Who can read a bucket, as far as the store says.

use longshore_sandbox::{Fault, FaultRule};
use longshore_storage::sandbox::S3Sandbox;
use longshore_storage::{Access, Bucket, Exposure, Name};

use crate::{LOOPBACK, bucket, store};

fn should_be(access: Access) -> Bucket {
    Bucket {
        access: Some(access),
        ..bucket()
    }
}

#[tokio::test]
async fn what_blocks_access_wins_over_what_grants_it() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    for (acl, policy, blocked, public) in [
        (false, None, false, false),
        (true, None, false, true),
        (false, Some(false), false, false),
        (false, Some(true), false, true),
        (true, Some(true), true, false),
    ] {
        sandbox.expose("exports-test", acl, policy, blocked);
        let as_private = session.exposure(&should_be(Access::Private)).await;
        let as_public = session.exposure(&should_be(Access::Public)).await;
        let wrong = |found: &[Exposure]| matches!(found, [Exposure::Wrong(_)]);
        let right = |found: &[Exposure]| matches!(found, [Exposure::Right(_)]);
        let (is, is_not) = match public {
            true => (&as_public, &as_private),
            false => (&as_private, &as_public),
        };
        let case = (acl, policy, blocked);
        assert!(
            right(is) && wrong(is_not),
            "{case:?}: {as_private:?} {as_public:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_and_never_taken_for_well() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let denied = Fault::Answer {
        status: 403,
        headers: [].into(),
        body: None,
        effect: false,
    };
    sandbox
        .faults()
        .set(vec![FaultRule::always(denied)])
        .expect("set");
    let both = Bucket {
        versioned: Some(true),
        ..should_be(Access::Private)
    };
    let session = store(Name::S3, &sandbox.origin()).directly();
    let found = session.exposure(&both).await;
    assert_eq!(found.len(), 2);
    for one in &found {
        let Exposure::Unknown(why) = one else {
            panic!("{one:?}");
        };
        assert!(why.contains("AccessDenied"), "{why}");
    }
    let r2 = store(Name::R2, &sandbox.origin()).directly();
    let requests = sandbox.ledger().requests();
    let found = r2.exposure(&both).await;
    assert!(matches!(&found[..], [Exposure::Unknown(why)] if why.contains("cannot be asked")));
    assert_eq!(r2.exposure(&bucket()).await, [], "nothing was said of it");
    assert_eq!(
        sandbox.ledger().requests(),
        requests,
        "it does not know these calls"
    );
}

#[tokio::test]
async fn versions_are_compared() {
    let sandbox = S3Sandbox::start(LOOPBACK).await.expect("started");
    let session = store(Name::S3, &sandbox.origin()).directly();
    let wanted = |versioned| Bucket {
        versioned: Some(versioned),
        ..bucket()
    };
    let found = session.exposure(&wanted(true)).await;
    assert_eq!(found, [Exposure::Wrong("keeps no versions".to_owned())]);
    sandbox.keep_versions("exports-test");
    let found = session.exposure(&wanted(true)).await;
    assert_eq!(found, [Exposure::Right("keeps versions".to_owned())]);
    assert_eq!(
        session.exposure(&bucket()).await,
        [],
        "nothing was said of it"
    );
}
