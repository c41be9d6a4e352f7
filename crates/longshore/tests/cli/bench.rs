//! The binary on a Redis of its own, and jobs in every state.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use longshore_client::kinds::SendEmail;
use longshore_job::{Cause, Class, JobId, Prepared};
use longshore_queue::{
    Claimed, Fate, HistoryEntry, Lane, Lease, Link, LinkOptions, NewJob, Queue, RawId, Retention,
    RunAt, RunState, Verdict, WorkerFacts, WorkerId,
};
use longshore_sandbox::{RedisServer, RedisServerOptions};
use redis::Cmd;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A private Redis, an empty directory with no configuration in it, and the binary.
pub(crate) struct Bench {
    pub(crate) redis: RedisServer,
    pub(crate) dir: TempDir,
    pub(crate) runtime: Runtime,
    pub(crate) queue: Queue,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::on(RedisServer::options())
    }

    pub(crate) fn on(options: RedisServerOptions) -> Self {
        let redis = options.start().expect("a private Redis starts");
        let link = Link::new(&redis.url(), LinkOptions::default()).expect("the URL is good");
        Self {
            queue: Queue::new(link, "longshore", "email").expect("the names are good"),
            redis,
            dir: tempfile::tempdir().expect("there is room"),
            runtime: Runtime::new().expect("there are threads"),
        }
    }

    /// The binary, with nothing of this machine's environment and configuration.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("LONGSHORE_REDIS__URL", self.redis.url())
            .env("LONGSHORE_OPERATOR", "kari")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, &mut self.command(args))
    }

    /// The same with something on stdin.
    pub(crate) fn pipe(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let mut file: File = tempfile::tempfile().expect("there is room");
        file.write_all(stdin).expect("it is written");
        file.rewind().expect("it is read from its start");
        Ran::of(args, self.command(args).stdin(file))
    }

    /// Runs it, and has it change nothing in Redis.
    #[track_caller]
    pub(crate) fn unchanged(&self, args: &[&str]) -> Ran {
        let before = self.state();
        let ran = self.run(args);
        assert_eq!(self.state(), before, "{args:?} changed something");
        ran
    }

    /// Every key there is, with what it holds.
    pub(crate) fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.runtime.block_on(async {
            let link = self.queue.link();
            let keys: Vec<Vec<u8>> = link
                .command(redis::cmd("KEYS").arg("*"))
                .await
                .expect("lists");
            let mut state = BTreeMap::new();
            for key in keys {
                // The fields of a hash, in their order: Redis puts them into another one by itself.
                let fields = link.command(redis::cmd("HGETALL").arg(&key)).await;
                let value = match fields {
                    Ok(fields) => {
                        let fields: BTreeMap<Vec<u8>, Vec<u8>> = fields;
                        let fields = fields
                            .into_iter()
                            .map(|(name, value)| [name, value].concat());
                        fields.collect::<Vec<_>>().concat()
                    }
                    Err(_) => {
                        let value = link.command(redis::cmd("DUMP").arg(&key)).await;
                        value.expect("dumps")
                    }
                };
                state.insert(key, value);
            }
            state
        })
    }

    /// A command beside the queue, as any other program could send it.
    pub(crate) fn redis(&self, parts: &[&[u8]]) {
        let mut command = Cmd::new();
        for part in parts {
            command.arg(*part);
        }
        let answer: redis::Value = self
            .runtime
            .block_on(self.queue.link().command(&command))
            .expect("Redis takes the command");
        drop(answer);
    }

    /// Writes fields into a job's record.
    pub(crate) fn record(&self, id: &str, fields: &[(&str, &[u8])]) {
        let id = RawId::unescape(id);
        let seeded = self.queue.seed_record(&id, fields);
        self.runtime.block_on(seeded).expect("Redis takes it");
    }

    /// As `redis`, for what it answers, an error as text.
    pub(crate) fn answer(&self, parts: &[&[u8]]) -> String {
        let mut command = Cmd::new();
        for part in parts {
            command.arg(*part);
        }
        let answer = self
            .runtime
            .block_on(self.queue.link().command::<redis::Value>(&command));
        match answer {
            Ok(redis::Value::BulkString(text)) => String::from_utf8_lossy(&text).into_owned(),
            Ok(redis::Value::SimpleString(text)) => text,
            other => format!("{other:?}"),
        }
    }

    /// Puts waiting jobs there, without the command line.
    pub(crate) fn enqueue(&self, count: usize) -> Vec<String> {
        let payload = Prepared::new(&SendEmail::new("welcome", "ada@example.com"))
            .expect("the args are good")
            .payload;
        let jobs: Vec<_> = (0..count)
            .map(|_| NewJob {
                id: JobId::generate(),
                payload: payload.clone(),
                run_at: RunAt::Now,
                key: None,
                expires_in: None,
                traceparent: None,
                tracestate: None,
                lane: Lane::default(),
                tags: Vec::new(),
                by: None,
            })
            .collect();
        let enqueued = self.runtime.block_on(self.queue.enqueue(&jobs));
        let enqueued = enqueued.expect("enqueues");
        enqueued.iter().map(|job| job.id.to_string()).collect()
    }

    /// Lets a worker serve the queue, as long as one beat holds.
    pub(crate) fn serve(&self) {
        let lease = Lease::new(WorkerId::generate("w"));
        let stale = std::time::Duration::from_secs(10);
        let joined = self.runtime.block_on(self.queue.join(&lease, stale));
        assert!(joined.expect("joins").held);
    }

    /// Lets a worker of this name serve the queue, and say this of itself.
    pub(crate) fn announce(&self, name: &str, kinds: &[&str], trouble: &[&str]) {
        let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let facts = WorkerFacts {
            process: name.to_owned(),
            kinds: all(kinds),
            trouble: all(trouble),
            ..WorkerFacts::default()
        };
        let lease = Lease::new(WorkerId::generate(name));
        self.runtime.block_on(async {
            let stale = std::time::Duration::from_secs(10);
            self.queue.join(&lease, stale).await.expect("joins");
            let said = self.queue.announce(&lease, &facts).await;
            assert!(said.expect("says"));
        });
    }

    /// Takes all waiting jobs, as a worker would.
    pub(crate) fn claim(&self) -> Vec<Claimed> {
        self.runtime.block_on(async {
            let lease = Arc::new(Lease::new(WorkerId::generate("w")));
            let stale = std::time::Duration::from_secs(10);
            self.queue.join(&lease, stale).await.expect("joins");
            let mut jobs = Vec::new();
            loop {
                let claim = self.queue.claim(&lease, 200, None).await.expect("claims");
                if claim.jobs.is_empty() {
                    return jobs;
                }
                jobs.extend(claim.jobs);
            }
        })
    }

    /// Lets every worker of the queue look as if it had not beaten for a minute.
    pub(crate) fn lose_workers(&self) {
        self.runtime.block_on(async {
            let (link, key) = (self.queue.link(), &self.queue.keys().workers);
            let mut list = redis::cmd("ZRANGE");
            list.arg(key).arg(0).arg(-1);
            let workers: Vec<String> = link.command(&list).await.expect("lists");
            for worker in workers {
                let mut age = redis::cmd("ZINCRBY");
                age.arg(key).arg(-60_000).arg(worker);
                let _: f64 = link.command(&age).await.expect("ages");
            }
        });
    }

    pub(crate) fn settle(&self, claimed: &[Claimed], fate: &Fate) {
        let retention = Retention {
            keep: std::time::Duration::from_secs(3600),
            max_bytes: None,
        };
        for jobs in claimed.chunks(200) {
            let verdicts: Vec<_> = jobs.iter().map(|job| verdict(job, fate.clone())).collect();
            let settled = self
                .runtime
                .block_on(self.queue.settle(&verdicts, retention));
            let written = settled.expect("settles").written;
            assert!(written.iter().all(|written| *written));
        }
    }

    /// Dead letters with this code of SendGrid's.
    pub(crate) fn bury(&self, count: usize, code: &str) -> Vec<String> {
        let ids = self.enqueue(count);
        self.settle(&self.claim(), &dead(code));
        ids
    }

    /// A dead letter whose id is any bytes.
    pub(crate) fn bury_raw(&self, id: &[u8], payload: &[u8]) -> String {
        let keys = self.queue.keys();
        self.redis(&[b"HSET", keys.data.as_bytes(), id, payload]);
        self.redis(&[b"RPUSH", keys.active.as_bytes(), id]);
        self.settle(&self.claim(), &dead("garbage"));
        RawId::from(id.to_vec()).to_string()
    }

    /// The id of the only group there is.
    pub(crate) fn group(&self) -> String {
        let groups = self.run(&["dead", "groups", "--json"]).json();
        assert_eq!(groups.as_array().map(Vec::len), Some(1), "{groups}");
        text(&groups[0]["group"])
    }

    pub(crate) fn row(&self) -> Value {
        self.run(&["queues", "--json"]).json()[0].clone()
    }
}

