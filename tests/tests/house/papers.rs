//! What ARCHITECTURE.md names is there.

use super::root;

/// Where a path leads, as the page reads them: from the root; `worker/gate.rs` is in that crate; scripts have a place of their own.
fn leads(path: &str) -> Vec<String> {
    if path.ends_with(".lua") {
        return vec![format!("crates/queue/lua/{path}")];
    }
    let inside = path.split_once('/');
    let inside = inside.map(|(of, rest)| format!("crates/{of}/src/{rest}"));
    [Some(path.to_owned()), inside]
        .into_iter()
        .flatten()
        .collect()
}

fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let ends = [".rs", ".lua", ".md", ".toml", "/"];
    span.chars().all(plain) && !span.starts_with('/') && ends.iter().any(|end| span.ends_with(end))
}

#[test]
fn every_path_that_the_architecture_names_is_there() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("is there");
    let quoted = page.split('`').skip(1).step_by(2);
    let linked = page.split("](").skip(1);
    let linked = linked.filter_map(|rest| rest.split([')', '#']).next());
    let paths: Vec<_> = quoted.chain(linked).filter(|span| is_path(span)).collect();
    assert!(paths.len() > 100, "{} paths", paths.len());
    let missing: Vec<_> = paths
        .into_iter()
        .filter(|path| !leads(path).iter().any(|place| root().join(place).exists()))
        .collect();
    assert!(missing.is_empty(), "they are not there: {missing:?}");
}

/// A file that `main.rs` does not name would be compiled by nobody, and its flows would never run.
#[test]
fn every_flow_is_in_the_program_of_flows() {
    let dir = root().join("tests/tests");
    let main = std::fs::read_to_string(dir.join("main.rs")).expect("is there");
    let files = std::fs::read_dir(&dir).expect("is there");
    let names = files.map(|entry| {
        entry
            .expect("reads")
            .file_name()
            .into_string()
            .expect("UTF-8")
    });
    let flows = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned));
    // These are programs of their own.
    let flows = flows.filter(|name| !["main", "house", "stripe_mock"].contains(&name.as_str()));
    let missing: Vec<_> = flows
        .filter(|name| !main.contains(&format!("mod {name};\n")))
        .collect();
    assert!(
        missing.is_empty(),
        "tests/tests/main.rs does not name {missing:?}"
    );
}

#[test]
fn the_page_of_metrics_is_what_the_roles_tell() {
    let names = |file: &str| {
        let file = root().join("crates").join(file).join("names.txt");
        std::fs::read_to_string(file).expect("its test writes it")
    };
    // What the program adds to roles that make spans.
    let of_all = names("app/src/telemetry");
    let role = |file: &str| names(file) + &of_all;
    let roles = [
        ("work", role("worker/src/metrics")),
        ("webhooks", role("webhooks/src/metrics")),
        ("api", role("api/src/metrics")),
        ("console", role("console/src/metrics")),
        ("outbox", names("outbox/src/carrier/metrics")),
    ];
    let page = longshore_tests::metrics::page(&roles);
    longshore_tests::metrics::is_as_in(&page, &root().join("docs/metrics.md"));
}
