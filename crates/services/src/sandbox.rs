//! Stand-ins for configured services, for development and tests: in builds with the feature `sandbox`.

mod service;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt, Sections, Starting};

use crate::ServicesSettings;

pub use service::ServiceSandbox;

/// The stand-in for the service of this name, at its `base_url`: where that is this machine.
pub(crate) fn of(sections: &Sections, name: &'static str) -> Option<Sandbox> {
    let service = sections.get::<ServicesSettings>()?.get(name)?.clone();
    let origin = service.keys.base_url.to_string();
    let addr = origin.strip_prefix("http://")?;
    let addr = addr.replace("localhost", "127.0.0.1");
    Some(Sandbox {
        name,
        addr: addr.leak(),
        posts_to: None,
        start: Box::leak(Box::new(move |at: SandboxAt| -> Starting {
            let service = service.clone();
            Box::pin(async move {
                let auth = &service.keys.auth.by;
                let stand_in = ServiceSandbox::start(at.addr, name, service.operations, auth);
                let stand_in = stand_in.await?;
                Ok(RunningStandIn::new(stand_in.origin(), || stand_in.stop()))
            })
        })),
    })
}
