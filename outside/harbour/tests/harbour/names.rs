//! What this program tells to run is this program.

use std::process::Output;

use super::Harbour;

fn said(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    of(&output.stdout) + &of(&output.stderr)
}

#[test]
fn help_names_this_program_and_its_version() {
    let harbour = Harbour::with("");
    let pages = tempfile::tempdir().expect("a directory");
    let dir = pages.path().to_str().expect("UTF-8");
    assert!(harbour.run(&["man", "--dir", dir]).status.success());
    let mut count = 0;
    for page in std::fs::read_dir(dir).expect("a directory") {
        let page = page.expect("a page").path();
        let text = std::fs::read_to_string(&page).expect("a page");
        assert!(!text.contains("longshore "), "{}: {text}", page.display());
        count += 1;
    }
    assert!(count > 40, "{count}");
    for shell in ["bash", "zsh", "fish"] {
        let script = said(&harbour.run(&["completions", shell]));
        assert!(script.contains("harbour dead groups --ids"), "{script}");
        assert!(!script.contains("longshore "), "{script}");
    }
    let own = concat!("harbour ", env!("CARGO_PKG_VERSION"), "\n");
    for flag in ["-V", "--version"] {
        assert_eq!(said(&harbour.run(&[flag])), own);
    }
}

#[test]
fn errors_and_cures_name_this_program() {
    let harbour = Harbour::with("");
    let calls: &[&[&str]] = &[
        &["work"],
        &["doctor"],
        &["doctor", "--json"],
        &["workers"],
        &["cron", "list"],
        &["dead", "list", "--group", "195fc433de43"],
        &["operations", "show", "01JD2Z5V9GQ8X0T6M3K7W4R1YB"],
        &["dead", "replays", "cancel", "01JD2Z5V9GQ8X0T6M3K7W4R1YB"],
        &["sandbox", "fault", "list"],
        &["sandbox", "fault", "clear"],
        &["pause", "payment-reconcile"],
        &["pause", "payment-reconcile"],
        &["queues"],
        &["config", "check"],
        &["config", "defaults"],
        &["enqueue", "--help"],
    ];
    let mut cures = 0;
    for args in calls {
        let said = said(&harbour.run(args));
        assert!(!said.contains("`longshore "), "{args:?}: {said}");
        cures += usize::from(said.contains("`harbour "));
    }
    assert!(cures >= 8, "{cures}");
}
