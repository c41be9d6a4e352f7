//! What follows from each answer, at every provider: the real handlers against a server that answers so, then `decide`.
//!
//! [`follows`] is the one table of what is expected; [`CALLS`] says of each provider how it is called, and [`Call::differs`]
//! where its documents say otherwise. A provider of an integration that has no line in [`CALLS`] fails the test.

mod calls;
mod fuzz;
mod server;

use std::time::Duration;

use longshore_job::{CallReport, Class, JobError, Outcome, RetrySchedule};
use longshore_queue::{Fate, OnUnknown, Policy, RunState, decide};
use longshore_testing::Script;
use longshore_worker::Handlers;

use calls::{CALLS, Call, Kind};
use longshore_app::registry::{SetupContext, names};
use longshore_app::secrets::Secrets;
use server::Server;

/// How long a call may take where some have no end.
const CALL: Duration = Duration::from_millis(300);

/// What a provider does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Answers well.
    Well,
    /// Answers with this status and a page.
    Status(u16),
    /// Answers 200 with what is no answer of its own.
    Garbage,
    /// Asks for seven seconds by `Retry-After`, with this status.
    Wait(u16),
    /// Closes the connection when a request begins, and reads nothing of it.
    HangUpUnread,
    /// Reads the request and closes the connection.
    HangUp,
    /// Reads the request and says nothing.
    Silent,
    /// Begins a 200 and never ends it.
    SlowBody,
    /// Nobody listens.
    Away,
    /// Answers what [`Server::answers`] was given, byte for byte.
    Raw,
}

const ALL: &[Does] = &[
    Does::Well,
    Does::Status(301),
    Does::Status(302),
    Does::Status(400),
    Does::Status(401),
    Does::Status(403),
    Does::Status(404),
    Does::Status(408),
    Does::Status(409),
    Does::Status(413),
    Does::Status(422),
    Does::Status(500),
    Does::Status(502),
    Does::Status(503),
    Does::Status(504),
    Does::Status(520),
    Does::Wait(429),
    Does::Wait(503),
    Does::Garbage,
    Does::HangUpUnread,
    Does::HangUp,
    Does::Silent,
    Does::SlowBody,
    Does::Away,
];

/// A row of what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// It is done.
    Done,
    /// Nobody knows: the rule of the queue, a failure for the breaker, never failed over.
    Unknown,
    /// Nothing was done, or nothing was at stake: again on schedule, a failure for the breaker.
    Again,
    /// It declined, and may not the next time: again on schedule, no failure of the provider.
    AgainWell,
    /// Nothing was sent: again, at no attempt.
    NotReached,
    /// Later, at no attempt.
    Later,
    /// The account is the trouble: at no attempt, and the queue pauses.
    Paused,
    /// Dead at once; it answered.
    Refused,
}

/// What follows at a provider that documents nothing else.
fn follows(does: Does, kind: Kind) -> Follows {
    match (does, kind) {
        (Does::Well, _) => Follows::Done,
        (Does::Away, _) => Follows::NotReached,
        (Does::Wait(_), _) => Follows::Later,
        (Does::Status(401 | 403), _) => Follows::Paused,
        (Does::Status(301 | 503), _) => Follows::Again,
        (Does::Status(400..=407 | 409..=499), _) => Follows::Refused,
        (_, Kind::Effect | Kind::Keyed) => Follows::Unknown,
        (_, Kind::Repeatable) => Follows::Again,
    }
}

/// A call, its server, and the handlers that go there.
struct Scene {
    call: &'static Call,
    server: Server,
    /// What comes before it.
    _stripe: Server,
    handlers: Handlers,
}

impl Scene {
    async fn set(call: &'static Call, fallback: bool, most: Duration) -> Self {
        let server = Server::start(call.good).await;
        let stripe = Server::start(calls::SHOWN).await;
        let config = calls::config(call, &server, &stripe, fallback, most);
        let secrets = Secrets::new(&config).expect("no Vault");
        let owner = config
            .providers()
            .find(|(_, owner)| owner.name == call.queue_of);
        let (owner, _) = owner.expect("its queue has an owner");
        let set_up = SetupContext::new(&config, &secrets).set_up(owner).await;
        let set_up = set_up.unwrap_or_else(|failure| panic!("{}: {failure}", call.provider));
        Self {
            call,
            server,
            _stripe: stripe,
            handlers: set_up.expect("it is on").handlers,
        }
    }

    /// Everything that the provider may do, one after the other; what did not follow.
    async fn play(mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for &does in ALL {
            let call = self.call;
            if does == Does::Away {
                // What a store that is not reached costs is seen in its own crate.
                if call.queue_of == "s3" {
                    continue;
                }
                self.server.leave().await;
            }
            self.server.does(does);
            let (end, told) = run(call, &self.handlers).await;
            let row = call.differs(does).unwrap_or(follows(does, call.kind));
            wrong.extend(check(call, does, &end, told.as_ref(), row).err());
        }
        wrong
    }
}

