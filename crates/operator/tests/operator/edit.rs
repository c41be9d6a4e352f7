//! Correcting args.

use longshore_operator::{Filter, OperatorError};
use longshore_queue::JobState;
use serde_json::json;

use crate::bench::{Bench, bury, enqueue, kari, payload, record};

const ARGS: &str = r#"{"template":"welcome","to":{"email":"ada@example.org"},"data":{"n":1.10}}"#;

#[tokio::test]
async fn a_letter_gets_args_of_its_kind_and_keeps_the_old_ones() {
    let bench = Bench::new();
    let id = bury(&bench.email, 1, "no").await.remove(0);
    let edit = async |args, force| bench.operator.edit(&id, args, force, &kari()).await;
    for wrong in [
        "",
        "{",
        r#"{"template":"welcome"}"#,
        r#"{"template":"welcome","to":{"email":"nobody"},"data":{}}"#,
    ] {
        let error = edit(wrong, true).await.expect_err("is refused");
        assert!(matches!(error, OperatorError::InvalidArgs(_)), "{error:?}");
        assert!(!error.to_string().contains("nobody"), "{error}");
    }
    let (letter, changed) = edit(ARGS, false).await.expect("edits");
    assert!(changed);
    assert_eq!(letter.state, JobState::Dead);
    let shown = serde_json::to_string(&letter).expect("JSON");
    assert!(!shown.contains("ada"), "{shown}");
    assert!(!edit(ARGS, false).await.expect("is so").1);

    let whole = bench
        .operator
        .letter(&id, Some(&kari()))
        .await
        .expect("shows");
    assert_eq!(
        whole.args.expect("decodes")["to"]["email"],
        "ada@example.org"
    );
    let entry = &whole.history[1];
    assert_eq!(
        (entry.outcome.as_str(), entry.worker.as_str()),
        ("edited", "kari")
    );
    assert_eq!(entry.reason.as_deref(), Some("because"));
    let old = entry.old_args.as_ref().expect("is kept");
    assert_eq!(old["to"], json!({ "email": "ada@example.com" }));
    // The audit names no person.
    let rows = bench.operator.audit(None, None, 9).await.expect("reads");
    assert_eq!((rows[0].action.as_str(), &rows[0].target), ("edit", &id));
    assert!(!format!("{rows:?}").contains("example"), "{rows:?}");
    let few = Filter {
        limit: 9,
        ..Filter::default()
    };
    let listed = bench.operator.letters(&few);
    let reason = listed.await.expect("lists").remove(0).reason;
    assert_eq!(
        reason.as_deref(),
        Some("no it was"),
        "what it died of, not why it was edited"
    );
}

#[tokio::test]
async fn what_may_have_been_carried_out_takes_force() {
    let bench = Bench::new();
    let id = bury(&bench.email, 1, "no").await.remove(0);
    record(&bench.email, &id, "run", "1 0 0 1 1").await;
    let edit = async |force| bench.operator.edit(&id, ARGS, force, &kari()).await;
    let refused = edit(false).await.expect_err("is refused");
    assert!(matches!(refused, OperatorError::OutcomeUnknown(_)));
    assert!(refused.to_string().contains("--force"));
    assert!(edit(true).await.expect("edits").1);
}

#[tokio::test]
async fn what_cannot_be_edited_says_what_to_do() {
    let bench = Bench::new();
    let pending = enqueue(&bench.email, 1).await.remove(0);
    let why = async |id: &str| {
        let edited = bench.operator.edit(id, ARGS, true, &kari()).await;
        edited.expect_err("is refused").to_string()
    };
    assert!(why(&pending).await.contains("is pending, not dead"));
    assert!(why("x").await.contains("not a job id"));
    // Of another queue's kind, of none, and garbage.
    let text = bury(&bench.sms, 1, "no").await.remove(0);
    assert!(why(&text).await.contains("enqueue it anew"));
    for bytes in [&b"\xff"[..], br#"{"kind":"x","v":1,"args":{}}"#, b""] {
        payload(&bench.sms, &text, bytes).await;
        assert!(why(&text).await.contains("enqueue it anew"), "{bytes:?}");
    }
    assert!(
        bench
            .operator
            .audit(None, None, 9)
            .await
            .expect("reads")
            .is_empty()
    );
}
