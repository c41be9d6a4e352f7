//! While SendGrid is down mails go by Postmark, and when it is back they go by SendGrid again. Whatever happens, no mail
//! goes by both.

#[path = "../../crates/email/tests/smtp/server.rs"]
#[expect(dead_code, reason = "the tests of one crate use more of it")]
mod smtp;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_client::JobState;
use longshore_client::kinds::SendEmail;
use longshore_email::sandbox::{PostmarkSandbox, SendGridSandbox};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Dice, Load, Stage, Start, eventually, gone_by, outcomes, within};
use serde_json::{Value, json};

/// A stage with Postmark behind SendGrid. Both write into one ledger, so that it counts a mail by both as doubled.
struct Scene {
    stage: Stage,
    postmark: PostmarkSandbox,
}

impl Scene {
    async fn set() -> Self {
        let mut stage = Stage::set().await;
        let anywhere = "127.0.0.1:0".parse().expect("an address");
        let postmark = PostmarkSandbox::start_with(anywhere, stage.ledger().clone());
        let postmark = postmark.await.expect("a provider");
        for (name, value) in [
            ("EMAIL__FALLBACK", "postmark"),
            ("PROVIDERS__POSTMARK__BASE_URL", &postmark.origin()),
            ("PROVIDERS__POSTMARK__SERVER_TOKEN", "12345"),
            ("PROVIDERS__POSTMARK__BREAKER__FAILURES", "1000"),
            ("PROVIDERS__SENDGRID__BREAKER__FAILURES", "5"),
            ("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "1"),
            // What fails before the breaker opens is soon made again, and never the last time here.
            (
                "QUEUES__EMAIL__RETRY_SECONDS",
                "[0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]",
            ),
            (
                "EMAIL__TEMPLATES__WELCOME",
                r#"{ sendgrid = "d-welcome", postmark = "welcome" }"#,
            ),
        ] {
            stage.set_for_all(name, value);
        }
        let scene = Self { stage, postmark };
        scene.sendgrid_is([]);
        scene.postmark_is([]);
        scene
    }

    fn worker(&self) -> Start<'_> {
        self.stage.worker().concurrency(5)
    }

    /// SendGrid misbehaves by these rules, and otherwise takes 10 ms.
    fn sendgrid_is(&self, rules: impl IntoIterator<Item = FaultRule>) {
        let slow = FaultRule::always(Fault::Delay { ms: 10 });
        self.stage.faults(rules.into_iter().chain([slow]));
    }

    /// The same of Postmark.
    fn postmark_is(&self, rules: impl IntoIterator<Item = FaultRule>) {
        let slow = FaultRule::always(Fault::Delay { ms: 10 });
        let rules = rules.into_iter().chain([slow]).collect();
        self.postmark.faults().set(rules).expect("valid rules");
    }

    /// Nobody listens any more where SendGrid was.
    async fn sendgrid_leaves(&mut self) -> SocketAddr {
        let elsewhere = "127.0.0.1:0".parse().expect("an address");
        let other = SendGridSandbox::start_with(elsewhere, self.stage.ledger().clone());
        let other = other.await.expect("a free port");
        let gone = std::mem::replace(&mut self.stage.sendgrid, other);
        let addr = gone.addr();
        gone.stop().await;
        addr
    }

    async fn sendgrid_is_back(&mut self, addr: SocketAddr) {
        let ledger = self.stage.ledger().clone();
        let back = SendGridSandbox::start_with(addr, ledger).await;
        self.stage.sendgrid = back.expect("the same port");
        self.sendgrid_is([]);
    }

    /// How many mails went by this provider.
    fn by(&self, provider: &str) -> usize {
        let mails = self.stage.ledger().accepted();
        let by = mails.iter().filter(|mail| mail.provider == provider);
        by.count()
    }

    /// What `longshore queues --json` says of the fallback.
    async fn fallback(&self) -> Value {
        let rows = self.stage.longshore(&["queues", "--json"]).await.json();
        let rows = rows.as_array().expect("a list");
        let row = rows.iter().find(|row| row["queue"] == "email");
        row.expect("every queue has a row")["fallback"].clone()
    }

    /// Waits until an operator sees the fallback active or not, and then until this provider has had some more mails.
    async fn turns_to(&self, provider: &str) {
        let active = provider == "postmark";
        eventually(&format!("mails go by {provider}"), || async {
            self.fallback().await["active"] == active
        })
        .await;
        let before = self.by(provider);
        eventually(&format!("{provider} gets mails"), || async {
            self.by(provider) >= before + 100
        })
        .await;
    }

