//! `suppressions`. They stand in the queue of mails.

use longshore_job::{AddressHash, JobId, Suppress, SuppressedFor};
use serde_json::json;

use super::{Bench, NOBODY};

impl Bench {
    pub(crate) fn suppress(
        &self,
        address: &str,
        reason: SuppressedFor,
        job: Option<JobId>,
    ) -> String {
        let suppress = Suppress {
            address: AddressHash::of(address),
            reason,
            event: None,
            is_over: false,
        };
        let suppressed = self.queue.suppress(&suppress, job);
        self.runtime.block_on(suppressed).expect("suppresses");
        suppress.address.to_string()
    }

    /// As if it had been suppressed then.
    fn since(&self, hash: &str, ms: u64) {
        let key = format!("{}:suppressed", self.queue.keys().map);
        let entry = format!(r#"{{"reason":"bounce","at":{ms}}}"#);
        self.redis(&[b"HSET", key.as_bytes(), hash.as_bytes(), entry.as_bytes()]);
    }
}

const REMOVE: [&str; 2] = ["suppressions", "remove"];

#[test]
fn they_are_listed_by_their_hashes_newest_first() {
    let bench = Bench::new();
    let none = bench.unchanged(&["suppressions", "list"]).ok();
    assert_eq!(
        (&*none.stdout, none.stderr.contains("no address")),
        ("", true)
    );
    let none = bench.run(&["suppressions", "list", "--json"]).json();
    assert_eq!(none, json!([]));
    let job = bench.enqueue(1).remove(0);
    let (bounced, spam) = (SuppressedFor::Bounce, SuppressedFor::SpamReport);
    let ada = bench.suppress(
        "ada@example.com",
        bounced,
        Some(job.parse().expect("an id")),
    );
    let bob = bench.suppress("bob@example.com", spam, None);
    bench.since(&bob, 1_763_912_345_678);
    let rows = bench.unchanged(&["suppressions", "list", "--json"]).json();
    assert_eq!(rows[0]["hash"], ada);
    assert_eq!(
        (&rows[0]["reason"], &rows[0]["job"]),
        (&json!("bounce"), &json!(job))
    );
    let expected = json!({
        "hash": bob, "reason": "bounce", "since": "2025-11-23T15:39:05.678Z", "job": null,
    });
    assert_eq!(rows[1], expected);

    let table = bench.run(&["suppressions", "list"]).ok();
    assert!(table.lines()[1].starts_with(&ada[..16]), "{}", table.stdout);
    let one = bench.run(&["suppressions", "list", "--limit", "1"]).ok();
    assert_eq!(one.lines().len(), 2);
    assert!(
        one.stderr.contains("the newest 1 of 2 suppressions"),
        "{}",
        one.stderr
    );
    bench
        .run(&["suppressions", "list", "--limit", "0"])
        .fails(2, "0 is not in");
}

#[test]
fn one_is_removed_by_its_address_or_its_hash() {
    let bench = Bench::new();
    let because = ["--reason", "the mailbox is back", "--yes"];
    for which in ["Ada@example.com", "HASH", "PREFIX"] {
        let hash = bench.suppress("ada@example.com", SuppressedFor::Bounce, None);
        let other = bench.suppress("bob@example.com", SuppressedFor::Bounce, None);
        let which = match which {
            "HASH" => &*hash,
            "PREFIX" => &hash[..16],
            address => address,
        };
        let args = [&REMOVE[..], &[which], &because].concat();
        let ran = bench.run(&args).ok();
        assert_eq!(
            ran.stdout,
            format!("{} is no longer suppressed\n", &hash[..16])
        );
        for word in ["by=\"kari\"", "the mailbox is back", hash.as_str()] {
            assert!(ran.stderr.contains(word), "no {word} in {}", ran.stderr);
        }
        assert!(
            !ran.stderr.to_lowercase().contains("ada@"),
            "{}",
            ran.stderr
        );
        let left = bench.run(&["suppressions", "list", "--json"]).json();
        assert_eq!(
            (left.as_array().map(Vec::len), &left[0]["hash"]),
            (Some(1), &json!(other))
        );
        bench
            .unchanged(&args)
            .fails(1, "not on the suppression list");
    }
    bench.suppress("ada@example.com", SuppressedFor::SpamReport, None);
    let args = [&REMOVE[..], &["ada@example.com", "--json"], &because].concat();
    let removed = bench.run(&args).json();
    assert_eq!(removed["removed"]["reason"], "spam_report");
}

#[test]
fn what_is_not_meant_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    let hash = bench.suppress("ada@example.com", SuppressedFor::Bounce, None);
    let twin = format!("{}{}", &hash[..32], "0".repeat(32));
    bench.since(&twin, 1);
    let because = ["--reason", "x", "--yes"];
    for (args, code, why) in [
        (&["ada@example.com", "--reason", "x"][..], 2, "add --yes"),
        (&["ada@example.com", "--yes"], 2, "--reason"),
        (&["ada@example.com", "--yes", "--reason", " "], 2, "say why"),
        (
            &[&["bob@example.com"], &because[..]].concat(),
            1,
            "not on the suppression list",
        ),
        (
            &[&["00000000"], &because[..]].concat(),
            1,
            "not on the suppression list",
        ),
        (&[&[&hash[..16]], &because[..]].concat(), 2, "2 addresses"),
        (
            &[&["1234567"], &because[..]].concat(),
            2,
            "at least 8 digits",
        ),
        (
            &[&["ada(at)example.com"], &because[..]].concat(),
            2,
            "write the address",
        ),
        (&[&[NOBODY], &because[..]].concat(), 2, "write the address"),
    ] {
        let ran = bench
            .unchanged(&[&REMOVE[..], args].concat())
            .fails(code, why);
        for person in ["ada", "bob"] {
            assert!(!ran.stderr.contains(person), "{}", ran.stderr);
        }
    }
}

