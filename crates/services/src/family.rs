//! The integrations that the configuration makes: one for each service that it describes.

use std::time::Duration;

use longshore_integration::settings::Settings;
use longshore_integration::{
    CallPolicy, Context, Family, Integration, Inventory, MakeHandlers, Pending, Provider,
    QueueSpec, Repeats, Sections, SetUp, SetUpError, Smoke,
};
use longshore_job::{Handlers, Job, OnUnknown};
use serde_json::{Value, json};

use crate::auth::{AuthHeader, AuthMethod};
use crate::settings::{AuthType, ConfiguredService, SERVICES, ServicesSettings};
use crate::token::{TokenConfig, TokenSource};
use crate::{CallService, CallServiceHandler, Service, ServiceConfig};

/// For how long services are believed to know an idempotency key. Each has its own time, and few say which: a day is what most keep.
const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Every service that the configuration describes.
#[must_use]
pub const fn family() -> Family {
    Family {
        crate_name: env!("CARGO_CRATE_NAME"),
        section: SERVICES,
        is_name: crate::args::is_service,
        name_rule: "use 1 to 40 of a-z, 0-9 and -, a letter first",
        queue: QUEUE,
        kinds: crate::args::KINDS,
        declarations: ServicesSettings::DECLARATIONS,
        make: integration,
        check_args: ServicesSettings::check_args,
        describe_args: ServicesSettings::describe_args,
        #[cfg(feature = "sandbox")]
        sandbox: Some(crate::sandbox::of),
        #[cfg(not(feature = "sandbox"))]
        sandbox: None,
    }
}

const QUEUE: QueueSpec = QueueSpec {
    default_on_unknown: OnUnknown::Hold,
    ..QueueSpec::new(CallService::QUEUE)
};

/// The one of this name. What is made for it stays for as long as the process: it is asked for once.
fn integration(name: &'static str) -> Integration {
    let queue: &'static str = format!("{}{name}", CallService::QUEUE).leak();
    let spec = crate::args::KINDS[0].in_queue(queue);
    Integration {
        name,
        crate_name: env!("CARGO_CRATE_NAME"),
        queue: QueueSpec {
            name: queue,
            ..QUEUE
        },
        kinds: Box::leak(Box::new([spec])),
        follow_ups: &[],
        settings: Settings::NONE,
        set_up: leaked(move |context| Box::pin(set_up(name, context))),
        provider: Some(provider(name)),
        cron: &[],
        events: &[],
        notices: None,
        files: None,
        sandboxes: &[],
    }
}

fn leaked<F>(make: F) -> &'static MakeHandlers
where
    F: for<'a> Fn(Context<'a>) -> Pending<'a, Option<SetUp>> + Send + Sync + 'static,
{
    Box::leak(Box::new(make))
}

fn provider(name: &'static str) -> Provider {
    let key = |key: &str| -> &'static [&'static str] {
        let key: &'static str = format!("{SERVICES}.{name}.{key}").leak();
        Box::leak(Box::new([key]))
    };
    Provider {
        name,
        turned_on_by: key("base_url"),
        // As configured, like everything about it.
        inventory: Inventory {
            criticality: "medium",
            sla_percent: None,
            owner: None,
        },
        origin: Box::leak(Box::new(move |sections: &Sections| {
            Some(of(sections, name)?.keys.base_url.to_string())
        })),
        repeats: Repeats::ByArgs(Box::leak(Box::new(
            move |sections: &Sections, args: &Value| repeats(sections, name, args),
        ))),
        others: &[],
        expects: &|_, _| true,
        likely_refusal: &|_, _, _| None,
        smoke: Some(Smoke {
            needs: key("smoke"),
            kind: CallService::KIND,
            args: Box::leak(Box::new(move |sections: &Sections| {
                let smoke = of(sections, name).and_then(|of| of.keys.smoke.as_ref());
                json!({ "service": name, "operation": smoke })
            })),
            what: format!("{name} answered").leak(),
            unsafe_because: &|_| None,
        }),
        page: include_str!("../service.md").replace("{name}", name).leak(),
    }
}

/// What a second request of a job does. An operation that nobody describes here may do anything.
fn repeats(sections: &Sections, name: &str, args: &Value) -> Repeats {
    let operation = args.get("operation").and_then(Value::as_str);
    let operations = of(sections, name).map(|service| &service.operations);
    match operations
        .zip(operation)
        .and_then(|(all, one)| all.get(one))
    {
        Some(operation) if operation.is_read() => Repeats::Harmless,
        Some(operation) if operation.may_repeat() => Repeats::KeyedOnly(KEY_LIFE),
        _ => Repeats::Doubles,
    }
}

fn of<'a>(sections: &'a Sections, name: &str) -> Option<&'a ConfiguredService> {
    sections.get::<ServicesSettings>()?.get(name)
}

async fn set_up(name: &'static str, context: Context<'_>) -> Result<Option<SetUp>, SetUpError> {
    let Some(service) = of(context.sections, name) else {
        return Ok(None);
    };
    let at = format!("{SERVICES}.{name}");
    let keys = &service.keys;
    let auth = auth(name, service, context).await?;
    let secrets = auth.secrets();
    let client = Service::new(ServiceConfig {
        name,
        base_url: keys.base_url.clone(),
        auth,
        timeout: keys.calls.timeout,
        operations: service.operations.clone(),
    })
    .map_err(|error| SetUpError::at(&at, error))?;
    Ok(Some(SetUp {
        handlers: Handlers::new().with(CallServiceHandler::new(client)),
        calls: Some(CallPolicy::new(name, &keys.calls, secrets)),
    }))
}

async fn auth(
    name: &'static str,
    service: &ConfiguredService,
    context: Context<'_>,
) -> Result<AuthMethod, SetUpError> {
    let by = &service.keys.auth.by;
    let Some((key, secret)) = by.secret() else {
        return Ok(AuthMethod::None);
    };
    let at = format!("{SERVICES}.{name}.auth.{key}");
    let secret = context.secret(&at, secret).await?;
    let header = || AuthHeader::new(secret.clone()).map_err(|error| SetUpError::at(&at, error));
    Ok(match by {
        AuthType::None => AuthMethod::None,
        AuthType::Bearer { .. } => AuthMethod::Bearer(header()?),
        AuthType::Basic { user, .. } => AuthMethod::Basic {
            user: user.clone(),
            password: secret,
        },
        AuthType::Header { name, .. } => AuthMethod::Header {
            name: name.clone(),
            value: header()?,
        },
        AuthType::OAuth2 {
            token_url,
            client_id,
            scope,
            ..
        } => {
            let config = TokenConfig {
                service: name,
                origin: token_url.origin.clone(),
                path: token_url.path.clone(),
                client_id: client_id.clone(),
                client_secret: secret,
                scope: scope.clone(),
                timeout: service.keys.calls.timeout,
            };
            let source = TokenSource::new(config);
            AuthMethod::OAuth2(source.map_err(|error| SetUpError::at(&at, error))?)
        }
    })
}
