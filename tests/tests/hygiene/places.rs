//! Where is looked.

use std::collections::BTreeSet;

use longshore_client::JobId;
use longshore_tests::{Said, Stage};
use redis::Value;

use super::planted::Marker;

/// What was printed and stored.
#[derive(Default)]
pub(crate) struct Places {
    all: Vec<Place>,
}

struct Place {
    name: String,
    text: String,
    /// Payloads are kept here, as they came.
    is_payloads: bool,
}

impl Places {
    /// Has a text looked through.
    pub(crate) fn look(&mut self, name: impl Into<String>, text: impl AsRef<[u8]>) {
        self.add(name, text, false);
    }

    fn add(&mut self, name: impl Into<String>, text: impl AsRef<[u8]>, is_payloads: bool) {
        self.all.push(Place {
            name: name.into(),
            text: String::from_utf8_lossy(text.as_ref()).to_lowercase(),
            is_payloads,
        });
    }

    fn said(&mut self, command: &str, said: &Said) {
        self.look(format!("stdout of {command}"), &said.stdout);
        self.look(format!("stderr of {command}"), &said.stderr);
    }

    /// What is said of queues that have paused themselves.
    pub(crate) async fn queues(&mut self, stage: &Stage) {
        for args in [&["queues"][..], &["queues", "--json"]] {
            self.run(stage, args).await;
        }
    }

    async fn run(&mut self, stage: &Stage, args: &[&str]) -> Said {
        let said = stage.longshore_with(args, &[("RUST_LOG", "trace")]).await;
        self.said(&args.join(" "), &said);
        said
    }

    /// What all commands say that show something, of these jobs among others.
    pub(crate) async fn commands(&mut self, stage: &Stage, ids: &[JobId]) {
        for args in [
            &["--help"][..],
            &["config", "show"],
            &["config", "check"],
            &["doctor"],
            &["queues"],
            &["dead", "groups"],
            &["dead", "list", "--limit", "1000"],
            &["cron", "list"],
            &["mappings", "export"],
            &["suppressions", "list"],
        ] {
            self.run(stage, args).await;
            if args[0] != "--help" && args[0] != "mappings" {
                let said = self.run(stage, &[args, &["--json"]].concat()).await;
                // doctor finds that Redis is a development one.
                assert!(
                    matches!(said.code, Some(0 | 1)),
                    "{args:?}: {}",
                    said.stderr
                );
            }
        }
        for id in ids.iter().map(ToString::to_string) {
            let mut said = stage.longshore(&["job", &id, "--json"]).await;
            let mut job = said.json();
            // The one place that is documented to hold a payload: bytes that nothing can be redacted in.
            job["payload_base64"].take();
            said.stdout = job.to_string();
            self.said("job --json", &said);
        }
        // Each is a process; the last ones are of every kind.
        for id in ids.iter().rev().take(30).map(ToString::to_string) {
            self.run(stage, &["job", &id]).await;
            self.run(stage, &["dead", "show", &id]).await;
        }
        self.wrong_input(stage).await;
    }

    /// What is said of input that is wrong, and has people and secrets in it.
    async fn wrong_input(&mut self, stage: &Stage) {
        for args in [
            &[
                "enqueue",
                "send_email",
                r#"{"template":"welcome","to":{"email":"zqaddress zqname"},"data":{}}"#,
            ][..],
            &[
                "enqueue",
                "send_email",
                r#"{"template":"welcome","to":"zqaddress@example.com"}"#,
            ],
            &[
                "enqueue",
                "send_email",
                r#"{"template":"welcome","to":{"email":"zqaddress@example.com","#,
            ],
            &[
                "enqueue",
                "send_sms",
                r#"{"to":"91817161","body":"zqtext"}"#,
            ],
            &[
                "enqueue",
                "send_sms",
                r#"{"to":"+4791817161","body":["zqtext"]}"#,
            ],
            &[
                "enqueue",
                "geocode_address",
                r#"{"address":7,"region":"zqstreet"}"#,
            ],
            &[
                "enqueue",
                "create_customer",
                r#"{"user_id":"user-7","email":"zqaddress"}"#,
            ],
            &[
                "enqueue",
                "call_service",
                r#"{"service":"crm","operation":"update","path_params":{"id":"7","zqname@example.com":"zqdata"}}"#,
            ],
        ] {
            let said = self.run(stage, args).await;
            assert_eq!(said.code, Some(2), "{args:?}");
        }
        for (name, value) in [
            ("REDIS__URL", "redis://:zqredispassword@host:99999"),
            ("PROVIDERS__SENDGRID__API_KEY", "SG.zqsendgridkey x"),
            ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_zqstripekey x"),
            ("PROVIDERS__STRIPE__WEBHOOK_SECRETS", "zqstripewebhooks"),
            ("PROVIDERS__TWILIO__AUTH_TOKEN", "zqtwiliotoken\n"),
            ("PROVIDERS__SENTRY__DSN", "https://zqsentrykey@example.com"),
            (
                "PROVIDERS__SENDGRID__BASE_URL",
                "https://zqsendgridkey@example.com",
            ),
            ("APP__SECRET", "zqapp secret zqappsecret"),
            (
                "SERVICES__CRM__AUTH__TOKEN_URL",
                "https://shop:zqclientsecretofcrm@example.com/token",
            ),
        ] {
            let variable = format!("LONGSHORE_{name}");
            for args in [&["config", "check"][..], &["config", "check", "--json"]] {
                let said = stage.longshore_with(args, &[(&variable, value)]).await;
                assert_eq!(said.code, Some(2), "{name}: {}", said.stdout);
                self.said(&format!("config check with a wrong {name}"), &said);
            }
        }
    }

