//! Carried out on providers, and on the app that is told of jobs.

use std::collections::BTreeMap;

use longshore_sandbox::{Fault, FaultRule, When};
use longshore_tests::{Act, Trouble as OnTheWire};

use super::Leg;
use crate::faults::{AppAction, ProviderAction, Trouble};

/// How long every provider takes when it is well, so that requests are out when a worker is killed.
const USUAL_MS: u64 = 40;

/// How many requests or answers are cut in two, at the most.
const CUTS: usize = 12;

/// How long an answer is that is too long, in bytes.
const HUGE: usize = 20_000_000;

impl Leg {
    /// What is done to a provider.
    pub(super) fn on_provider(&mut self, action: ProviderAction) {
        match action {
            ProviderAction::Begin(act, trouble) => self.begin(act, trouble),
            ProviderAction::Mend(act) => self.mend(act),
        }
    }

    /// What is done to the app that is told of jobs.
    pub(super) async fn on_app(&mut self, action: AppAction) {
        match action {
            AppAction::Begin(trouble) => {
                self.count("troubles of the app");
                self.app.begin(trouble);
            }
            AppAction::Mend => self.app.mend().await,
        }
    }

    fn begin(&mut self, act: Act, trouble: Trouble) {
        self.count("troubled providers");
        let cut = match trouble {
            Trouble::HangsUpInRequest => Some(OnTheWire::CutInCall),
            Trouble::HangsUpInHead => Some(OnTheWire::CutInHead),
            Trouble::HangsUpInBody => Some(OnTheWire::CutInBody),
            _ => None,
        };
        if let Some(cut) = cut {
            if let Some(wire) = self.links.to_provider(act) {
                wire.trouble("HTTP/1.1\r\n", cut, CUTS);
            }
            return;
        }
        let when = match trouble {
            Trouble::ThrottlesAll | Trouble::FailsAll | Trouble::UnavailableAll => When::Always,
            // Each is megabytes.
            Trouble::Huge => self.chance(0.05),
            _ => self.chance(0.33),
        };
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        let rules = vec![FaultRule::new(fault(trouble), when), usual];
        self.stage.faults_of(act).set(rules).expect("valid rules");
    }

    fn chance(&self, probability: f64) -> When {
        let seed = self.seed;
        When::Chance { probability, seed }
    }

    pub(super) fn mend(&mut self, act: Act) {
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        self.stage
            .faults_of(act)
            .set(vec![usual])
            .expect("valid rules");
        if let Some(wire) = self.links.to_provider(act) {
            wire.clear();
        }
    }
}

fn fault(trouble: Trouble) -> Fault {
    let json = "application/json";
    match trouble {
        Trouble::HangsUpUnread => Fault::HangUpUnread,
        Trouble::HangsUpAfter => Fault::HangUp { effect: true },
        Trouble::HangsUpBefore => Fault::HangUp { effect: false },
        Trouble::Unavailable | Trouble::UnavailableAll => explained(503, false),
        Trouble::Failed => explained(500, true),
        Trouble::FailsAll => explained(500, false),
        Trouble::Garbage => Fault::Garbage {
            status: 200,
            effect: true,
        },
        Trouble::Html => success(200, "text/html", "<!doctype html><h1>Welcome</h1>"),
        Trouble::Truncated => success(200, json, r#"{"id":"re_1","status":"succ"#),
        Trouble::OtherForm => success(200, json, r#"[{"id":7,"status":[null]}]"#),
        Trouble::Huge => success(200, json, &" ".repeat(HUGE)),
        Trouble::Empty => success(204, json, ""),
        Trouble::Throttles | Trouble::ThrottlesAll => Fault::Throttle {
            retry_after_seconds: Some(2),
            reset_in_seconds: None,
        },
        Trouble::Slow => Fault::Delay { ms: 2000 },
        // Those are made on the wire.
        Trouble::HangsUpInRequest | Trouble::HangsUpInHead | Trouble::HangsUpInBody => {
            Fault::HangUp { effect: true }
        }
    }
}

/// An answer that does not say what was asked for, to a request that was carried out.
fn success(status: u16, content_type: &str, body: &str) -> Fault {
    let content_type = ("content-type".to_owned(), content_type.to_owned());
    Fault::Answer {
        status,
        headers: [content_type].into(),
        body: Some(body.to_owned()),
        effect: true,
    }
}

fn explained(status: u16, effect: bool) -> Fault {
    Fault::Answer {
        status,
        headers: BTreeMap::new(),
        body: None,
        effect,
    }
}
