//! Text messages against a Twilio that notes what it is asked.

mod handler;
mod verify;
mod wire;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use longshore_job::{
    Earlier, Gate, Handler, JobError, JobId, Memory, Outcome, Recalling, Run, Unremembered,
};
use longshore_sandbox::{Fault, PlantedMessage, Rule, TwilioSandbox};
use longshore_sms::SendSms;
use longshore_sms::{Credentials, SendSmsHandler, Sender, Twilio, TwilioConfig};
use tokio::sync::Notify;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TO: &str = "+4790000000";
const BODY: &str = "Your table is ready.";

/// Counts how often it was asked to let something be sent, and to let something be read, and opens or does not.
struct Door {
    opens: bool,
    sends: AtomicU64,
    reads: AtomicU64,
    asking: Notify,
}

impl Door {
    fn new(opens: bool) -> Arc<Self> {
        Arc::new(Self {
            opens,
            sends: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            asking: Notify::new(),
        })
    }

    fn asked(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.sends), count(&self.reads))
    }

    fn ask(&self, count: &AtomicU64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        count.fetch_add(1, Ordering::Relaxed);
        self.asking.notify_one();
        match self.opens {
            true => Box::pin(std::future::ready(())),
            false => Box::pin(std::future::pending()),
        }
    }
}

impl Gate for Door {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.ask(&self.sends)
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.ask(&self.reads)
    }
}

/// What the fleet would remember.
struct Notes {
    earlier: Earlier,
    /// Messages that belong to other jobs.
    others: HashSet<String>,
    own: Mutex<Vec<String>>,
    out_of_order: bool,
}

impl Notes {
    /// Of a job whose request was out between these two, in seconds before now.
    fn of_request(after_seconds: u64, before_seconds: u64) -> Self {
        let now = SystemTime::now();
        Self {
            earlier: Earlier {
                after: now - Duration::from_secs(after_seconds),
                before: now - Duration::from_secs(before_seconds),
                now,
                message: None,
            },
            others: HashSet::new(),
            own: Mutex::default(),
            out_of_order: false,
        }
    }

    fn own(&self) -> Vec<String> {
        self.own.lock().expect("no panic").clone()
    }
}

impl Memory for Notes {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        Box::pin(async {
            match self.out_of_order {
                true => Err(Unremembered("away".to_owned())),
                false => Ok(self.earlier.clone()),
            }
        })
    }

    fn own<'a>(&'a self, message: &'a str) -> Recalling<'a, bool> {
        Box::pin(async move {
            if self.out_of_order {
                return Err(Unremembered("away".to_owned()));
            }
            let ours = !self.others.contains(message);
            if ours {
                self.own.lock().expect("no panic").push(message.to_owned());
            }
            Ok(ours)
        })
    }

    fn recall<'a>(&'a self, _key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        unreachable!("nothing is kept")
    }

    fn keep<'a>(&'a self, _key: &'a str, _value: &'a [u8], _time: Duration) -> Recalling<'a, ()> {
        unreachable!("nothing is kept")
    }
}

/// A provider, a handler that uses it, a door that is open, and a memory.
struct Scene {
    provider: TwilioSandbox,
    handler: SendSmsHandler,
    door: Arc<Door>,
    notes: Arc<Notes>,
}

fn config(origin: &str) -> TwilioConfig {
    let credentials = Credentials::AuthToken("token".into());
    let sender = Sender::From("+15005550006".to_owned());
    let mut config = TwilioConfig::new(ACCOUNT, credentials, sender);
    config.base_url = origin.parse().expect("an origin");
    config
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    async fn set_with(change: impl FnOnce(&mut TwilioConfig)) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let provider = TwilioSandbox::start(any).await.expect("a free port");
        // Messages stay as they were accepted.
        provider.change_callbacks(|callbacks| callbacks.held = true);
        let mut config = config(&provider.origin());
        change(&mut config);
        Self {
            provider,
            handler: SendSmsHandler::new(Twilio::new(&config).expect("a client")),
            door: Door::new(true),
            notes: Arc::new(Notes::of_request(700, 600)),
        }
    }

    /// The same, where the job's request was out in another time, or other things are remembered.
    fn remembering(mut self, notes: Notes) -> Self {
        self.notes = Arc::new(notes);
        self
    }

    fn a_run(&self) -> Run {
        let run = Run::new(JobId::generate(), 1, 4, self.door.clone());
        run.with_memory(self.notes.clone())
    }

    async fn run(&self, job: SendSms) -> Result<Outcome, JobError> {
        self.handler.run(job, self.a_run()).await
    }

    async fn verify(&self) -> Result<Option<Outcome>, JobError> {
        let job = SendSms::new(TO, BODY);
        self.handler.verify(&job, &self.a_run()).await
    }

    /// Requests that came, messages that were sent, and how often the gate was asked for each kind.
    fn counts(&self) -> (u64, u64, (u64, u64)) {
        let summary = self.provider.ledger().summary();
        (summary.requests, summary.accepted, self.door.asked())
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![Rule::always(fault)];
        self.provider.faults().set(rules).expect("a valid rule");
    }

    /// A message like the job's, created so many seconds ago.
    fn planted(&self, seconds_ago: u64) -> PlantedMessage {
        let time = SystemTime::now() - Duration::from_secs(seconds_ago);
        PlantedMessage::new(ACCOUNT, TO, BODY).at(time)
    }
}

/// The sid that the job is done with.
fn sid(outcome: &Outcome) -> String {
    let Outcome::Done {
        result: Some(result),
        answer,
    } = outcome
    else {
        panic!("{outcome:?}");
    };
    let sid = result["sid"].as_str().expect("a sid");
    assert_eq!(answer.request_id.as_deref(), Some(sid));
    assert_eq!(answer.provider.as_deref(), Some("twilio"));
    sid.to_owned()
}