/// The end of one run, and the last word about single calls, if there was one.
async fn run(call: &Call, handlers: &Handlers) -> (Result<Outcome, JobError>, Option<CallReport>) {
    let mut script = Script::new();
    script.route = call.route;
    let run = script.run();
    let end = handlers.try_out(call.payload.as_bytes(), run).await;
    let told = script.gate.reports().pop();
    (end.expect("its kind is known"), told)
}

/// Whether what came of a run is this row, by every rule of the queue.
fn check(
    call: &Call,
    does: Does,
    end: &Result<Outcome, JobError>,
    told: Option<&CallReport>,
    row: Follows,
) -> Result<(), String> {
    for on_unknown in [OnUnknown::Retry, OnUnknown::Verify, OnUnknown::Hold] {
        let policy = Policy {
            schedule: RetrySchedule::default(),
            on_unknown,
        };
        let own = match call.route.is_fallback() {
            true => call.provider,
            false => call.queue_of,
        };
        let decision = decide(end, RunState::default(), call.route, &policy, own);
        let said = told.unwrap_or(&decision.report);
        let schedule = Fate::Retry {
            after: Duration::from_secs(60),
        };
        let held = row == Follows::Unknown && on_unknown == OnUnknown::Hold;
        let fate_fits = match (row, &decision.fate) {
            (Follows::Done, fate) => matches!(fate, Fate::Completed { .. }),
            (Follows::Unknown, Fate::Dead { cause }) => {
                held && cause.class == Class::OutcomeUnknown
            }
            (Follows::Unknown, fate) => !held && *fate == schedule,
            (Follows::Again | Follows::AgainWell, fate) => *fate == schedule,
            (Follows::NotReached | Follows::Paused, fate) => {
                matches!(fate, Fate::Later { .. } | Fate::Back)
            }
            (Follows::Later, fate) => matches!(fate, Fate::Later { .. }),
            (Follows::Refused, Fate::Dead { cause }) => cause.class == Class::Refused,
            (Follows::Refused, _) => false,
        };
        let word_fits = match row {
            // Stripe has shown what the app was told of.
            Follows::Done if call.provider == "app" => *said == CallReport::Well,
            // A provider whose queue it is not has no say, and what was not reached has rules of its own.
            _ if told.is_none() && own != call.provider => *said == CallReport::Nothing,
            Follows::NotReached => *said != CallReport::Well,
            Follows::Done | Follows::AgainWell | Follows::Refused => *said == CallReport::Well,
            Follows::Unknown | Follows::Again => *said == CallReport::Ill,
            Follows::Later => matches!(said, CallReport::Hold(_) | CallReport::Nothing),
            Follows::Paused => matches!(said, CallReport::Refused { .. }),
        };
        let free = matches!(row, Follows::NotReached | Follows::Later | Follows::Paused);
        let used_fits = decision.state.used == u32::from(!free);
        // What may have been sent stays where it is; see `Entry::route` and `claim.lua`.
        let stays = decision.state.may_have_been_sent == (row == Follows::Unknown);
        if !(fate_fits && word_fits && used_fits && stays) {
            return Err(format!(
                "{} {does:?} {on_unknown:?}: not {row:?}, but {decision:?}, told {told:?}, of {end:?}",
                call.provider
            ));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_every_provider_has_what_follows() {
    let mut scenes = tokio::task::JoinSet::new();
    for call in CALLS {
        // A fallback changes nothing of what an answer means; without one, nothing is claimed for it.
        for fallback in [false, true] {
            let takes_part = call.queue_of == "sendgrid";
            if (takes_part && (fallback || !call.route.is_fallback())) || !(takes_part || fallback)
            {
                scenes.spawn(Scene::set(call, fallback, CALL).await.play());
            }
        }
    }
    assert_eq!(
        scenes.len(),
        CALLS.len() + 1,
        "mails by SendGrid with and without"
    );
    let wrong: Vec<_> = scenes.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Who is called by the integrations' queues, as a configuration with everything on has it.
#[test]
fn every_provider_is_called_here() {
    let config = super::all_with("hidden");
    for (integration, provider) in config.providers() {
        for name in names(&config, provider) {
            // All that configuration describes are called by the same code.
            let name = match integration.crate_name {
                "longshore_services" => "crm",
                _ => name,
            };
            let called = CALLS.iter().any(|call| call.provider == name);
            assert!(called, "{name} has no line in CALLS");
        }
    }
    // What a queue's jobs call beside its providers.
    assert!(CALLS.iter().any(|call| call.provider == "app"));
}
