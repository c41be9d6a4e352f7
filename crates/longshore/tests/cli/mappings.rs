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
        (format!("{SUB}\n{SUB}"), "line 2: key: has a line already"),
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
    // What the user was before stays beside it.
    let was = r#","was":{"customer":"cus_1","provider":"stripe"}}}"#;
    let both = format!("{}{was}", moved.trim_end_matches('}'));
    assert_eq!(bench.run(&["mappings", "export"]).ok().lines(), [both]);
    let again = bench.pipe(&["mappings", "import", "-"], moved.as_bytes());
    assert_eq!(again.ok().stdout, "0 added, 0 replaced, 1 were the same\n");
}

#[test]
fn a_spreadsheet_takes_them_out_and_in_and_they_are_counted() {
    let bench = Bench::new();
    let header = "map,key,provider,customer,was_provider,was_customer\r\n";
    let lines = "customers,user-7,other,other_1,stripe,cus_1\r\nsubscriptions,sub_1,stripe,,,\r\n";
    let csv = format!("{header}{lines}");
    let file = bench.dir.path().join("moved.csv");
    std::fs::write(&file, &csv).expect("written");
    let path = file.to_str().expect("UTF-8");
    let ran = bench.run(&["mappings", "import", path]).ok();
    assert_eq!(ran.stdout, "2 added, 0 replaced, 0 were the same\n");
    assert_eq!(bench.run(&["mappings", "export", "--csv"]).ok().stdout, csv);
    let counted = bench.run(&["mappings", "count", "--json"]).json();
    assert_eq!(
        counted,
        json!([
            { "map": "customers", "provider": "other", "count": 1 },
            { "map": "subscriptions", "provider": "stripe", "count": 1 },
        ])
    );
    let before = bench.state();
    for (csv, why) in [
        (lines.to_owned(), "line 1: is not the header"),
        (
            format!("{header}customers,user-8,other"),
            "line 2: has 3 fields",
        ),
        (format!("{header}customers,user-8,,x,,"), "line 2: value"),
    ] {
        bench
            .pipe(&["mappings", "import", "-", "--csv"], csv.as_bytes())
            .fails(2, why);
        assert_eq!(bench.state(), before, "{why}");
    }
}
