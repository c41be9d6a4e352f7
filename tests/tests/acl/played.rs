//! That the play has all of it.

use std::collections::BTreeSet;
use std::path::Path;

use longshore_tests::Stage;

/// Commands that the play has not: they do not touch Redis, or are roles of their own.
const NOT_PLAYED: &[&str] = &[
    "api",
    "completions",
    "config check",
    "config defaults",
    "config show",
    "console hash password",
    "demo",
    "healthcheck",
    "longshore",
    "man",
    "sandbox fault clear",
    "sandbox fault list",
    "smoke",
    "webhooks",
    "work",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_and_every_call_of_the_client_is_played() {
    let stage = Stage::set().await;
    let dir = tempfile::tempdir().expect("a directory");
    let man = dir.path().to_str().expect("UTF-8");
    assert_eq!(stage.longshore(&["man", "--dir", man]).await.code, Some(0));
    let pages = std::fs::read_dir(dir.path()).expect("lists");
    let names = pages.map(|page| page.expect("reads").file_name().into_string());
    let names: BTreeSet<String> = names.map(|name| name.expect("UTF-8")).collect();
    let play = include_str!("play.rs");
    let played = [play, include_str!("../redis_topologies/commands.rs")].concat();
    for page in &names {
        let page = page.trim_end_matches(".1");
        let command = page.trim_start_matches("longshore-").replace('-', " ");
        let is_group = names
            .iter()
            .any(|other| other.starts_with(&format!("{page}-")));
        // A line of a list, or words of one.
        let words = command.replace(' ', "\", \"");
        let ways = [
            format!("\"{command} "),
            format!("\"{command}\""),
            format!("\"{words}\""),
        ];
        assert!(
            is_group
                || NOT_PLAYED.contains(&command.as_str())
                || ways.iter().any(|way| played.contains(way)),
            "`longshore {command}` is not played"
        );
    }
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/client/src");
    let play: String = play.split_whitespace().collect();
    for file in ["client.rs", "jobs.rs"] {
        let source = std::fs::read_to_string(client.join(file)).expect("is there");
        for call in source.split("pub async fn ").skip(1) {
            let name = call.split(['<', '(']).next().unwrap_or_default();
            let mut ways = ["(", "::<"]
                .iter()
                .map(|begin| format!("client.{name}{begin}"));
            assert!(
                ways.any(|way| play.contains(&way)),
                "Client::{name} is not played"
            );
        }
    }
}