#[test]
fn numbers_have_a_list_of_their_own() {
    let bench = Bench::new();
    let sms = ["--channel", "sms"];
    let because = ["--reason", "asked us by phone", "--yes"];
    let number = "+4790000000";
    let list = |channel: &[&str]| {
        let args = [&["suppressions", "list", "--json"], channel].concat();
        bench.run(&args).json()
    };
    let none = bench.run(&[&["suppressions", "list"], &sms[..]].concat());
    assert!(none.ok().stderr.contains("no number"));
    let add = |which: &str| {
        let args = [&["suppressions", "add", which], &sms[..], &because].concat();
        bench.run(&args)
    };
    let ran = add("+47 900 00 000").ok();
    let hash = AddressHash::of(number).to_string();
    assert_eq!(ran.stdout, format!("{} is suppressed\n", &hash[..16]));
    assert!(!ran.stderr.contains("9000") && ran.stderr.contains("asked us by phone"));
    add(number).fails(1, "suppressed already");
    add(&hash[..16]).fails(2, "write the number itself");
    add("ada@example.com").fails(2, "write the number");
    let rows = list(&sms);
    assert_eq!(
        (&rows[0]["hash"], &rows[0]["reason"]),
        (&json!(hash), &json!("operator"))
    );
    assert_eq!(list(&[]), json!([]), "that of addresses is another");
    let audit = bench.run(&["audit", "--json"]).json();
    assert_eq!(
        (&audit[0]["action"], &audit[0]["target"]),
        (&json!("suppress"), &json!(&hash[..8]))
    );

    let forget = ["forget", number, "--dry-run"];
    let found = bench.run(&forget).ok();
    assert!(
        found.stdout.contains("stays on the suppression list"),
        "{}",
        found.stdout
    );
    let remove = [&REMOVE[..], &[&hash[..16]], &sms, &because].concat();
    let removed = bench.run(&remove).ok();
    assert!(removed.stderr.contains("START"), "{}", removed.stderr);
    assert_eq!(list(&sms), json!([]));
    add(number).ok();
    let forget = [
        "forget",
        number,
        "--suppressions",
        "--reason",
        "request 17",
        "--yes",
    ];
    bench.run(&forget).ok();
    assert_eq!(list(&sms), json!([]));
}
