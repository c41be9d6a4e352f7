//! A fleet that works until it is stopped.

use std::net::SocketAddr;

use longshore_worker::{FleetError, LeftBehind};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub struct Running {
    pub stop: mpsc::Sender<()>,
    pub fleet: JoinHandle<Result<LeftBehind, FleetError>>,
    pub addr: SocketAddr,
}

impl Running {
    pub async fn stop(self) -> LeftBehind {
        let _ = self.stop.send(()).await;
        self.fleet.await.expect("no panic").expect("ends well")
    }
}
