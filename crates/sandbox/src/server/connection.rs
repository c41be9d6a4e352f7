//! One connection, and the fault that happens before anything of it is read.

use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Shared, exchange};
use crate::control;

/// Serves a connection until either side is done with it.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let look_first = shared.faults.any_unread();
    if look_first && hangs_up_unread(&stream, &shared).await {
        shared.ledger.note(shared.provider.name(), Vec::new());
        // Reset rather than close: what is unread is thrown away.
        let _ = stream.set_zero_linger();
        return;
    }
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| exchange::answer(Arc::clone(&shared), request, look_first));
    let serving = http1::Builder::new()
        // While connections have to be looked at first, each carries one request.
        .keep_alive(!look_first)
        .serve_connection(TokioIo::new(stream), service);
    // An error is a connection that broke, by our own fault or the client's: nobody is left to tell.
    let _ = serving.await;
}

/// Waits for the first bytes and leaves them where they are. Requests to the sandbox itself are spared.
async fn hangs_up_unread(stream: &TcpStream, shared: &Shared) -> bool {
    let mut head = [0; 64];
    let Ok(length) = stream.peek(&mut head).await else {
        return false;
    };
    let head = String::from_utf8_lossy(&head[..length]);
    let path = head.split(' ').nth(1).unwrap_or_default();
    length > 0 && !path.starts_with(control::PREFIX) && shared.faults.hang_up_unread()
}