    /// Everything in Redis: names of keys, and what is in them.
    pub(crate) async fn redis(&mut self, stage: &Stage) {
        let link = stage.queue.link();
        let keys: Vec<Vec<u8>> = link
            .command(redis::cmd("KEYS").arg("*"))
            .await
            .expect("keys");
        let mut kinds = BTreeSet::new();
        for key in keys {
            let kind: String = link
                .command(redis::cmd("TYPE").arg(&key))
                .await
                .expect("a type");
            let mut read = match kind.as_str() {
                "string" => redis::cmd("GET"),
                "hash" => redis::cmd("HGETALL"),
                "set" => redis::cmd("SMEMBERS"),
                "list" => redis::cmd("LRANGE"),
                "zset" => redis::cmd("ZRANGE"),
                "stream" => redis::cmd("XRANGE"),
                other => panic!("a key of type {other}"),
            };
            read.arg(&key);
            match kind.as_str() {
                "list" | "zset" => drop(read.arg(0).arg(-1)),
                "stream" => drop(read.arg("-").arg("+")),
                _ => {}
            }
            let value: Value = link.command(&read).await.expect("a value");
            let mut text = key.clone();
            spell(&value, &mut text);
            let name = String::from_utf8_lossy(&key).into_owned();
            let is_payloads = name.ends_with("}:data");
            self.add(format!("Redis's {name}"), text, is_payloads);
            kinds.insert(kind);
        }
        assert!(kinds.len() >= 3, "it was looked into: {kinds:?}");
    }

    /// # Panics
    /// When a marker is found where it must not be; or nowhere at all, where it should be.
    pub(crate) fn hold_none_of(&self, markers: &[Marker], client_secrets: &[String]) {
        let mut found = Vec::new();
        for marker in markers {
            let places = self.all.iter();
            let places = places.filter(|place| !(place.is_payloads && marker.in_payloads));
            found.extend(places.filter_map(|place| place.shows(marker.what, marker.text)));
        }
        for secret in client_secrets {
            let secret = secret.to_lowercase();
            let places = self.all.iter();
            found.extend(places.filter_map(|place| place.shows("a client secret", &secret)));
        }
        assert!(
            found.is_empty(),
            "{} leaks\n{}",
            found.len(),
            found.join("\n")
        );
        let payloads = || self.all.iter().filter(|place| place.is_payloads);
        for marker in markers.iter().filter(|marker| marker.in_payloads) {
            let is_there = payloads().any(|place| place.text.contains(marker.text));
            assert!(is_there, "{} was not planted", marker.what);
        }
    }
}

impl Place {
    /// What it shows around this text, if that is there.
    fn shows(&self, what: &str, text: &str) -> Option<String> {
        let at = self.text.find(text)?;
        let from = self.text.floor_char_boundary(at.saturating_sub(200));
        let to = self
            .text
            .ceil_char_boundary((at + 100).min(self.text.len()));
        let around = &self.text[from..to];
        Some(format!("{what} is in {}: …{around}…", self.name))
    }
}

fn spell(value: &Value, text: &mut Vec<u8>) {
    text.push(b' ');
    match value {
        Value::BulkString(bytes) => text.extend(bytes),
        Value::SimpleString(simple) => text.extend(simple.as_bytes()),
        Value::Array(values) | Value::Set(values) => {
            values.iter().for_each(|value| spell(value, text));
        }
        Value::Map(pairs) => pairs.iter().for_each(|(name, value)| {
            spell(name, text);
            spell(value, text);
        }),
        other => text.extend(format!("{other:?}").as_bytes()),
    }
}
