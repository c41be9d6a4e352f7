//! Carried out on providers, and on the app that is told of jobs.

use std::collections::BTreeMap;

use longshore_sandbox::{Fault, FaultRule, When};
use longshore_tests::Act;

use super::Leg;
use crate::faults::{AppAction, ProviderAction, Trouble};

/// How long every provider takes when it is well, so that requests are out when a worker is killed.
const USUAL_MS: u64 = 40;

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
        let (status, effect) = match trouble {
            Trouble::Unavailable => (503, false),
            _ => (500, true),
        };
        let fault = match trouble {
            Trouble::HangsUpUnread => Fault::HangUpUnread,
            Trouble::HangsUpAfter => Fault::HangUp { effect: true },
            Trouble::HangsUpBefore => Fault::HangUp { effect: false },
            Trouble::Unavailable | Trouble::Failed => Fault::Answer {
                status,
                headers: BTreeMap::new(),
                body: None,
                effect,
            },
            Trouble::Garbage => Fault::Garbage {
                status: 200,
                effect: true,
            },
            Trouble::Throttles => Fault::Throttle {
                retry_after_seconds: Some(2),
                reset_in_seconds: None,
            },
            Trouble::Slow => Fault::Delay { ms: 2000 },
        };
        let chance = When::Chance {
            probability: 0.33,
            seed: self.seed,
        };
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        let rules = vec![FaultRule::new(fault, chance), usual];
        self.stage.faults_of(act).set(rules).expect("valid rules");
    }

    pub(super) fn mend(&mut self, act: Act) {
        let usual = FaultRule::always(Fault::Delay { ms: USUAL_MS });
        self.stage
            .faults_of(act)
            .set(vec![usual])
            .expect("valid rules");
    }
}
