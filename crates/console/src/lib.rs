//! The operators' web page: what needs somebody, dead letters by cause, and one way to act.
//!
//! [`Console`] gives an [`axum::Router`] that can be mounted under any path of an app of one's own. All that it shows and does
//! goes through `longshore_operator`, as the command line does. A request goes through these steps:
//!
//! 1. `guard` finds out who sends it (`access`), and whether they may (`pages::SENT_BY_VIEWERS`, the form's token);
//! 2. a page (`pages`, one file each) answers with its content or an error (`content`);
//! 3. `guard` draws the frame around it (`components::page`), or the last picture where Redis is away (`pictures`).
//!
//! **Invariant:** a viewer changes nothing: what is sent takes an operator unless `SENT_BY_VIEWERS` names it. **Invariant:** a form
//! acts once. **Invariant:** what somebody else wrote is drawn by `foreign` alone. **Invariant:** no page holds an inline script or style.

mod access;
mod act;
mod assets;
mod attempts;
mod components;
mod console;
mod content;
mod cookies;
mod fleet;
mod foreign;
mod form;
#[cfg(test)]
mod fuzz;
mod guard;
mod headers;
mod live;
mod local_path;
mod metrics;
mod number;
mod packed;
mod pages;
mod pictures;
mod public_url;
mod query;
mod reader;
mod route;
mod section;
mod server;
mod session;
mod shared;
mod since;
mod theme;
mod users;
mod view;
mod visit;
mod who;

pub use console::{Console, InvalidConsole};
pub use fleet::{FleetFacts, KnownProvider};
pub use public_url::is_public_url;
pub use server::{ConsoleListening, ConsoleOptions, ConsoleParts};
pub use users::{ConsoleUser, InvalidPasswordHash, check_password_hash, hash_password};
pub use who::{ConsoleRole, SignedIn};
