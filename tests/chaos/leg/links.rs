//! The ways between processes, and what becomes of them.

use longshore_tests::{Act, Line, Stage, Wire};

use super::Leg;
use crate::faults::{LinkAction, Topology};
use crate::plan::{LINKED, TROUBLED};
use crate::produce::now_ms;

/// Ways that can be cut.
pub(super) struct Links {
    /// That of some workers to Redis. Several servers say themselves where they are: there is none to them.
    redis: Option<Wire>,
    providers: Vec<(Act, Wire)>,
}

impl Links {
    /// Makes them, and has all who are started from now on use those to the providers.
    pub(super) async fn make(stage: &mut Stage, topology: Topology) -> Self {
        let redis = match topology {
            Topology::Single => Some(Wire::to(stage.redis.port()).await),
            Topology::Sentinel | Topology::Cluster => None,
        };
        let mut providers = Vec::new();
        for act in TROUBLED {
            let wire = Wire::to(stage.provider_port(act)).await;
            stage.reach_provider_by(act, &wire);
            providers.push((act, wire));
        }
        Self { redis, providers }
    }

    /// How the worker in this place reaches Redis, if not directly.
    pub(super) fn redis_url(&self, place: usize) -> Option<String> {
        let redis = self.redis.as_ref().filter(|_| place < LINKED);
        redis.map(Wire::url)
    }

    /// The way to this provider.
    pub(super) fn to_provider(&self, act: Act) -> Option<&Wire> {
        let mut all = self.providers.iter();
        all.find(|(of, _)| *of == act).map(|(_, wire)| wire)
    }
}

impl Leg {
    /// What is done to a way between processes.
    pub(super) fn on_link(&mut self, action: LinkAction) {
        match action {
            LinkAction::Redis(line) => {
                if line != Line::Open {
                    self.count("ways to Redis cut or slow");
                    // What those workers know cannot reach Redis meanwhile.
                    self.facts.deaths_ms.push(now_ms());
                }
                if let Some(wire) = &self.links.redis {
                    wire.becomes(line);
                }
            }
            LinkAction::Provider(act, line) => {
                if line != Line::Open {
                    self.count("ways to providers cut or slow");
                }
                if let Some(wire) = self.links.to_provider(act) {
                    wire.becomes(line);
                }
            }
        }
    }
}
