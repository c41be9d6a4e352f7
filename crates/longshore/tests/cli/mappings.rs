//! `mappings`. They stand in the queue of payments.

use serde_json::json;

use super::Bench;

const ADA: &str =
    r#"{"map":"customers","key":"user-7","value":{"customer":"cus_1","provider":"stripe"}}"#;
const SUB: &str = r#"{"map":"subscriptions","key":"sub_1","value":"stripe"}"#;

#[test]
fn what_is_imported_is_exported_again() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["mappings", "export"]).ok().stdout, "");
    let lines = format!("{ADA}\n\n{SUB}\n");
    let ran = bench.pipe(&["mappings", "import", "-", "--json"], lines.as_bytes());
    assert_eq!(ran.done(), json!({ "added": 2, "same": 0, "replaced": 0 }));
    let again = bench.pipe(&["mappings", "import", "-", "--json"], lines.as_bytes());
    assert_eq!(
        again.done(),
        json!({ "added": 0, "same": 2, "replaced": 0 })
    );
    let exported = bench.run(&["mappings", "export"]).ok();
    assert_eq!(exported.lines(), [ADA, SUB]);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    bench
        .pipe(&["mappings", "import", "-"], ADA.as_bytes())
        .ok();
    let moved = ADA.replace("cus_1", "other_1").replace("stripe", "other");
    for (lines, why) in [
        (format!("{SUB}\nnonsense"), "line 2: is no mapping"),
        (
            format!("{SUB}\n{}", ADA.replace("customers", "users")),
            "line 2: map",
        ),
        (
            format!("{SUB}\n{}", SUB.replace("\"stripe\"", "7")),
            "line 2: value",
        ),
        (format!("{SUB}\n{moved}"), "1 mapping would be replaced"),
    ] {
        let before = bench.state();
        bench
            .pipe(&["mappings", "import", "-"], lines.as_bytes())
            .fails(2, why);
        assert_eq!(bench.state(), before, "{why}");
    }
    bench
        .run(&["mappings", "import", "nowhere.jsonl"])
        .fails(2, "nowhere.jsonl");
    let ran = bench.pipe(&["mappings", "import", "-", "--replace"], moved.as_bytes());
    assert_eq!(ran.ok().stdout, "0 added, 1 replaced, 0 were the same\n");
    assert_eq!(bench.run(&["mappings", "export"]).ok().lines(), [moved]);
}
