//! What our own integrations are, set up by a configuration in which all are on.

mod conformance;
mod declared;

use longshore_app::OwnCommand;
use longshore_app::clap::Command;
use longshore_app::config::Config;
use longshore_app::registry::SetupContext;
use longshore_app::secrets::Secrets;

#[test]
fn every_kind_waits_in_its_integrations_queue() {
    for integration in longshore::program().integrations() {
        for spec in integration.kinds {
            assert_eq!(spec.queue, integration.queue.name, "{}", spec.kind);
        }
    }
}

#[test]
fn a_program_takes_each_integration_and_each_command_once() {
    let twice = std::panic::catch_unwind(|| {
        longshore::program().integration(longshore_email::integration())
    });
    let said = twice.expect_err("refused");
    let said = said.downcast_ref::<String>().expect("a text");
    assert_eq!(
        said,
        "the queue `email` of the integration `email` is that of `email` already"
    );
    for name in ["demo", "work"] {
        let twice = std::panic::catch_unwind(|| {
            longshore::program().command(OwnCommand {
                command: Command::new(name),
                examples: &[],
                run: |_| Box::pin(async { Ok(()) }),
            })
        });
        let said = twice.expect_err("refused");
        let said = said.downcast_ref::<String>().expect("a text");
        assert_eq!(*said, format!("there is a command `{name}` already"));
    }
}

#[test]
fn commands_of_our_own_are_in_the_manual() {
    let line = longshore::program().command_line();
    let paths: [&[&str]; 3] = [&["sandbox"], &["sandbox", "fault"], &["demo"]];
    for path in paths {
        let found = path.iter().fold(&line, |above, name| {
            above.find_subcommand(name).expect("is there")
        });
        let mut command = found.clone();
        // The text of the struct with its args takes the place of `about`, where that is set first.
        let about = command.get_about().map(ToString::to_string);
        let says = about.is_some_and(|about| !about.is_empty() && !about.starts_with('`'));
        assert!(says, "{path:?} does not say what it does");
        let page = command.render_long_help().to_string();
        let examples = page.lines().map(str::trim);
        let examples = examples.filter(|line| line.starts_with("longshore "));
        let mut shown = 0;
        for example in examples {
            let parsed = line.clone().try_get_matches_from(example.split(' '));
            assert!(parsed.is_ok(), "{example}: {parsed:?}");
            shown += 1;
        }
        assert!(shown > 0, "{page}");
        assert!(
            page.lines().all(|line| line.chars().count() <= 100),
            "{page}"
        );
    }
}

