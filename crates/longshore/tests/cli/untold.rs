//! What was done is told, whatever takes no words.

use super::Bench;

/// What was done is told on stderr where stdout does not take it.
#[cfg(target_os = "linux")]
#[test]
fn an_effect_is_never_untold() {
    let bench = Bench::new();
    bench.bury(2, "413");
    let group = bench.group();
    let marked = bench.bury(2, "400").remove(0);
    bench.record(&marked, &[("tags", b"spring")]);
    for (args, told) in [
        (
            &[
                "dead", "replay", "--queue", "email", "--group", &group, "--yes",
            ][..],
            "2 dead letters are pending again",
        ),
        (
            &[
                "dead", "discard", "--queue", "email", "--tag", "spring", "--yes", "--reason", "r",
            ],
            "1 dead letter is gone",
        ),
        (
            &[
                "dead",
                "export",
                "--queue",
                "email",
                "--to",
                "x.jsonl",
                "--discard",
                "--yes",
                "--reason",
                "r",
            ],
            "1 dead letter written to x.jsonl; 1 of them discarded",
        ),
        (
            &[
                "jobs", "cancel", "--queue", "email", "--yes", "--reason", "r",
            ],
            "2 jobs cancelled",
        ),
        (&["pause", "email", "--json"], r#""changed":true"#),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut command = bench.command(args);
        let output = command.stdout(full.expect("it is there")).output();
        let output = output.expect("the binary starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
}
