//! Harbour's program on a private Redis, with a stand-in for Slack: everything that `longshore` does works for a kind of jobs
//! that Longshore has never heard of.

#[path = "harbour/migration.rs"]
mod migration;
#[path = "harbour/names.rs"]
mod names;
#[path = "harbour/payments.rs"]
mod payments;

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harbour_slack::sandbox::SlackSandbox;
use longshore_client::Client;
use longshore_sandbox::RedisServer;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SIGNING_SECRET: &str = "shhh";

/// What it takes to run the program against the stand-in. `docs/your-own-provider.md` quotes it.
const CONFIG: &str = r#"[redis]
url = "redis://127.0.0.1:6379"
[providers.slack]
base_url = "http://127.0.0.1:9490" # the stand-in; without this line it is Slack
token = "xoxb-harbour"             # or where it is: env:SLACK_TOKEN
"#;

struct Harbour {
    redis: RedisServer,
    config: tempfile::TempDir,
    running: Vec<Child>,
    hooks: SocketAddr,
}

impl Harbour {
    /// With Slack, as this stand-in answers.
    fn new(slack: &SlackSandbox) -> Self {
        let slack = slack.origin();
        Self::with(&format!(
            "providers.slack.base_url = '{slack}'\nproviders.slack.token = 'xoxb-harbour'\n\
             providers.slack.signing_secret = '{SIGNING_SECRET}'\nproviders.slack.rate_per_second = 50\n\
             kinds.slack_post_message.timeout_seconds = 20\n"
        ))
    }

