//! Secrets that are kept in Vault, and change while they are used.

use std::time::Duration;

use longshore_client::JobId;
use longshore_sandbox::{Fault, FaultRule, VaultServer};
use longshore_tests::{Act, Load, Stage, Start, Trouble, Wire, Worker, eventually, outcomes};
use serde_json::{Value, json};
use tokio::time::Instant;

const KEY: &str = "sendgrid/api-key";

/// A Vault in which SendGrid's key is, and a role that may read it.
struct Kept {
    vault: VaultServer,
    role_id: String,
    secret_id: String,
}

impl Kept {
    /// Tokens of the role live so many seconds.
    fn new(ttl: u64) -> Self {
        let vault = VaultServer::start();
        vault.put(KEY, "SG.one");
        vault.grant("workers", "sendgrid/*");
        let (role_id, secret_id) = vault.app_role("workers", ttl, ttl);
        Self {
            vault,
            role_id,
            secret_id,
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LONGSHORE_PROVIDERS__VAULT__ADDR", self.vault.origin()),
            ("LONGSHORE_PROVIDERS__VAULT__ROLE_ID", self.role_id.clone()),
            (
                "LONGSHORE_PROVIDERS__VAULT__SECRET_ID",
                self.secret_id.clone(),
            ),
            (
                "LONGSHORE_PROVIDERS__SENDGRID__API_KEY",
                format!("vault:{KEY}"),
            ),
        ]
    }

    fn worker<'a>(&self, stage: &'a Stage) -> Start<'a> {
        let settings = self.settings().into_iter();
        settings.fold(stage.worker(), |worker, (name, value)| {
            worker.env(name, value)
        })
    }
}

/// How often a worker has said this.
fn said(worker: &Worker, what: &str) -> usize {
    worker.log().matches(what).count()
}