    /// The jobs that went by each provider.
    fn jobs_by(&self) -> HashMap<String, BTreeSet<String>> {
        let mut by: HashMap<String, BTreeSet<String>> = HashMap::new();
        for mail in self.stage.ledger().accepted() {
            let jobs = by.entry(mail.provider.into_owned()).or_default();
            jobs.insert(mail.job.expect("every mail says whose it is"));
        }
        by
    }

    /// No mail went by both, however often by one.
    fn none_by_both(&self) {
        let by = self.jobs_by();
        let (Some(sendgrid), Some(postmark)) = (by.get("sendgrid"), by.get("postmark")) else {
            panic!("one of them had no mail at all");
        };
        let both: Vec<_> = sendgrid.intersection(postmark).collect();
        assert!(both.is_empty(), "by both: {both:?}");
    }
}

fn answers(status: u16) -> FaultRule {
    FaultRule::always(Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect: false,
    })
}

/// The history's words for what each run came to.
async fn history(scene: &Scene, id: JobId) -> Vec<String> {
    let job = scene.stage.job(id).await;
    outcomes(&job).into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sendgrid_dies_and_recovers_under_load_and_every_mail_is_sent_once() {
    let mut scene = Scene::set().await;
    let _workers = [scene.worker().start().await, scene.worker().start().await];
    let fallback = scene.fallback().await;
    assert_eq!(
        fallback,
        json!({ "provider": "postmark", "active": false, "jobs": 0 })
    );
    let load = Load::on(&scene.stage);
    scene.stage.progress(200).await;
    assert_eq!(scene.by("postmark"), 0);

    // It answers, and does nothing.
    scene.sendgrid_is([answers(503)]);
    scene.turns_to("postmark").await;
    let table = scene.stage.longshore(&["queues"]).await.stdout;
    assert!(table.contains("jobs go to postmark"), "{table}");
    scene.sendgrid_is([]);
    scene.turns_to("sendgrid").await;

    // It takes requests, and nobody learns what became of them. Nothing did; but who could know?
    scene.sendgrid_is([FaultRule::always(Fault::HangUp { effect: false })]);
    scene.turns_to("postmark").await;
    scene.sendgrid_is([]);
    scene.turns_to("sendgrid").await;

    // It is not there. What was under way has its answer by then: one cut off would be a mail sent and not known of.
    scene.stage.longshore(&["pause", "email"]).await;
    scene.stage.running(0).await;
    let addr = scene.sendgrid_leaves().await;
    scene.stage.longshore(&["resume", "email"]).await;
    scene.turns_to("postmark").await;
    scene.sendgrid_is_back(addr).await;
    scene.turns_to("sendgrid").await;

    let ids = load.end().await;
    scene.stage.done_once(&ids).await;
    scene.none_by_both();
    let summary = scene.stage.ledger().summary();
    assert_eq!(summary.accepted, ids.len() as u64, "each exactly once");
    let fallback = scene.fallback().await;
    assert_eq!(fallback["active"], false);
    assert!(fallback["jobs"].as_u64() >= Some(scene.by("postmark") as u64));

    let mut unknown = 0;
    for id in &ids {
        unknown += usize::from(
            history(&scene, *id)
                .await
                .contains(&"outcome_unknown".to_owned()),
        );
    }
    assert!(unknown > 0, "no answer was lost: nothing was tried");
    println!(
        "{} mails: {} by SendGrid, {} by Postmark, {unknown} once unknown",
        ids.len(),
        scene.by("sendgrid"),
        scene.by("postmark")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sendgrid_may_have_waits_for_sendgrid() {
    let scene = Scene::set().await;
    let _worker = scene.worker().start().await;
    // It sends them, and cuts the line before it says so.
    scene.sendgrid_is([FaultRule::always(Fault::HangUp { effect: true })]);
    let lost = scene.stage.enqueue(5).await;
    eventually("they are sent, and nobody knows", || async {
        scene.by("sendgrid") >= 5 && scene.fallback().await["active"] == true
    })
    .await;
    let others = scene.stage.enqueue(20).await;
    eventually("the others go by Postmark", || async {
        scene.by("postmark") >= 20
    })
    .await;
    scene.sendgrid_is([]);
    eventually("all have completed", || async {
        scene.stage.stats().await.counter("completed") == 25
    })
    .await;
    scene.none_by_both();
    let by = scene.jobs_by();
    for id in lost {
        assert!(by["sendgrid"].contains(&id.to_string()));
        let said = history(&scene, id).await;
        assert_eq!(said[0], "outcome_unknown");
    }
    // Where the rule is to retry, what was lost may be sent twice: by SendGrid alone.
    assert_eq!(by["postmark"].len(), 20);
    assert_eq!(scene.by("postmark"), others.len());
}

/// SendGrid takes the mail on, and what answers for it does not know.
fn answers_after_all(status: u16) -> FaultRule {
    FaultRule::always(Fault::Answer {
        status,
        headers: [].into(),
        body: None,
        effect: true,
    })
}

/// A job of its own that goes by Postmark shows that the way there is open.
async fn another_goes_by_postmark(scene: &Scene) {
    let before = scene.by("postmark");
    let id = scene.stage.enqueue(1).await[0];
    scene.stage.is(id, JobState::Completed).await;
    assert_eq!(scene.by("postmark"), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_say_that_nothing_was_done_is_held() {
    let scene = Scene::set().await;
    let _worker = scene
        .worker()
        .set("QUEUES__EMAIL__ON_UNKNOWN", "hold")
        .set("PROVIDERS__SENDGRID__BREAKER__FAILURES", "2")
        .set("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "60")
        .start()
        .await;
    for status in [500, 502, 504, 520] {
        scene.sendgrid_is([answers_after_all(status)]);
        let id = scene.stage.enqueue(1).await[0];
        scene.stage.is(id, JobState::Dead).await;
        assert_eq!(history(&scene, id).await, ["outcome_unknown"], "{status}");
        assert_eq!(scene.stage.effects(id), 1);
        // One that goes well ends the row of failures.
        scene.sendgrid_is([]);
        let id = scene.stage.enqueue(1).await[0];
        scene.stage.is(id, JobState::Completed).await;
    }
    assert_eq!(scene.by("postmark"), 0);
    // They are failures for the breaker all the same, and those that nobody has yet go by Postmark.
    scene.sendgrid_is([answers_after_all(504)]);
    let held = scene.stage.enqueue(2).await;
    for &id in &held {
        scene.stage.is(id, JobState::Dead).await;
    }
    another_goes_by_postmark(&scene).await;
    scene.none_by_both();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_say_that_nothing_was_done_is_retried_there() {
    let scene = Scene::set().await;
    let _worker = scene
        .worker()
        .set("PROVIDERS__SENDGRID__BREAKER__FAILURES", "2")
        .start()
        .await;
    scene.sendgrid_is([answers_after_all(504)]);
    let id = scene.stage.enqueue(1).await[0];
    eventually("SendGrid is asked again and again", || async {
        scene.by("sendgrid") >= 4
    })
    .await;
    another_goes_by_postmark(&scene).await;
    scene.sendgrid_is([]);
    scene.stage.is(id, JobState::Completed).await;
    // Knowingly sent again, as the rule is: by SendGrid alone.
    assert!(scene.stage.effects(id) >= 5);
    assert_eq!(scene.by("postmark"), 1);
    scene.none_by_both();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postmark_may_have_stays_with_postmark() {
    let scene = Scene::set().await;
    let _worker = scene
        .worker()
        .set("PROVIDERS__SENDGRID__BREAKER__OPEN_SECONDS", "3")
        .start()
        .await;
    scene.sendgrid_is([answers(503)]);
    scene.postmark_is([FaultRule::first(3, Fault::HangUp { effect: true })]);
    let ids = scene.stage.enqueue(20).await;
    eventually("Postmark has lost three answers", || async {
        scene.by("postmark") >= 3
    })
    .await;
    scene.sendgrid_is([]);
    within(Duration::from_secs(60), "all have completed", || async {
        scene.stage.stats().await.counter("completed") == ids.len() as u64
    })
    .await;
    let mut unknown = 0;
    let by = scene.jobs_by();
    let by_sendgrid = by.get("sendgrid").cloned().unwrap_or_default();
    for id in ids {
        if history(&scene, id)
            .await
            .contains(&"outcome_unknown".to_owned())
        {
            unknown += 1;
            assert!(!by_sendgrid.contains(&id.to_string()), "{id} went by both");
        }
    }
    assert_eq!(unknown, 3);
    assert_eq!(
        scene.stage.ledger().summary().duplicates,
        3,
        "by Postmark, knowingly"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_on_the_way_send_no_mail_by_both() {
    const KILLS: usize = 8;
    let mut dice = Dice::new();
    let scene = Scene::set().await;
    let start = || scene.worker().short_lease().start();
    let mut workers = vec![start().await, start().await, start().await];
    let load = Load::on(&scene.stage);
    for kill in 0..KILLS {
        let since = Instant::now();
        scene.sendgrid_is(match kill % 4 {
            0 => vec![answers(503)],
            1 => vec![FaultRule::always(Fault::HangUp { effect: true })],
            _ => vec![],
        });
        let pause = 400 + dice.roll(400) as u64;
        gone_by(Duration::from_millis(pause), since).await;
        workers.swap_remove(dice.roll(3)).kill().await;
        workers.push(start().await);
    }
    scene.sendgrid_is([]);
    let ids = load.end().await;
    within(Duration::from_secs(90), "every job ends", || async {
        let stats = scene.stage.stats().await;
        stats.counter("completed") + stats.dead == ids.len() as u64
    })
    .await;
    scene.none_by_both();
    let (mut lost, mut doubled) = (0, 0);
    for id in &ids {
        let said = history(&scene, *id).await;
        let unknown = |word: &&String| *word == "lost" || *word == "outcome_unknown";
        let unknown = said.iter().filter(unknown).count();
        let effects = scene.stage.effects(*id) as usize;
        match scene.stage.job(*id).await.state {
            JobState::Completed => assert!(effects >= 1, "{id} completed without a mail"),
            state => assert_eq!(state, JobState::Dead, "{id}: {said:?}"),
        }
        assert!(effects <= 1 + unknown, "{id}: {effects} mails, {said:?}");
        lost += usize::from(unknown > 0);
        doubled += usize::from(effects > 1);
    }
    assert!(lost > 0, "nothing was lost: nothing was tried");
    println!(
        "{} mails, {lost} once unknown, {doubled} of them doubled",
        ids.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_without_a_template_at_postmark_waits() {
    let mut scene = Scene::set().await;
    // `invoice` has none.
    scene.stage.set_for_all("QUEUES__EMAIL__CONCURRENCY", "1");
    let worker = scene.worker().start().await;
    assert!(worker.says("email.templates.invoice.postmark"), "it warns");
    scene.sendgrid_is([answers(503)]);
    scene.stage.enqueue(10).await;
    eventually("Postmark stands in", || async { scene.by("postmark") >= 5 }).await;
    let invoice = SendEmail::new("invoice", "ada@example.com");
    let id = scene.stage.client.enqueue(invoice).await.expect("accepted");
    scene.stage.is(id, JobState::Scheduled).await;
    let job = scene
        .stage
        .longshore(&["job", &id.to_string(), "--json"])
        .await;
    assert_eq!(job.json()["attempt"], 0, "at no attempt");
    scene.sendgrid_is([]);
    scene.stage.completed(10).await;
    scene.stage.back_date().await;
    scene.stage.is(id, JobState::Completed).await;
    let by = scene.jobs_by();
    assert!(by["sendgrid"].contains(&id.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_only_smtp_is_left_mails_go_by_that_encrypted() {
    let mut scene = Scene::set().await;
    let dir = scene.stage.dir().to_owned();
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("signed");
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    std::fs::write(&certificate, signed.cert.pem()).expect("written");
    std::fs::write(&key, signed.signing_key.serialize_pem()).expect("written");
    let mut server = smtp::Server::with_tls(&certificate, &key).await;

    // The templates that are shipped.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/templates");
    let templates = dir.join("config/templates");
    std::fs::create_dir_all(&templates).expect("made");
    for file in std::fs::read_dir(shipped).expect("a directory") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), templates.join(file.file_name())).expect("copied");
    }
    for (name, value) in [
        ("PROVIDERS__POSTMARK__TRANSPORT", "smtp"),
        ("PROVIDERS__POSTMARK__SMTP_HOST", "localhost"),
        ("PROVIDERS__POSTMARK__SMTP_PORT", &server.port.to_string()),
        ("PROVIDERS__POSTMARK__SERVER_TOKEN", "token"),
    ] {
        scene.stage.set_for_all(name, value);
    }
    let _worker = scene
        .worker()
        .env("SSL_CERT_FILE", certificate.display().to_string())
        .start()
        .await;
    scene.sendgrid_is([answers(503)]);
    let mails = (0..10).map(|n| {
        SendEmail::new("welcome", format!("customer{n}@example.com"))
            .data(json!({ "firstName": "Ada" }))
    });
    let ids = scene.stage.client.enqueue_all(mails).await;
    let ids = ids.expect("accepted");
    let mut to = BTreeSet::new();
    let mut jobs = BTreeSet::new();
    for _ in 0..ids.len() {
        let mail = server.mail().await;
        assert!(mail.tls && mail.user == "token");
        assert!(mail.content.contains("Subject: Welcome, Ada\r\n"));
        let job = mail
            .content
            .lines()
            .find_map(|line| line.strip_prefix("X-PM-Metadata-job_id: "));
        jobs.insert(job.expect("says whose it is").to_owned());
        to.extend(mail.to);
    }
    assert_eq!((to.len(), jobs.len()), (10, 10), "each once");
    scene.stage.completed(10).await;
    assert_eq!(scene.by("sendgrid"), 0);
    for id in ids {
        let last = scene
            .stage
            .longshore(&["job", &id.to_string(), "--json"])
            .await;
        let history = last.json()["history"].clone();
        let last = history.as_array().and_then(|runs| runs.last()).cloned();
        assert_eq!(last.expect("has run")["provider"], "postmark");
    }
}