    /// With this in its configuration.
    fn with(providers: &str) -> Self {
        let redis = RedisServer::start().expect("a private Redis");
        let config = tempfile::tempdir().expect("a directory");
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .and_then(|bound| bound.local_addr())
                .expect("a port")
        };
        let (hooks, private) = (free(), free());
        let toml = format!(
            "redis.url = '{}'\nworker.http_addr = '127.0.0.1:0'\nwebhooks.http_addr = '{hooks}'\n\
             webhooks.private_addr = '{private}'\nwebhooks.public_url = 'http://127.0.0.1'\n{providers}",
            redis.url()
        );
        std::fs::write(config.path().join("default.toml"), toml).expect("written");
        Self {
            redis,
            config,
            running: Vec::new(),
            hooks,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harbour"));
        command.arg("--config").arg(self.config.path()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("runs")
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn start(&mut self, role: &str) {
        self.start_with(role, &[]);
    }

    fn start_with(&mut self, role: &str, env: &[(&str, &str)]) {
        let mut command = self.command(&[role]);
        let started = command.envs(env.iter().copied()).stderr(Stdio::null());
        self.running.push(started.spawn().expect("starts"));
    }

    /// Ends what was started.
    fn stop(&mut self) {
        for mut child in self.running.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Harbour {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until something is there.
async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < give_up, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_ones_own_has_everything_that_ours_have() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let slack = SlackSandbox::start(any).await.expect("listens");
    let mut harbour = Harbour::new(&slack);

    // Its settings: read, masked, checked, with a cure for what is wrong.
    let shown = harbour.json(&["config", "show", "--json"]).to_string();
    assert!(
        shown.contains("providers.slack.token") && !shown.contains("xoxb-harbour"),
        "{shown}"
    );
    let wrong = harbour
        .command(&["config", "check"])
        .env("LONGSHORE_PROVIDERS__SLACK__TOKNE", "x")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert!(
        said.contains("did you mean LONGSHORE_PROVIDERS__SLACK__TOKEN?"),
        "{said}"
    );

    // How its jobs are run, and which setting says so.
    let kind = harbour.json(&["kinds", "slack_post_message", "--json"]);
    assert_eq!(
        (&kind["timeout_seconds"], &kind["on_unknown"]),
        (
            &json!({ "value": 20.0, "from": "kinds.slack_post_message" }),
            &json!({ "value": "retry", "from": "default" })
        )
    );
    assert_eq!(
        kind["args"]["properties"],
        json!({ "channel": { "type": "string" }, "text": { "type": "string" } })
    );

    // Its args are checked at the door.
    let refused = harbour.run(&[
        "enqueue",
        "slack_post_message",
        r##"{"channel":"#general","text":""}"##,
    ]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("text: must have 1 to 4,000 characters")
    );

    // A job runs, and its text is nobody's business.
    harbour.start("work");
    let enqueued = harbour.json(&[
        "enqueue",
        "slack_post_message",
        r##"{"channel":"#general","text":"Ada is late"}"##,
        "--json",
    ]);
    let id = enqueued["id"].as_str().expect("an id").to_owned();
    eventually("the message was not posted", async || {
        (harbour.json(&["job", &id, "--json"])["state"] == "completed").then_some(())
    })
    .await;
    assert_eq!(
        slack.posted(),
        [json!({ "channel": "#general", "text": "Ada is late" })]
    );
    let job = harbour.json(&["job", &id, "--json"]);
    assert_eq!(
        job["args"],
        json!({ "channel": "#general", "text": "[redacted]" })
    );
    assert_eq!(job["result"]["ts"], "1503435956.000247");

    // A refusal is a dead letter with its code; edited and replayed, it is carried out.
    slack.refuse(Some("channel_not_found"));
    let client = Client::new(&harbour.redis.url()).expect("a client");
    let message = harbour_slack::PostMessage {
        channel: "#nowhere".to_owned(),
        text: "Hello".to_owned(),
    };
    let letter = client.enqueue(message).await.expect("accepted").to_string();
    let group = eventually("no dead letter", async || {
        harbour
            .json(&["dead", "groups", "--json"])
            .as_array()
            .expect("a list")
            .first()
            .cloned()
    })
    .await;
    assert_eq!(
        (&group["provider"], &group["kind"]),
        (&json!("slack"), &json!("slack_post_message"))
    );
    assert!(
        group["reason"]
            .as_str()
            .expect("a reason")
            .contains("channel_not_found"),
        "{group}"
    );
    slack.refuse(None);
    let args = r##"{"channel":"#general","text":"Hello"}"##;
    assert!(
        harbour
            .run(&[
                "dead", "edit", &letter, "--args", args, "--reason", "a typo"
            ])
            .status
            .success()
    );
    assert!(harbour.run(&["dead", "replay", &letter]).status.success());
    eventually("the replayed job did not complete", async || {
        (harbour.json(&["job", &letter, "--json"])["state"] == "completed").then_some(())
    })
    .await;

    // Its cron entry, run now.
    let entries = harbour.json(&["cron", "list", "--json"]);
    let entries = entries.as_array().expect("a list").iter();
    let names: Vec<_> = entries.map(|entry| entry["name"].clone()).collect();
    assert!(names.contains(&json!("good-morning")), "{names:?}");
    assert!(
        harbour
            .run(&["cron", "run", "good-morning"])
            .status
            .success()
    );
    let posted = json!({ "channel": "#general", "text": "Good morning" });
    eventually("nobody was greeted", async || {
        slack.posted().contains(&posted).then_some(())
    })
    .await;

    // Its events: signed ones make a job, once; others none.
    harbour.start("webhooks");
    let body = r#"{"event_id":"Ev1","event":{"type":"app_mention","channel":"C1"}}"#;
    let status = eventually("no listener", async || {
        post(harbour.hooks, body, SIGNING_SECRET).await
    })
    .await;
    assert_eq!(status, 204);
    assert_eq!(post(harbour.hooks, body, SIGNING_SECRET).await, Some(204));
    assert_eq!(post(harbour.hooks, body, "another").await, Some(400));
    let reply = json!({ "channel": "C1", "text": "Aye." });
    eventually("nobody answered", async || {
        slack.posted().contains(&reply).then_some(())
    })
    .await;
    let replies = slack.posted().into_iter().filter(|posted| *posted == reply);
    assert_eq!(replies.count(), 1);

    // Operators see its queue and its provider, and of Longshore's own only those of this program.
    let rows = harbour.json(&["queues", "--json"]);
    let rows = rows.as_array().expect("a list").iter();
    let rows = rows.map(|row| [&row["queue"], &row["breakers"][0]["provider"]]);
    let rows: Vec<_> = rows.collect();
    assert_eq!(
        rows,
        [["slack", "slack"], ["payment-reconcile", "stripe"]],
        "{rows:?}"
    );
    let unknown = harbour.run(&["enqueue", "send_sms", "{}"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no kind `send_sms`"));
}

/// It is all that has to be set.
#[test]
fn five_lines_of_configuration_are_enough() {
    let config = tempfile::tempdir().expect("a directory");
    std::fs::write(config.path().join("default.toml"), CONFIG).expect("written");
    let checked = Command::new(env!("CARGO_BIN_EXE_harbour"))
        .arg("--config")
        .arg(config.path())
        .args(["config", "check"])
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    assert!(!said.contains("warning"), "{said}");
}

/// Its stand-ins, for development.
#[test]
fn the_sandbox_of_a_program_has_its_stand_ins() {
    let names = ["slack", "stripe", "app", "testpay"];
    let anywhere = names.map(|name| [format!("--{name}-addr"), "127.0.0.1:0".to_owned()]);
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_harbour"))
        .arg("sandbox")
        .args(anywhere.as_flattened())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("runs");
    let out = sandbox.stdout.take().expect("piped");
    let lines = BufReader::new(out).lines().take(names.len());
    let lines: std::io::Result<Vec<_>> = lines.collect();
    sandbox.kill().expect("ends");
    let _ = sandbox.wait();
    let lines = lines.expect("says something");
    for (name, line) in names.iter().zip(&lines) {
        let (said, origin) = line.split_once(' ').expect("two words");
        assert_eq!(said, *name);
        let origin = origin.trim_start();
        assert!(origin.starts_with("http://127.0.0.1:"), "{line}");
    }
    assert_eq!(lines.len(), names.len());
}

/// Posts an event; the status, if anybody listens.
async fn post(to: SocketAddr, body: &str, secret: &str) -> Option<u16> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{now}:{body}").as_bytes());
    let tag: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let request = format!(
        "POST /webhooks/slack HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-slack-request-timestamp: {now}\r\n\
         x-slack-signature: v0={tag}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(to).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
