//! The public listener: events that providers post, verified and written to Redis.
//!
//! A request goes through these steps, in this order:
//!
//! 1. `longshore_listener` takes its connection, and bounds what it may take: connections in all and of one peer, ten
//!    seconds for a header, 1 MiB and ten seconds for a body;
//! 2. `receive` routes it by path, and reads its body;
//! 3. its provider's [`Source`](longshore_integration::Source) checks the signature and reads what the events say;
//! 4. `longshore_queue` writes that down;
//! 5. `receive` answers.
//!
//! | answer | when |
//! |---|---|
//! | 204 | what the event says is in Redis, or is no use to anybody: known already, of no job of ours, in words unknown here |
//! | 400 | the signature is missing or wrong, or the request cannot be used; the text says which |
//! | 404, 405 | another path, another method |
//! | 408 | the body did not come in time. For a header that does not come, the connection is closed |
//! | 413 | the body is over 1 MiB |
//! | 503, `Retry-After` | Redis did not take it within three seconds, or too many bodies come at once |
//!
//! **Invariant:** a success is answered only after Redis has answered. **Invariant:** answers, logs and metrics hold
//! nothing personal of what was sent: reasons are fixed texts.
//!
//! Beside it is a second listener, for `/livez`, `/readyz` and `/metrics`, which the world does not reach.
//!
//! Another provider is another `Source`, which comes with its integration.

mod endpoint;
mod metrics;
mod receive;
mod webhooks;

pub use webhooks::{Listening, Webhooks, WebhooksOptions};
