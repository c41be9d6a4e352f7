//! Stand-ins for SendGrid and Postmark, for development and tests: in builds with the feature `sandbox`.
//!
//! Beside ledger and faults, which every stand-in has over HTTP, they have (the last one is SendGrid's alone):
//!
//! | request | does |
//! |---|---|
//! | `PUT /sandbox/webhooks` | who is told what becomes of mails, and how, see [`EventWebhook`] and [`PostmarkWebhook`] |
//! | `GET /sandbox/webhooks` | the same |
//! | `GET /sandbox/webhooks/told` | every event, or list of them, that was posted, oldest first |
//! | `GET /sandbox/webhooks/public_key` | what they are verified with |

mod postmark;
mod sendgrid;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use postmark::{PostmarkPosted, PostmarkSandbox, PostmarkWebhook};
pub use sendgrid::{Attached, EventWebhook, EventsPosted, SendGridSandbox};

pub(crate) const SANDBOXES: &[Sandbox] = &[
    Sandbox {
        name: "sendgrid",
        addr: "127.0.0.1:9480",
        posts_to: Some("http://127.0.0.1:9465/webhooks/sendgrid"),
        start: &|at| Box::pin(sendgrid(at)),
    },
    Sandbox {
        name: "postmark",
        addr: "127.0.0.1:9488",
        // `config/local.toml` has the same user and password.
        posts_to: Some("http://postmark:sandbox@127.0.0.1:9465/webhooks/postmark"),
        start: &|at| Box::pin(postmark(at)),
    },
];

async fn sendgrid(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let sendgrid = SendGridSandbox::start(at.addr).await?;
    sendgrid.use_development_key();
    sendgrid.change_webhook(|webhook| webhook.url = at.posts_to);
    let note = format!(
        "its events are signed: {} belongs into providers.sendgrid.webhook_public_keys",
        sendgrid.public_key()
    );
    Ok(RunningStandIn::new(sendgrid.origin(), || sendgrid.stop()).with_note(note))
}

async fn postmark(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let postmark = PostmarkSandbox::start(at.addr).await?;
    postmark.change_webhook(|webhook| webhook.url = at.posts_to);
    Ok(RunningStandIn::new(postmark.origin(), || postmark.stop()))
}