/// Each job has completed with its first attempt. Returns how many runs were refused for their credentials.
async fn with_the_first_attempt(stage: &Stage, ids: &[JobId]) -> usize {
    stage.done_once(ids).await;
    let mut refused = 0;
    for &id in ids {
        let job = stage.job(id).await;
        let (last, before) = job.history.split_last().expect("a history");
        assert_eq!(last.entry.attempt, 1, "{:?}", outcomes(&job));
        for earlier in before {
            assert_eq!(earlier.entry.outcome, "unauthorized");
            refused += 1;
        }
    }
    refused
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_rotated_under_load_burns_no_attempt_and_pauses_nothing() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    stage.sendgrid.take_only(["SG.one"]);
    // Slow enough for the rotation to meet calls that are out.
    stage.faults([FaultRule::always(Fault::Delay { ms: 5 })]);
    let workers = [
        kept.worker(&stage).start().await,
        kept.worker(&stage).start().await,
    ];
    let load = Load::on(&stage);
    stage.progress(200).await;
    for (new, logins) in [("SG.two", 2), ("SG.three", 2)] {
        kept.vault.put(KEY, new);
        stage.sendgrid.take_only([new]);
        stage.progress(300).await;
        assert_eq!(kept.vault.tokens(), logins, "each logged in once");
    }
    let ids = load.end().await;
    let refused = with_the_first_attempt(&stage, &ids).await;
    assert!(
        refused >= 2,
        "the workers were told by 401s, {refused} of them"
    );
    for worker in &workers {
        assert_eq!(said(worker, "a secret has changed"), 2);
        assert_eq!(said(worker, "paused itself"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_in_mid_run_changes_nothing() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    stage.sendgrid.take_only(["SG.one"]);
    let worker = kept
        .worker(&stage)
        .env("LONGSHORE_PROVIDERS__VAULT__REREAD_SECONDS", "0.2");
    let worker = worker.start().await;
    let load = Load::on(&stage);
    stage.progress(100).await;
    kept.vault.seal();
    worker.has_said("is sealed").await;
    stage.progress(500).await;
    assert_eq!(worker.get("/livez").await.0, 200);
    assert_eq!(worker.get("/readyz").await.0, 200);
    // One that starts now does not: it says why, soon.
    let settings = kept.settings();
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let started = Instant::now();
    let ran = stage
        .longshore_with(&["work", "--queue", "email"], &settings)
        .await;
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let says = format!(
        "providers.sendgrid.api_key: Vault at {} is sealed; have it unsealed",
        kept.vault.origin()
    );
    assert!(ran.stderr.contains(&says), "{}", ran.stderr);
    kept.vault.unseal();
    // As one rotates a key: the new one is good before it is written, the old one until it is read.
    stage.sendgrid.take_only(["SG.one", "SG.two"]);
    kept.vault.put(KEY, "SG.two");
    worker.has_said("a secret has changed").await;
    stage.sendgrid.take_only(["SG.two"]);
    stage.progress(100).await;
    let ids = load.end().await;
    // A call that was out while the old key ended may have been refused; nothing was while Vault was sealed.
    let refused = with_the_first_attempt(&stage, &ids).await;
    assert!(refused <= 20, "{refused}");
    assert_eq!(said(&worker, "paused itself"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_over_is_logged_in_for_again() {
    let stage = Stage::set().await;
    let kept = Kept::new(2);
    stage.sendgrid.take_only(["SG.one"]);
    let worker = kept.worker(&stage).start().await;
    assert_eq!(said(&worker, "logged in to Vault"), 1);
    // It cannot renew what it does not know to be over.
    worker.freeze();
    eventually("the token is over", || async { kept.vault.tokens() == 0 }).await;
    kept.vault.put(KEY, "SG.two");
    stage.sendgrid.take_only(["SG.two"]);
    worker.thaw();
    let ids = stage.enqueue(20).await;
    with_the_first_attempt(&stage, &ids).await;
    assert!(said(&worker, "logged in to Vault") >= 2);
    // And before it is over, without being asked for anything.
    let before = said(&worker, "logged in to Vault");
    eventually("it keeps itself logged in", || async {
        said(&worker, "logged in to Vault") >= before + 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_refused_pauses_the_queue_until_there_is_another() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    stage.sendgrid.take_only(["SG.two"]);
    let worker = kept
        .worker(&stage)
        .env("LONGSHORE_PROVIDERS__VAULT__REREAD_SECONDS", "0.2");
    let worker = worker.start().await;
    let ids = stage.enqueue(5).await;
    eventually("the queue has paused itself", || async {
        stage.stats().await.paused.is_some()
    })
    .await;
    assert_eq!(said(&worker, "a secret has changed"), 0);
    kept.vault.put(KEY, "SG.two");
    let started = Instant::now();
    with_the_first_attempt(&stage, &ids).await;
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "no probe of a minute was waited for"
    );
    assert!(stage.stats().await.paused.is_none());
}

/// Five calls at a time with the old key, of which none goes well; no second one while Vault does not answer.
async fn left_to_others(stage: &Stage, worker: &Worker, says: &str) {
    worker.has_said("they cannot be fetched again").await;
    eventually("all of them are back", || async {
        let stats = stage.stats().await;
        (stats.running, stats.pending) == (0, 20)
    })
    .await;
    let requests = stage.ledger().requests();
    assert!(requests <= 10, "{requests}");
    eventually("it says why", || async {
        let rows = stage.longshore(&["workers", "--json"]).await.json();
        let row = &rows[0];
        row["fit"] == false && row["note"].as_str().is_some_and(|note| note.contains(says))
    })
    .await;
    let queues = stage.longshore(&["queues"]).await;
    assert!(queues.stdout.contains(says), "{queues:?}");
    let (status, text) = worker.get("/readyz").await;
    assert_eq!(status, 503, "it works nothing: {text}");
    assert!(text.contains(says), "{text}");
    let (_, metrics) = worker.get("/metrics").await;
    let gauge = r#"longshore_credentials_unfetched{queue="email",provider="sendgrid"} 1"#;
    assert!(metrics.contains(gauge), "{metrics}");
    assert!(stage.stats().await.paused.is_none(), "it paused itself");
    assert_eq!(stage.ledger().requests(), requests, "it goes on calling");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_vault_is_not_reached_a_refused_key_pauses_nothing() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    let wire = Wire::to(kept.vault.port()).await;
    let addr = wire.url().replace("redis://", "http://");
    let worker = kept.worker(&stage).concurrency(5);
    let worker = worker.env("LONGSHORE_PROVIDERS__VAULT__ADDR", addr);
    let worker = worker.start().await;
    wire.trouble("HTTP/1.1", Trouble::CutBefore, usize::MAX);
    kept.vault.put(KEY, "SG.two");
    stage.sendgrid.take_only(["SG.two"]);
    let ids = stage.enqueue(20).await;
    left_to_others(&stage, &worker, "does not answer as it should").await;
    let asked = wire.met();
    eventually("it asks Vault again", || async { wire.met() > asked }).await;
    wire.clear();
    with_the_first_attempt(&stage, &ids).await;
    assert_eq!(said(&worker, "paused itself"), 0);
    worker.becomes("/readyz", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_vault_is_unsealed_a_key_that_is_the_same_pauses_the_queue() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    let worker = kept.worker(&stage).concurrency(5).start().await;
    stage.sendgrid.take_only(["SG.two"]);
    kept.vault.seal();
    // Its breaker is open, and a probe may go at once: one that is refused like this finds nothing out, and is not repeated.
    let mut open = redis::cmd("HSET");
    open.arg(&stage.queue.keys().breakers)
        .arg("sendgrid")
        .arg("open 5 0 0 0 ");
    let opened: Result<u64, _> = stage.queue.link().command(&open).await;
    opened.expect("Redis writes");
    let ids = stage.enqueue(20).await;
    left_to_others(&stage, &worker, "is sealed; have it unsealed").await;
    kept.vault.unseal();
    eventually("the queue has paused itself", || async {
        stage.stats().await.paused.is_some()
    })
    .await;
    kept.vault.put(KEY, "SG.two");
    // As an operator does who has written a new one; the probe of a minute would find out, too.
    stage.longshore(&["resume", "email", "--holds"]).await;
    with_the_first_attempt(&stage, &ids).await;
}

/// What `config check` finds: keys and problems.
fn found(stdout: &str) -> Vec<(String, String)> {
    let findings: Value = serde_json::from_str(stdout).expect("JSON on stdout");
    let findings = findings.as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    findings
        .iter()
        .map(|finding| (text(&finding["key"]), text(&finding["problem"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_vault_does_not_give_is_found_at_once() {
    let stage = Stage::set().await;
    let kept = Kept::new(600);
    kept.vault
        .put_fields("sendgrid/other", &json!({ "name": "x" }));
    kept.vault.put("maps", "AIza");
    let mut settings = kept.settings();
    settings.extend([
        ("LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID", "AC1".to_owned()),
        (
            "LONGSHORE_PROVIDERS__TWILIO__FROM",
            "+4780000000".to_owned(),
        ),
        (
            "LONGSHORE_PROVIDERS__TWILIO__AUTH_TOKEN",
            "vault:sendgrid/nowhere".to_owned(),
        ),
        (
            "LONGSHORE_PROVIDERS__STRIPE__SECRET_KEY",
            "vault:sendgrid/other".to_owned(),
        ),
        (
            "LONGSHORE_PROVIDERS__GOOGLE_MAPS__API_KEY",
            "vault:maps".to_owned(),
        ),
    ]);
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let check = ["config", "check", "--json"];
    let ran = stage.longshore_with(&check, &settings).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let expected = [
        (
            "providers.twilio.auth_token",
            "leads nowhere: Vault has no secret at secret/data/sendgrid/nowhere, or has deleted it",
        ),
        (
            "providers.google_maps.api_key",
            "leads nowhere: Vault does not allow us to read secret/data/maps",
        ),
        (
            "providers.stripe.secret_key",
            "leads nowhere: Vault's sendgrid/other has no field `value`",
        ),
    ];
    let expected = expected.map(|(key, problem)| (key.to_owned(), problem.to_owned()));
    assert_eq!(found(&ran.stdout), expected);

    let shown = stage.longshore_with(&["config", "show"], &settings).await;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(
        shown.stdout.contains("vault:sendgrid/api-key"),
        "it says where to look"
    );
    for secret in [&kept.role_id, &kept.secret_id] {
        assert!(!shown.stdout.contains(secret), "{}", shown.stdout);
    }

    let doctor = ["doctor", "--json"];
    let looked = stage.longshore_with(&doctor, &settings[..4]).await.json();
    let vault = |looked: &Value| {
        let findings = looked.as_array().expect("a list");
        let found = findings.iter().find(|finding| finding["check"] == "vault");
        found.expect("Vault is looked at")["status"].clone()
    };
    assert_eq!(vault(&looked), "ok");

    // Redis's URL may be there, too, for every command.
    kept.vault.put("sendgrid/redis", &stage.redis.url());
    let mut elsewhere = settings[..4].to_vec();
    elsewhere.push(("LONGSHORE_REDIS__URL", "vault:sendgrid/redis"));
    let queues = stage
        .longshore_with(&["queues", "--json"], &elsewhere)
        .await;
    assert!(queues.json().is_array());
    elsewhere.pop();
    elsewhere.push(("LONGSHORE_REDIS__URL", "vault:sendgrid/nowhere"));
    let queues = stage.longshore_with(&["queues"], &elsewhere).await;
    assert_eq!(queues.code, Some(2), "{}", queues.stderr);
    assert!(
        queues.stderr.contains("redis.url: Vault has no secret at"),
        "{}",
        queues.stderr
    );

    // What is wrong with Vault itself is said once.
    kept.vault.seal();
    let ran = stage.longshore_with(&check, &settings).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let sealed = format!("Vault at {} is sealed", kept.vault.origin());
    assert_eq!(found(&ran.stdout), [("providers.vault".to_owned(), sealed)]);
    let ran = stage.longshore_with(&doctor, &settings[..4]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let looked: Value = serde_json::from_str(&ran.stdout).expect("JSON on stdout");
    assert_eq!(vault(&looked), "error");
}

/// Whatever is logged, at the finest, while credentials are fetched, refused and exchanged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_shows_a_secret() {
    let stage = Stage::set().await;
    let kept = Kept::new(2);
    kept.vault.put(KEY, "SG.hidden-one");
    stage.sendgrid.take_only(["SG.hidden-two"]);
    let worker = kept
        .worker(&stage)
        .env("LONGSHORE_PROVIDERS__VAULT__REREAD_SECONDS", "0.2")
        .env("RUST_LOG", "trace")
        .start()
        .await;
    let ids = stage.enqueue(3).await;
    worker.has_said("refuses our credentials").await;
    kept.vault.put(KEY, "SG.hidden\ntwo");
    worker.has_said("cannot be sent in a header").await;
    kept.vault.seal();
    worker.has_said("is sealed").await;
    kept.vault.unseal();
    kept.vault.put(KEY, "SG.hidden-two");
    with_the_first_attempt(&stage, &ids).await;
    let log = worker.log();
    assert!(log.contains("DEBUG"), "it says everything of its own");
    for secret in ["hidden", &*kept.role_id, &*kept.secret_id] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    // Tokens of OpenBao's.
    let token = log
        .lines()
        .find(|line| line.contains("\"s.") || line.contains(" s."));
    assert_eq!(token, None);
    assert_eq!(stage.act, Act::Email);
}

/// A key in a file that an agent writes anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_written_anew_is_read_again() {
    let stage = Stage::set().await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("key");
    std::fs::write(&path, "SG.one\n").expect("written");
    stage.sendgrid.take_only(["SG.one"]);
    let reference = format!("file:{}", path.display());
    let worker = stage.worker().provider("API_KEY", reference).start().await;
    let mut ids = stage.enqueue(5).await;
    stage.completed(5).await;
    std::fs::write(&path, "SG.two\n").expect("written");
    stage.sendgrid.take_only(["SG.two"]);
    ids.extend(stage.enqueue(5).await);
    let refused = with_the_first_attempt(&stage, &ids).await;
    assert!((1..=5).contains(&refused), "{refused}");
    assert_eq!(said(&worker, "paused itself"), 0);
}
