//! Runs the examples, and looks at what they say.

use std::process::Command;

/// What it printed; it ended well.
fn run(program: &str) -> String {
    let ran = Command::new(program).output().expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    said
}

#[test]
fn a_kind_of_ones_own_is_known_and_carried_out() {
    let said = run(env!("CARGO_BIN_EXE_own-kind"));
    assert!(said.contains("5 s (kind)"), "{said}");
    assert!(said.contains(" is completed"), "{said}");
    assert!(said.contains(r#"{"words":3}"#), "{said}");
    assert!(!said.contains("Accepted means kept"), "{said}");
}

#[test]
fn a_fleet_in_ones_own_process_works_and_drains() {
    let said = run(env!("CARGO_BIN_EXE_embed-a-fleet"));
    let lines: Vec<_> = said.lines().collect();
    let expected = [
        "The fleet runs in this process.",
        r#"84 / 2 is completed: {"quotient":42}"#,
        "1 / 0 is dead: nothing can be divided by zero",
        "The fleet has drained, and the process can leave.",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_console_in_an_app_has_the_apps_login_and_its_roles() {
    let said = run(env!("CARGO_BIN_EXE_console-in-your-app"));
    let lines: Vec<_> = said.lines().collect();
    let expected = [
        "nobody: HTTP/1.1 401 Unauthorized: may not cancel the job",
        "bo: HTTP/1.1 200 OK: may not cancel the job",
        "ada: HTTP/1.1 200 OK: may cancel the job",
    ];
    assert_eq!(lines, expected);
}
