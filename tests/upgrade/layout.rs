//! A queue whose keys are laid out in a way that a build does not know: it refuses, says so, and changes nothing.

use std::time::Duration;

use longshore_client::JobState;
use longshore_tests::{Caller, Stage};
use tokio::time::timeout;

use crate::builds::{Build, Builds};

pub(crate) const NAME: &str = "layout";

/// A layout that is years away.
const OF_TOMORROW: &str = "999";

/// How long a command may take.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn run(builds: &Builds) -> Vec<String> {
    let mut problems = Vec::new();
    for build in Build::BOTH {
        meets(build, builds, &mut problems).await;
    }
    problems
}

async fn meets(build: Build, builds: &Builds, problems: &mut Vec<String>) {
    let stage = Stage::set().await;
    // A queue has a layout once it was worked.
    let mut first = stage.worker().start().await;
    let ids = stage.enqueue(1).await;
    stage.done_once(&ids).await;
    first.stop();
    first.left_within(Duration::from_secs(20)).await;
    let id = stage.enqueue(1).await[0];
    let mut lay = redis::cmd("HSET");
    lay.arg(&stage.queue.keys().timeline)
        .arg("layout")
        .arg(OF_TOMORROW);
    let _: u8 = stage.queue.link().command(&lay).await.expect("writes");

    let words = format!("layout {OF_TOMORROW}");
    let caller = Caller::new(&stage, builds.of(build));
    let mail = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;
    let calls: [&[&str]; 4] = [
        &["enqueue", "send_email", mail],
        &["queues"],
        &["work", "--queue", "email"],
        &["doctor"],
    ];
    // The `doctor` of earlier builds does not name layouts.
    let known = if build == Build::Now { 4 } else { 3 };
    for args in &calls[..known] {
        let said = timeout(ENDED_WITHIN, caller.call(args, "")).await;
        let said = said.expect("it ends by itself");
        let told = said.stdout.contains(&words) || said.stderr.contains(&words);
        if said.code == Some(0) || !told {
            problems.push(format!("{build}, `{}`: {said:?}", args[0]));
        }
    }
    let job = stage.queue.job(&id.into()).await.expect("looks");
    if job.is_none_or(|job| job.state != JobState::Pending) {
        problems.push(format!("{build} changed a queue that it cannot read"));
    }
    if stage.ledger().requests() != 1 {
        problems.push(format!(
            "{build} sent a mail of a queue that it cannot read"
        ));
    }
}
