//! Stand-ins for SendGrid and Postmark, in builds for development.

use longshore_integration::{Listening, Sandbox, SandboxAt};
use longshore_sandbox::{PostmarkSandbox, SendGridSandbox};

pub(crate) const SANDBOXES: &[Sandbox] = &[
    Sandbox {
        name: "sendgrid",
        addr: "127.0.0.1:9480",
        posts_to: Some("http://127.0.0.1:9465/webhooks/sendgrid"),
        start: |at| Box::pin(sendgrid(at)),
    },
    Sandbox {
        name: "postmark",
        addr: "127.0.0.1:9488",
        posts_to: None,
        start: |at| Box::pin(postmark(at)),
    },
];

async fn sendgrid(at: SandboxAt) -> std::io::Result<Listening> {
    let sendgrid = SendGridSandbox::start(at.addr).await?;
    sendgrid.use_development_key();
    sendgrid.change_webhook(|webhook| webhook.url = at.posts_to);
    let note = format!(
        "its events are signed: {} belongs into providers.sendgrid.webhook_public_keys",
        sendgrid.public_key()
    );
    Ok(Listening::new(sendgrid.origin(), || sendgrid.stop()).with_note(note))
}

async fn postmark(at: SandboxAt) -> std::io::Result<Listening> {
    let postmark = PostmarkSandbox::start(at.addr).await?;
    Ok(Listening::new(postmark.origin(), || postmark.stop()))
}
