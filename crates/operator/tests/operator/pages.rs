//! Jobs and the audit page by page, the search, and a job's story.

use longshore_operator::{AuditQuery, ConfiguredFleet, JobFilter, Signed, StoryKind, Target};
use longshore_queue::JobState;

use crate::bench::{Bench, bury, enqueue, kari, payload, record};

#[tokio::test]
async fn each_job_of_a_queue_is_on_one_page() {
    let bench = Bench::new();
    let mut all = enqueue(&bench.email, 120).await;
    all.extend(bury(&bench.email, 30, "no").await);
    for (states, most) in [(vec![], 150), (vec![JobState::Dead], 30)] {
        let filter = JobFilter {
            states,
            ..JobFilter::default()
        };
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = bench
                .operator
                .job_page("email", &filter, after.as_deref())
                .await;
            let page = page.expect("reads");
            assert!(page.rows.len() < 150, "{} on one page", page.rows.len());
            seen.extend(page.rows.into_iter().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        // Letters were taken from among the first, so there are thirty fewer that wait.
        assert_eq!(seen.len(), most.min(150), "{filter}");
    }
    let nonsense = bench
        .operator
        .job_page("email", &JobFilter::default(), Some("x.y"))
        .await;
    assert_eq!(nonsense.expect("reads").rows, []);
}

#[tokio::test]
async fn a_filter_that_means_few_looks_at_so_many_and_says_where_to_go_on() {
    let bench = Bench::new();
    for _ in 0..3 {
        enqueue(&bench.email, 1000).await;
    }
    let filter = JobFilter {
        tag: Some("spring".to_owned()),
        ..JobFilter::default()
    };
    let page = bench.operator.job_page("email", &filter, None).await;
    let page = page.expect("reads");
    assert_eq!(page.rows, []);
    assert!((2500..3000).contains(&page.looked), "{}", page.looked);
    let after = page.next.expect("there are more");
    let rest = bench
        .operator
        .job_page("email", &filter, Some(&after))
        .await;
    assert_eq!(rest.expect("reads").next, None);
}

#[tokio::test]
async fn a_job_is_found_by_its_id_a_group_by_its_name_and_nothing_by_nonsense() {
    let bench = Bench::new();
    let id = enqueue(&bench.sms, 1).await.remove(0);
    let found = bench
        .operator
        .search(&format!(" {id} "))
        .await
        .expect("looks");
    assert_eq!(found.by_id[0].id, id);
    bury(&bench.email, 1, "no").await;
    let group = bench.operator.groups(None).await.expect("lists").remove(0);
    let found = bench.operator.search(&group.group).await.expect("looks");
    assert_eq!(found.groups, ["email"]);
    for text in [
        "",
        "nobody",
        "<script>",
        &"x".repeat(10_000),
        "\u{202e}\u{1b}[2J",
    ] {
        let found = bench.operator.search(text).await.expect("looks");
        assert!(found.is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn the_audit_is_searched_by_who_what_and_which_page_by_page() {
    let bench = Bench::new();
    let mails = bury(&bench.email, 3, "no").await;
    let ola = Signed::new("ola", "why not");
    for (round, queue) in ["email", "sms"].into_iter().cycle().take(8).enumerate() {
        match round % 4 {
            0 | 1 => drop(bench.operator.pause(queue, &kari()).await.expect("pauses")),
            _ => drop(bench.operator.resume(queue, &ola).await.expect("resumes")),
        }
    }
    let one = Target::Ids(vec![mails[0].clone()]);
    bench
        .operator
        .replay(&one, &ola, |_| {})
        .await
        .expect("moves");
    let all = |query: AuditQuery| {
        let operator = &bench.operator;
        async move {
            let (mut rows, mut after) = (Vec::new(), None::<String>);
            loop {
                let page = operator.audit_page(&query, after.as_deref(), 2).await;
                let page = page.expect("reads");
                assert!(page.rows.len() <= 2);
                rows.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    return rows;
                }
            }
        }
    };
    let rows = all(AuditQuery::default()).await;
    assert_eq!(rows.len(), 9);
    assert!(rows.is_sorted_by(|a, b| a.at >= b.at), "{rows:#?}");
    let by = AuditQuery {
        by: Some("OLA".to_owned()),
        action: Some("resume".to_owned()),
        queue: Some("sms".to_owned()),
        ..AuditQuery::default()
    };
    let told: Vec<_> = all(by)
        .await
        .into_iter()
        .map(|row| (row.by, row.queue))
        .collect();
    assert_eq!(
        told,
        [
            ("ola".to_owned(), "sms".to_owned()),
            ("ola".to_owned(), "sms".to_owned())
        ]
    );
    let target = AuditQuery {
        target: Some(mails[0].clone()),
        ..AuditQuery::default()
    };
    assert_eq!(all(target).await.len(), 1);
}

#[tokio::test]
async fn a_story_tells_runs_probes_and_acts_apart_in_their_order() {
    let bench = Bench::new();
    let id = bury(&bench.email, 1, "no").await.remove(0);
    let entry = |more: &str| {
        let mut entry = serde_json::json!({"attempt": 1, "worker": "w", "outcome": "failed"});
        let more: serde_json::Value = serde_json::from_str(more).expect("JSON");
        for (name, value) in more.as_object().expect("an object") {
            entry[name] = value.clone();
        }
        format!("4000000000000 {entry}")
    };
    record(&bench.email, &id, "h5", &entry(r#"{"probe":true}"#)).await;
    record(
        &bench.email,
        &id,
        "h6",
        &entry(r#"{"outcome":"edited","worker":"kari"}"#),
    )
    .await;
    let job = bench.operator.job(&id, None).await.expect("finds it");
    let story = job.story();
    let told: Vec<_> = story
        .rows
        .iter()
        .map(|row| (row.kind, &*row.what))
        .collect();
    let died = format!(
        "became a dead letter of group {}",
        job.group.as_deref().expect("has one")
    );
    assert_eq!(
        told,
        [
            (StoryKind::Enqueued, "enqueued"),
            (StoryKind::Attempt, "attempt 1: "),
            (StoryKind::Died, &*died),
            (StoryKind::Probe, "probe: failed"),
            (StoryKind::Act, "edited"),
        ]
    );
    assert_eq!(story.rows[4].by.as_deref(), Some("kari"));
}

#[tokio::test]
async fn one_look_tells_what_needs_somebody_and_a_broken_queue_hides_no_other() {
    let bench = Bench::new();
    bury(&bench.email, 12, "no").await;
    enqueue(&bench.sms, 2).await;
    payload(&bench.sms, "x", b"\xff").await;
    let configured = ConfiguredFleet {
        queues: [("sms".to_owned(), "critical".to_owned())].into(),
        ..ConfiguredFleet::default()
    };
    let look = bench.operator.overview(&configured).await.expect("looks");
    let told: Vec<_> = look.attention.iter().map(|row| &*row.what).collect();
    assert_eq!(
        told,
        ["nobody works sms"],
        "refusals are below their number"
    );
    let sms = &look.queues[1];
    assert_eq!((sms.row.pending, sms.to_do_by_minute[60]), (2, 2));

    let mut command = redis::cmd("SET");
    command.arg(&bench.email.keys().groups).arg("mine");
    let _: String = bench
        .email
        .link()
        .command(&command)
        .await
        .expect("takes it");
    let look = bench.operator.overview(&configured).await.expect("looks");
    let told: Vec<_> = look.attention.iter().map(|row| &*row.what).collect();
    assert_eq!(
        told,
        ["something of email cannot be read", "nobody works sms"]
    );
    assert_eq!(look.queues.len(), 2);
}
