//! What operators do, on a cluster.

use longshore_tests::{Stage, eventually};

/// What reads or writes Redis, and succeeds.
pub(crate) const COMMANDS: &[&str] = &[
    "job ID",
    "queues",
    "queues --json",
    "workers",
    "providers",
    "kinds",
    "enqueue send_email MAIL --in 1h --key k",
    "jobs list --limit 5",
    "jobs list --kind send_email --key k",
    "jobs find --recipient b@example.com",
    "jobs lost --since 1h",
    "jobs cancel --queue email --state scheduled --yes --reason r",
    "operations",
    "limit sms 5/s --for 1m --reason r",
    "limit sms --lift",
    "pause sms --reason r",
    "resume sms",
    "cron list",
    "cron pause yearly --reason r",
    "cron resume yearly --reason r",
    "cron run yearly",
    "suppressions list",
    "mappings import mappings.jsonl",
    "mappings export",
    "mappings count",
    "forget b@example.com --yes --reason r",
    "dead groups",
    "dead list",
    "dead show DEAD",
    "dead edit DEAD --args MAIL --reason r",
    "dead export --queue email --to letters.jsonl",
    "dead replay --queue email --yes --reason r",
    "dead replays",
    "dead discard --queue email --yes --reason r",
    "audit",
    "doctor",
];

/// Every command that reads or writes Redis, but for those that carry on what is under way.
pub(crate) async fn each_of_them(stage: &Stage, id: &str) {
    let text = r#"{"template":"nowhere","to":{"email":"a@example.com"},"data":{}}"#;
    let refused = stage.longshore(&["enqueue", "send_email", text]).await;
    let dead = refused.stdout.trim().to_owned();
    eventually("a mail without a template is dead", || async {
        let job = stage.longshore(&["job", &dead, "--json"]).await;
        job.stdout.contains("\"dead\"")
    })
    .await;
    let payload = r#"{"template":"welcome","to":{"email":"b@example.com"},"data":{}}"#;
    let mapping =
        r#"{"map":"customers","key":"user-7","value":{"customer":"cus_1","provider":"stripe"}}"#;
    let file = stage.dir().join("mappings.jsonl");
    std::fs::write(file, mapping).expect("is written");
    for command in COMMANDS {
        let words = command.split(' ').map(|word| match word {
            "ID" => id,
            "DEAD" => &dead,
            "MAIL" => payload,
            word => word,
        });
        let said = stage.longshore(&words.collect::<Vec<_>>()).await;
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
    }
    let unknown = ["suppressions", "remove", "c@example.com", "--reason", "r"];
    assert_eq!(stage.longshore(&unknown).await.code, Some(1));
    waiting_jobs(stage, payload).await;
    let queues = stage.longshore(&["queues"]).await.stdout;
    for queue in ["email", "sms", "geocode"] {
        assert!(queues.contains(queue), "{queues}");
    }
}

/// Every command for one job that waits.
async fn waiting_jobs(stage: &Stage, payload: &str) {
    let enqueue = ["enqueue", "send_email", payload, "--in", "1h"];
    let waits = stage.longshore(&enqueue).await.stdout.trim().to_owned();
    let other = payload.replace("b@", "c@");
    for args in [
        &["jobs", "edit", &waits, "--args", &other, "--reason", "r"][..],
        &["jobs", "reschedule", &waits, "--in", "2h"],
        &["jobs", "run", &waits],
    ] {
        let said = stage.longshore(args).await;
        assert_eq!(said.code, Some(0), "{args:?}: {said:?}");
    }
    eventually("it was run", || async {
        let job = stage.longshore(&["job", &waits, "--json"]).await;
        job.stdout.contains("\"completed\"")
    })
    .await;
    let waits = stage.longshore(&enqueue).await.stdout.trim().to_owned();
    let cancel = ["jobs", "cancel", &waits, "--reason", "r"];
    let said = stage.longshore(&cancel).await;
    assert_eq!(said.code, Some(0), "{said:?}");
}
