//! The Vault that has a provider's key, and what is done to it.

use std::time::{Duration, Instant};

use longshore_sandbox::VaultServer;
use longshore_tests::{Start, Worker, gone_by};

use super::Leg;
use crate::faults::VaultAction;

/// Where the key is.
const KEY: &str = "sendgrid/api-key";

/// How many seconds a login is good for: it runs out while Vault is sealed.
const LOGIN_SECONDS: u64 = 4;

/// How long a worker may take to say that it cannot start.
const GIVES_UP: Duration = Duration::from_secs(20);

/// A Vault with SendGrid's key, and a role that may read it.
pub(super) struct Kept {
    server: VaultServer,
    role_id: String,
    secret_id: String,
    /// Workers that were started while it was sealed.
    in_vain: Vec<Worker>,
}

impl Kept {
    /// `None`, and said so, where there is no such program.
    pub(super) fn make() -> Option<Self> {
        if !VaultServer::is_installed() {
            println!("left out: a Vault that is sealed, since `just openbao` has not been run");
            return None;
        }
        let server = VaultServer::start();
        server.put(KEY, "SG.flow");
        server.grant("workers", "sendgrid/*");
        let (role_id, secret_id) = server.app_role("workers", LOGIN_SECONDS, LOGIN_SECONDS);
        Some(Self {
            server,
            role_id,
            secret_id,
            in_vain: Vec::new(),
        })
    }

    /// Has a worker take the key from it.
    pub(super) fn of<'a>(&self, worker: Start<'a>) -> Start<'a> {
        worker
            .set("PROVIDERS__VAULT__ADDR", self.server.origin())
            .set("PROVIDERS__VAULT__ROLE_ID", self.role_id.clone())
            .set("PROVIDERS__VAULT__SECRET_ID", self.secret_id.clone())
            .set("PROVIDERS__VAULT__REREAD_SECONDS", "1")
            .set("PROVIDERS__SENDGRID__API_KEY", format!("vault:{KEY}"))
    }
}

impl Leg {
    /// What is done to Vault.
    pub(super) fn on_vault(&mut self, action: VaultAction) {
        match action {
            VaultAction::StartInVain if self.vault.is_some() => {
                let worker = self.worker(None).spawn();
                if let Some(vault) = &mut self.vault {
                    vault.in_vain.push(worker);
                }
            }
            VaultAction::Seal => {
                if let Some(vault) = &self.vault {
                    vault.server.seal();
                    self.count("seals of Vault");
                }
            }
            VaultAction::Unseal => {
                if let Some(vault) = &self.vault {
                    vault.server.unseal();
                }
            }
            VaultAction::StartInVain => {}
        }
    }

    /// Finds out what became of workers that began while Vault was sealed: each has ended and said why. On a busy machine one may have
    /// asked when Vault was there again: then it works like others.
    pub(super) async fn end_of_vault(&mut self) {
        let Some(vault) = &mut self.vault else {
            return;
        };
        let mut late = Vec::new();
        for mut worker in vault.in_vain.drain(..) {
            let since = Instant::now();
            let works = |worker: &Worker| worker.says("concurrency=");
            while worker.ended().is_none() && !works(&worker) && since.elapsed() < GIVES_UP {
                gone_by(Duration::from_millis(50), Instant::now()).await;
            }
            match worker.ended() {
                Some(1) if worker.says("is sealed") => {}
                None if works(&worker) => late.push(worker),
                ended => self.facts.misbehaved.push(format!(
                    "worker: begun with a sealed Vault, it came to {ended:?} and said {}",
                    worker.log()
                )),
            }
        }
        for worker in late {
            self.leaves(Some(worker));
        }
    }
}
