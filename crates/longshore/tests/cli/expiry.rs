//! A job that is not to start from a certain time on.

use std::collections::BTreeMap;

use longshore_job::JobId;

use super::bench::Bench;

const MAIL: &str = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;

impl Bench {
    /// So long after it is due a job expires, in ms.
    fn life(&self, id: &str) -> Option<u64> {
        let id: JobId = id.parse().expect("an id");
        let fields: BTreeMap<String, String> = self
            .runtime
            .block_on(self.queue.fields_of(&id.into()))
            .expect("asks");
        let time = |name: &str| fields.get(name)?.parse::<u64>().ok();
        Some(time("exp")? - time("due").or_else(|| time("at"))?)
    }
}

#[test]
fn a_time_is_named_and_has_to_be_later_than_the_job_is_due() {
    let bench = Bench::new();
    let mail = ["enqueue", "send_email", MAIL];
    let at = ["--at", "2099-01-01T12:00:00Z"];
    let end = |time| [&mail[..], &at, &["--expires-at", time]].concat();
    let ran = bench.run(&end("2099-01-01T14:00:00+01:00")).ok();
    assert_eq!(bench.life(ran.lines()[0]), Some(3_600_000));
    for (time, why) in [
        (
            "2099-01-01T12:00:00Z",
            "later than the time at which the job is due",
        ),
        (
            "2098-01-01T12:00:00Z",
            "later than the time at which the job is due",
        ),
        ("tomorrow", "RFC 3339"),
    ] {
        bench.unchanged(&end(time)).fails(2, why);
    }
    let both = [&end("2099-01-01T13:00:00Z")[..], &["--expires-in", "1h"]].concat();
    bench.unchanged(&both).fails(2, "--expires-at");
    let slip = [&mail[..], &at, &["--expires-in", "1h"]].concat();
    bench
        .unchanged(&slip)
        .fails(2, "name the time by expires_at");
}

#[test]
fn a_line_names_times_too() {
    let bench = Bench::new();
    let enqueue = |lines: &str| {
        let all = [
            "enqueue",
            "send_email",
            "-",
            "--in",
            "1h",
            "--expires-in",
            "3h",
        ];
        bench.pipe(&all, lines.as_bytes())
    };
    let line = |more: &str| format!(r#"{{"args":{MAIL},{more}}}"#);
    let good = [
        line(r#""at":"2099-01-01T12:00:00Z","expires_at":"2099-01-01T13:00:00Z""#),
        line(r#""expires_in":"2h""#),
        line(r#""key":"k""#),
    ];
    let ran = enqueue(&good.join("\n")).ok();
    let lives: Vec<_> = ran.lines().iter().map(|id| bench.life(id)).collect();
    assert_eq!(lives, [1, 2, 3].map(|hours| Some(hours * 3_600_000)));
    for (more, why) in [
        (r#""at":"2099-01-01T12:00:00Z","in":"1h""#, "one of the two"),
        (
            r#""expires_at":"2099-01-01T13:00:00Z","expires_in":"3h""#,
            "one of the two",
        ),
        (r#""expires_at":"2020-01-01T13:00:00Z""#, "later than now"),
        (r#""expires_at":"soon""#, "RFC 3339"),
        (r#""expires_in":"soon""#, "90s, 15m"),
    ] {
        let before = bench.state();
        enqueue(&line(more)).fails(2, why);
        assert_eq!(bench.state(), before);
    }
}
