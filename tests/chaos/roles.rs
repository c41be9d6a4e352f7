//! Roles that serve others beside the workers: the HTTP API, the console, the listener for providers' events. Each has one
//! process, which is killed and started again, at the same address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use longshore_sandbox::free_port;
use longshore_tests::{Stage, Worker};

use crate::supervise::has_ended;

/// What programs show to the API.
pub(crate) const TOKEN: &str = "chaos-token-of-the-shop";

/// The header in which a proxy names to the console who looks at it.
pub(crate) const VISITOR: &str = "x-visitor";

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Api,
    Console,
    Webhooks,
}

/// What is done to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleAction {
    /// SIGKILL.
    Kill(Role),
    /// It is started again.
    Start(Role),
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Api, Self::Console, Self::Webhooks];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Console => "console",
            Self::Webhooks => "webhooks",
        }
    }

    /// What it logs once it serves.
    fn ready(self) -> &'static str {
        match self {
            Self::Api => "the API is served",
            Self::Console => "the console is served",
            Self::Webhooks => "webhooks are taken",
        }
    }
}

/// Where a role is reached, and whether somebody should answer there.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    open: Arc<AtomicBool>,
    changes: Arc<AtomicUsize>,
}

impl Door {
    fn new() -> Self {
        // One that no connection takes while nobody listens there.
        let port = free_port().expect("a free port");
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], port)),
            open: Arc::default(),
            changes: Arc::default(),
        }
    }

    /// Changes whenever somebody begins to serve there, or is killed.
    pub(crate) fn changes(&self) -> usize {
        self.changes.load(Ordering::Acquire)
    }

    /// Whether somebody has served there all the while since [`changes`](Self::changes) said this.
    pub(crate) fn was_open(&self, since: usize) -> bool {
        self.open.load(Ordering::Acquire) && self.changes() == since
    }

    fn set(&self, open: bool) {
        self.open.store(open, Ordering::Release);
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

/// The processes.
#[derive(Debug)]
pub(crate) struct Roles {
    doors: [Door; Role::ALL.len()],
    processes: [Option<Worker>; Role::ALL.len()],
}

impl Roles {
    /// Places for one of each, which all others know.
    pub(crate) fn set(stage: &mut Stage) -> Self {
        let doors = [Door::new(), Door::new(), Door::new()];
        let addr = |role: Role| doors[role as usize].addr.to_string();
        for (name, value) in [
            ("API__HTTP_ADDR", addr(Role::Api)),
            ("API__PRIVATE_ADDR", "127.0.0.1:0".to_owned()),
            ("API__TOKENS__SHOP__SECRET", TOKEN.to_owned()),
            ("CONSOLE__HTTP_ADDR", addr(Role::Console)),
            ("CONSOLE__PRIVATE_ADDR", "127.0.0.1:0".to_owned()),
            ("CONSOLE__TRUSTED_HEADER", VISITOR.to_owned()),
            ("CONSOLE__USERS__OPS__ROLE", "operator".to_owned()),
        ] {
            stage.set_for_all(name, value);
        }
        let processes = [const { None }; Role::ALL.len()];
        Self { doors, processes }
    }

    /// Starts one of each.
    pub(crate) fn start(&mut self, stage: &Stage) {
        for role in Role::ALL {
            self.processes[role as usize] = Some(spawn(stage, role, &self.doors));
        }
    }

    pub(crate) fn door(&self, role: Role) -> Door {
        self.doors[role as usize].clone()
    }

    /// Does it. Returns what it was, to be counted.
    pub(crate) async fn carry_out(
        &mut self,
        action: RoleAction,
        stage: &Stage,
    ) -> Option<&'static str> {
        match action {
            RoleAction::Kill(role) => {
                self.doors[role as usize].set(false);
                let process = self.processes[role as usize].take()?;
                process.kill().await;
                Some(match role {
                    Role::Api => "APIs killed",
                    Role::Console => "consoles killed",
                    Role::Webhooks => "webhooks killed",
                })
            }
            RoleAction::Start(role) => {
                self.processes[role as usize] = Some(spawn(stage, role, &self.doors));
                None
            }
        }
    }

    /// Starts those again that ended by themselves.
    pub(crate) fn look_after(&mut self, stage: &Stage, misbehaved: &mut Vec<String>) {
        for role in Role::ALL {
            let place = role as usize;
            let Some(process) = &mut self.processes[place] else {
                continue;
            };
            let door = &self.doors[place];
            if !door.open.load(Ordering::Acquire) && process.says(role.ready()) {
                door.set(true);
            }
            if has_ended(role.name(), process, misbehaved) {
                door.set(false);
                self.processes[place] = Some(spawn(stage, role, &self.doors));
            }
        }
    }

    /// The process of each that runs.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&'static str, &Worker)> {
        let all = Role::ALL.into_iter().zip(&self.processes);
        all.filter_map(|(role, process)| Some((role.name(), process.as_ref()?)))
    }
}

fn spawn(stage: &Stage, role: Role, doors: &[Door]) -> Worker {
    let addr = doors[role as usize].addr.to_string();
    // What is set for the one to be started wins over what is set for all, and each role brings a port of its own.
    match role {
        Role::Api => stage.api().set("API__HTTP_ADDR", addr),
        Role::Console => stage.console().set("CONSOLE__HTTP_ADDR", addr),
        Role::Webhooks => stage.webhooks(),
    }
    .spawn()
}