/// A configuration in which everything is on, and each secret is this text.
fn all_with(secret: &str) -> Config {
    let secrets = [
        "SENDGRID__API_KEY",
        "TWILIO__AUTH_TOKEN",
        "STRIPE__SECRET_KEY",
        "GOOGLE_MAPS__API_KEY",
        "POSTMARK__SERVER_TOKEN",
        "POSTMARK__WEBHOOK_PASSWORD",
        "S3__ACCESS_KEY_ID",
        "S3__SECRET_ACCESS_KEY",
        "S3__SESSION_TOKEN",
        "R2__ACCESS_KEY_ID",
        "R2__SECRET_ACCESS_KEY",
        "R2__SESSION_TOKEN",
    ];
    let secrets = secrets.map(|name| (format!("LONGSHORE_PROVIDERS__{name}"), secret.to_owned()));
    let lists = [
        "PROVIDERS__STRIPE__WEBHOOK_SECRETS",
        "PROVIDERS__TWILIO__WEBHOOK_SHARED_KEYS",
        "EVENTS__OLD_SECRETS",
    ];
    let lists = lists.map(|name| (format!("LONGSHORE_{name}"), format!("[{secret:?}]")));
    let others = [
        ("LONGSHORE_APP__SECRET", secret),
        ("LONGSHORE_EVENTS__SECRET", secret),
        ("LONGSHORE_EVENTS__URL", "https://shop.example.com/events"),
        ("LONGSHORE_PROVIDERS__S3__REGION", "eu-north-1"),
        (
            "LONGSHORE_PROVIDERS__R2__ENDPOINT_URL",
            "https://x.r2.cloudflarestorage.com",
        ),
        ("LONGSHORE_BUCKETS__EXPORTS__NAME", "example-exports"),
        ("LONGSHORE_APP__BASE_URL", "https://shop.example.com"),
        ("LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID", "AC1"),
        ("LONGSHORE_PROVIDERS__TWILIO__FROM", "+4780000000"),
        ("LONGSHORE_EMAIL__FROM__EMAIL", "shop@example.com"),
        ("LONGSHORE_EMAIL__FALLBACK", "postmark"),
        ("LONGSHORE_PROVIDERS__POSTMARK__WEBHOOK_USER", "postmark"),
        (
            "LONGSHORE_EMAIL__TEMPLATES__WELCOME",
            r#"{ sendgrid = "d-1", postmark = "welcome" }"#,
        ),
    ];
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let services = [
        ("BEARER", "type = 'bearer', token"),
        ("BASIC", "type = 'basic', user = 'shop', password"),
        ("HEADER", "type = 'header', name = 'x-api-key', value"),
        (
            "OAUTH2",
            "type = 'oauth2', token_url = 'https://login.example.com/token', client_id = 'shop', client_secret",
        ),
    ];
    let services = services.map(|(name, auth)| {
        let service = format!(
            "{{ base_url = 'https://api.example.com', auth = {{ {auth} = '{secret}' }}, operations = {{ ping = {{ method = 'GET', path = '/ping' }} }} }}"
        );
        (format!("LONGSHORE_SERVICES__{name}"), service)
    });
    let env = secrets
        .into_iter()
        .chain(lists)
        .chain(others)
        .chain(services);
    let program = longshore::program();
    Config::load_with(None, None, program.integrations(), program.families(), env)
        .unwrap_or_else(|findings| panic!("{findings}"))
}

/// Who is told to look at a key must find it.
#[test]
fn the_address_of_every_provider_has_a_key() {
    let config = all_with("x");
    let own = config.providers().map(|(_, provider)| provider.name);
    let others = longshore_app::registry::others(&config);
    for name in own.chain(others.into_iter().map(|(name, _)| name)) {
        let key = config.address_key(name);
        assert!(key.is_some(), "{name}");
    }
    for (name, key) in [
        ("sendgrid", "providers.sendgrid.base_url"),
        ("s3", "providers.s3.endpoint_url"),
        ("r2", "providers.r2.endpoint_url"),
        ("events", "events.url"),
        ("bearer", "services.bearer.base_url"),
    ] {
        assert_eq!(config.address_key(name).as_deref(), Some(key));
    }
}

/// Everything that is shown of what is set up, or of why it is not.
async fn shown(config: &Config) -> String {
    let secrets = Secrets::new(config).expect("no Vault");
    let mut shown = format!("{config:?}");
    let setup = SetupContext::new(config, &secrets);
    for integration in config.integrations() {
        match setup.set_up(integration).await {
            Ok(set_up) => shown += &format!("{:?}", set_up.expect("it is on")),
            Err(failure) => shown += &format!("{failure} {failure:?}"),
        }
    }
    for events in config.integrations().iter().flat_map(|of| of.events) {
        match (events.source)(setup.context()).await {
            Ok(source) => assert!(
                source.is_some() || events.name == "sendgrid",
                "{}",
                events.name
            ),
            Err(error) => shown += &format!("{error} {error:?}"),
        }
    }
    shown + &format!("{secrets:?}")
}

#[tokio::test]
async fn nothing_that_is_set_up_shows_a_secret() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        format!("file:{}", path.display())
    };
    let good = file("good", "hidden");
    // What cannot be sent is refused, and not quoted.
    let bad = file("bad", "hidden\nfor good");
    for secret in ["hidden", &good, &bad] {
        let shown = shown(&all_with(secret)).await;
        assert!(!shown.contains("hidden"), "{shown}");
        // Base64 of `AC1:hidden` and the like.
        assert!(
            !shown.contains("aGlkZGVu") && !shown.contains("QUMxOmhp"),
            "{shown}"
        );
        assert_eq!(
            shown.contains("cannot be sent in a header"),
            secret == bad,
            "{shown}"
        );
    }
}