pub(crate) fn dead(code: &str) -> Fate {
    Fate::Dead {
        cause: Cause {
            class: Class::Refused,
            provider: Some("sendgrid".into()),
            code: Some(code.to_owned()),
        },
    }
}

fn verdict(claimed: &Claimed, fate: Fate) -> Verdict {
    Verdict {
        id: claimed.id.clone(),
        token: Arc::clone(&claimed.token),
        kind: Some("send_email".to_owned()),
        fate,
        state: RunState {
            used: claimed.run.used + 1,
            entries: claimed.run.entries + 1,
            ..claimed.run
        },
        history: Some(HistoryEntry {
            attempt: claimed.run.used + 1,
            worker: "w".to_owned(),
            outcome: "refused".to_owned(),
            reason: Some("SendGrid did not like it".to_owned()),
            ..HistoryEntry::default()
        }),
        key: claimed.key.clone(),
        put_back: None,
        payload_bytes: claimed.payload.as_ref().map_or(0, Vec::len),
        report: longshore_queue::CallReport::Nothing,
        context: claimed.context,
    }
}

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Ran {
    #[expect(dead_code, reason = "it is there to be shown when a test fails")]
    args: Vec<String>,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(args: &[&str], command: &mut Command) -> Self {
        Self::new(args, &command.output().expect("the binary starts"))
    }

    fn new(args: &[&str], output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it writes UTF-8");
        Self {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// It went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// It failed with this exit code, said why on stderr, and put no data on stdout.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, why: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(self.stderr.contains("error: "), "{self:#?}");
        assert!(self.stderr.contains(why), "no {why:?} in {self:#?}");
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }

    /// The only thing on stdout: one JSON document.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let ran = self.ok();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
    }

    /// The answer of something that changes something: JSON, less the target that each of them names.
    #[track_caller]
    pub(crate) fn done(self) -> Value {
        less_target(self.json())
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

#[track_caller]
pub(crate) fn less_target(mut answer: Value) -> Value {
    let object = answer.as_object_mut().expect("an object");
    let target = object.remove("target");
    assert!(target.is_some_and(|target| target.is_string()));
    answer
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The names of an object's fields, in their order or not.
#[track_caller]
pub(crate) fn fields(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}
