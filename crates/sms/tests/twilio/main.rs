//! Text messages against a Twilio that notes what it is asked.

mod handler;
mod opt_out;
mod options;
mod verify;
mod wire;

use std::time::{Duration, SystemTime};

use longshore_job::{Handler, JobError, Outcome, Run};
use longshore_sandbox::{Fault, FaultRule};
use longshore_sms::SendSms;
use longshore_sms::sandbox::{PlantedMessage, TwilioSandbox};
use longshore_sms::{MessageSender, SendSmsHandler, Twilio, TwilioAuth, TwilioConfig};
use longshore_testing::{MemoryRequest, Script, ScriptedMemory};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TO: &str = "+4790000000";
const BODY: &str = "Your table is ready.";

/// A memory that knows of requests that were out between these two, in seconds before now. Nothing is kept in it.
fn memory(from: u64, to: u64) -> ScriptedMemory {
    let memory = ScriptedMemory::new();
    memory.set_requests_out(Duration::from_secs(from), Duration::from_secs(to));
    memory.forbid(MemoryRequest::Recall, "nothing is kept");
    memory.forbid(MemoryRequest::Keep, "nothing is kept");
    memory
}

/// A provider, a handler that uses it, and what surrounds its runs: an open gate, and a memory.
struct Scene {
    provider: TwilioSandbox,
    handler: SendSmsHandler,
    script: Script,
}

fn config(origin: &str) -> TwilioConfig {
    let credentials = TwilioAuth::AuthToken("token".into());
    let sender = MessageSender::From("+15005550006".to_owned());
    TwilioConfig {
        base_url: origin.parse().expect("an origin"),
        account_sid: ACCOUNT.to_owned(),
        credentials,
        sender,
        senders: [].into(),
        status_callback: None,
        timeout: Duration::from_secs(15),
    }
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
            script: Script::new().with_memory(&memory(700, 600)),
        }
    }

    /// The same, where the job's request was out in another time, or other things are remembered.
    fn remembering(mut self, memory: &ScriptedMemory) -> Self {
        self.script = self.script.with_memory(memory);
        self
    }

    fn a_run(&self) -> Run {
        self.script.for_new_job().run()
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
        let gate = &self.script.gate;
        (
            summary.requests,
            summary.accepted,
            (gate.sends(), gate.reads()),
        )
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![FaultRule::always(fault)];
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
