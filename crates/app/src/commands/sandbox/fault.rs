//! `sandbox fault`: faults of a running stand-in, over its own HTTP.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_integration::Sandbox;
use longshore_provider::{StatusCode, client};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::{FaultArgs, FaultCommand, FaultKind};
use crate::failure::Failure;
use crate::output;

/// How long a stand-in may take to answer. It is on this machine.
const TIMEOUT: Duration = Duration::from_secs(5);

const LATE_BY: Duration = Duration::from_secs(5);

/// Sets, shows or clears faults at these stand-ins.
/// `all`: each where it runs unless told otherwise.
pub(super) async fn run(all: &[(Sandbox, SocketAddr)], args: FaultArgs) -> Result<(), Failure> {
    match args.instead {
        None => {
            let rule = rule(&args)?;
            let provider = args.provider.unwrap_or_default();
            let at = StandIn::named(all, &provider, args.at.addr)?;
            at.set(&rule).await?;
            shown(vec![at.state().await?], args.at.json)
        }
        Some(FaultCommand::List { provider, at }) => {
            let states = match provider {
                Some(provider) => vec![StandIn::named(all, &provider, at.addr)?.state().await?],
                None => running(all).await?.into_iter().map(|(_, s)| s).collect(),
            };
            shown(states, at.json)
        }
        Some(FaultCommand::Clear { provider, at }) => {
            let stand_ins = match provider {
                Some(provider) => vec![StandIn::named(all, &provider, at.addr)?],
                None => running(all).await?.into_iter().map(|(at, _)| at).collect(),
            };
            let mut states = Vec::new();
            for stand_in in stand_ins {
                stand_in.clear().await?;
                states.push(stand_in.state().await?);
            }
            shown(states, at.json)
        }
    }
}

/// Those that run where they run unless told otherwise. One of another program on such an address is none of them.
async fn running(all: &[(Sandbox, SocketAddr)]) -> Result<Vec<(StandIn, State)>, Failure> {
    let mut running = Vec::new();
    for (sandbox, _) in all {
        let at = StandIn::named(all, sandbox.name, None)?;
        if let Ok(state) = at.state().await {
            running.push((at, state));
        }
    }
    match running.is_empty() {
        true => Err(Failure::failed(format!("no stand-in runs here; {CURE}"))),
        false => Ok(running),
    }
}

const CURE: &str = "start them with `longshore --profile local sandbox`, or name a provider and the address of its stand-in with --addr";

/// A stand-in that may run.
struct StandIn {
    name: &'static str,
    addr: SocketAddr,
}

/// What a stand-in says of its faults.
#[derive(Debug, Serialize)]
struct State {
    provider: &'static str,
    addr: SocketAddr,
    faults: Vec<ShownRule>,
}

#[derive(Debug, Serialize)]
struct ShownRule {
    text: String,
    hit: u64,
    rule: Value,
}

/// The same, as it comes.
#[derive(Deserialize)]
struct Answered {
    provider: String,
    rules: Vec<Value>,
    in_words: Vec<InWords>,
}

#[derive(Deserialize)]
struct InWords {
    text: String,
    hit: u64,
}

