//! `longshore demo`: it ends well only when what it shows is true.

use std::process::Command;

#[test]
fn the_demo_shows_what_is_true() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_longshore"));
    let ran = demo.args(["demo", "--jobs", "200"]).output().expect("runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    let last = said.lines().last().unwrap_or_default();
    assert_eq!(
        last,
        "accepted = completed + dead, and the providers saw each effect once."
    );
}
