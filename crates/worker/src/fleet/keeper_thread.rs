use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use longshore_queue::LinkOptions;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::FleetError;
use crate::metrics::Metrics;
use crate::overview::Overview;
use crate::station::Station;
use crate::ticker::Ticker;
use crate::{health, keeper};

/// The keeper's thread: heartbeats and health.
pub(super) struct KeeperThread {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl KeeperThread {
    pub(super) fn start(
        stations: &Arc<[Arc<Station>]>,
        ticker: &Arc<Ticker>,
        metrics: &Arc<Metrics>,
        overview: &Arc<Overview>,
        http_addr: SocketAddr,
    ) -> Result<Self, FleetError> {
        let listen_error = |reason| FleetError::Listen {
            addr: http_addr,
            reason,
        };
        let listener = TcpListener::bind(http_addr).map_err(listen_error)?;
        let local = listener.local_addr().map_err(listen_error)?;
        tracing::info!(addr = %local, "serving /livez, /readyz and /metrics");
        let (stop, mut stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let stations = Arc::clone(stations);
        let ticker = Arc::clone(ticker);
        let metrics = Arc::clone(metrics);
        let overview = Arc::clone(overview);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(FleetError::Thread)?;
        std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    for station in stations.iter() {
                        // A connection of this thread alone, so that no job delays a beat.
                        let options = LinkOptions {
                            connect_timeout: Duration::from_secs(1),
                            response_timeout: station
                                .settings
                                .heartbeat
                                .min(Duration::from_secs(2)),
                        };
                        let link = overview.link_of(&station.queue);
                        let link = link.unwrap_or(station.queue.link()).sharing(options);
                        let queue = station.queue.over(link);
                        tokio::spawn(keeper::keep(Arc::clone(station), queue));
                    }
                    tokio::spawn(Arc::clone(&overview).keep());
                    tokio::spawn(health::serve(listener, stations, ticker, metrics, overview));
                    // Dropping the runtime ends them.
                    let _ = (&mut stopped).await;
                });
                let _ = end.send(());
            })
            .map_err(FleetError::Thread)?;
        Ok(Self { stop, ended })
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = timeout(Duration::from_secs(1), self.ended).await;
    }
}