impl StandIn {
    fn named(
        all: &[(Sandbox, SocketAddr)],
        name: &str,
        addr: Option<SocketAddr>,
    ) -> Result<Self, Failure> {
        let known = all.iter().find(|(sandbox, _)| sandbox.name == name);
        let (sandbox, usual) = known.ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|(sandbox, _)| sandbox.name).collect();
            let known = known.join(", ");
            Failure::input(format!("no stand-in for {name}; there are {known}"))
        })?;
        Ok(Self {
            name: sandbox.name,
            addr: addr.unwrap_or(*usual),
        })
    }

    async fn state(&self) -> Result<State, Failure> {
        let (status, body) = self.send("GET", None).await?;
        let answered = serde_json::from_str::<Answered>(&body).ok();
        let Some(answered) = answered.filter(|_| status.is_success()) else {
            let addr = self.addr;
            return Err(Failure::failed(format!(
                "what listens on {addr} is no stand-in of this version; {CURE}"
            )));
        };
        if answered.provider != self.name {
            return Err(Failure::failed(format!(
                "the stand-in on {} is the one for {}, not for {}",
                self.addr, answered.provider, self.name
            )));
        }
        let told = answered.in_words.into_iter().zip(answered.rules);
        Ok(State {
            provider: self.name,
            addr: self.addr,
            faults: told
                .map(|(InWords { text, hit }, rule)| ShownRule { text, hit, rule })
                .collect(),
        })
    }

    async fn set(&self, rule: &Value) -> Result<(), Failure> {
        self.change("PUT", Some(json!({ "rules": [rule] }))).await
    }

    async fn clear(&self) -> Result<(), Failure> {
        self.change("DELETE", None).await
    }

    /// Nothing is changed before it is known whose stand-in it is.
    async fn change(&self, method: &str, body: Option<Value>) -> Result<(), Failure> {
        self.state().await?;
        output::note(&format!(
            "at the stand-in for {}, on {}",
            self.name, self.addr
        ));
        match self.send(method, body).await? {
            (status, _) if status.is_success() => Ok(()),
            (StatusCode::UNPROCESSABLE_ENTITY, why) => Err(Failure::input(why)),
            (status, _) => Err(Failure::failed(format!(
                "the stand-in answered {}",
                status.as_u16()
            ))),
        }
    }

    async fn send(
        &self,
        method: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, String), Failure> {
        let client = client(true, TIMEOUT, TIMEOUT).map_err(Failure::failed)?;
        let method = method.parse().map_err(Failure::failed)?;
        let url = format!("http://{}/sandbox/faults", self.addr);
        let mut request = client.request(method, url);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let absent = |error| {
            Failure::failed(format!(
                "no stand-in for {} answers on {} ({}); {CURE}",
                self.name,
                self.addr,
                longshore_provider::causes(&error)
            ))
        };
        let answer = request.send().await.map_err(absent)?;
        let status = answer.status();
        Ok((status, answer.text().await.map_err(absent)?))
    }
}

/// The rule that the stand-in is given.
fn rule(args: &FaultArgs) -> Result<Value, Failure> {
    let fault = args.fault.unwrap_or(FaultKind::HangUp);
    let refused = |option: &str, only_with: &str| {
        Err(Failure::input(format!(
            "{option} is only for {only_with}: leave it out"
        )))
    };
    if args.retry_after.is_some() && fault != FaultKind::Status(429) {
        return refused("--retry-after", "429");
    }
    if args.delay.is_some() && fault != FaultKind::Slow {
        return refused("--delay", "slow");
    }
    let answers = matches!(
        fault,
        FaultKind::Status(_) | FaultKind::HangUp | FaultKind::Silent | FaultKind::Garbage
    );
    if args.carried_out && (!answers || args.retry_after.is_some()) {
        return refused(
            "--carried-out",
            "a status without --retry-after, hangup, silent and garbage",
        );
    }
    let effect = args.carried_out;
    let fault = match (fault, args.retry_after) {
        (_, Some(wait)) => json!({ "throttle": { "retry_after_seconds": wait.as_secs() } }),
        (FaultKind::Status(status), None) => {
            json!({ "answer": { "status": status, "effect": effect } })
        }
        (FaultKind::HangUp, None) => json!({ "hang_up": { "effect": effect } }),
        (FaultKind::Silent, None) => json!({ "never_answer": { "effect": effect } }),
        (FaultKind::Slow, None) => {
            json!({ "delay": { "ms": millis(args.delay.unwrap_or(LATE_BY)) } })
        }
        (FaultKind::Reset, None) => json!("hang_up_unread"),
        (FaultKind::Garbage, None) => json!({ "garbage": { "status": 200, "effect": effect } }),
    };
    let when = match (args.times, args.share) {
        (Some(times), _) => json!({ "first": times }),
        (None, Some(share)) => json!({ "chance": { "probability": share, "seed": seed() } }),
        (None, None) => json!("always"),
    };
    let mut rule = json!({ "fault": fault, "when": when });
    if let Some(lasts) = args.lasts {
        rule["for_ms"] = millis(lasts).into();
    }
    Ok(rule)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Another chance at each call.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, millis)
}

fn shown(states: Vec<State>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&states);
    }
    let rows = states.into_iter().flat_map(|state| {
        let row = |hit: String, fault: String| {
            vec![
                state.provider.to_owned(),
                state.addr.to_string(),
                hit,
                fault,
            ]
        };
        match state.faults.is_empty() {
            true => vec![row("-".to_owned(), "none".to_owned())],
            false => state
                .faults
                .into_iter()
                .map(|told| row(told.hit.to_string(), told.text))
                .collect(),
        }
    });
    output::table(&["stand-in for", "at", "hit", "fault"], rows.collect())
}
