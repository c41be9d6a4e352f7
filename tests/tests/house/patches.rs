//! The patches of `just prove` still fit: that run is by hand, so they would rot unseen.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{root, sources_in};

/// What stands before the change itself: lines that begin with a word and a colon.
fn head(patch: &str) -> &str {
    patch
        .split_once("\ndiff --git ")
        .map_or("", |(head, _)| head)
}

fn value<'a>(head: &'a str, word: &str) -> Option<&'a str> {
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix(word)?.strip_prefix(": "))
}

fn patches() -> Vec<PathBuf> {
    let dir = root().join("tests/prove/patches");
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut patches: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    patches.sort();
    patches
}

fn named(patch: &Path) -> String {
    let name = patch.file_stem().expect("a name");
    name.display().to_string()
}

#[test]
fn each_guard_that_prove_takes_out_is_where_its_patch_has_it() {
    let patches = patches();
    assert!(patches.len() >= 19, "{} patches", patches.len());
    for patch in patches {
        let checked = Command::new("git")
            .args(["apply", "--check"])
            .arg(&patch)
            .current_dir(root())
            .output()
            .expect("git is there");
        assert!(
            checked.status.success(),
            "{}: find the guard, and make the patch anew: {}",
            named(&patch),
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

#[test]
fn each_patch_says_what_it_puts_back_and_which_test_notices() {
    let sources = sources_in(&["crates"]);
    for patch in patches() {
        let text = std::fs::read_to_string(&patch).expect("UTF-8");
        let (head, name) = (head(&text), named(&patch));
        for word in ["Fault", "Breaks", "Says"] {
            let value = value(head, word).unwrap_or_default();
            assert!(!value.trim().is_empty(), "{name} has no line `{word}: `");
        }
        let test = value(head, "Test").unwrap_or_default();
        let of = test
            .split(' ')
            .next()
            .and_then(|package| package.strip_prefix("longshore-"));
        let dir = format!("crates/{}/", of.expect("a package"));
        let function = test.rsplit([' ', ':']).next().unwrap_or_default();
        let function = format!("fn {function}()");
        let mut of_crate = sources.iter().filter(|(path, _)| path.starts_with(&dir));
        assert!(
            of_crate.any(|(_, source)| source.contains(&function)),
            "{name}: {test} is not there"
        );
    }
}
