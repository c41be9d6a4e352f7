//! What an integration reads has to be among the keys that it declares.

use longshore_app::config::{Config, Findings};
use longshore_app::registry::House;
use longshore_app::secrets::Secrets;
use longshore_integration::settings::{Calls, Key, Reader, SecretRef, Settings, secret};
use longshore_integration::{Integration, QueueSpec, Sections};

use crate::directory;

const TOKEN: &str = "providers.fax.token";
const FAX: &str = "providers.fax.token = 'secret'";

/// What sending a fax takes.
struct Fax {
    token: SecretRef,
    _calls: Calls,
}

fn read(reader: &mut Reader<'_>, sections: &mut Sections) {
    let calls = Calls::read(reader, "fax");
    let token = secret::read(reader, TOKEN, "fax is off");
    if let (Some(token), Some(_calls)) = (token, calls) {
        sections.insert(Fax { token, _calls });
    }
}

const WHOLE: &[Key] = &[
    Key::text(TOKEN).secret(),
    Key::toml("providers.fax.rate_per_second").or("1"),
    Key::toml("providers.fax.rate.count"),
    Key::toml("providers.fax.rate.per_seconds"),
    Key::toml("providers.fax.breaker.failures").or("5"),
    Key::toml("providers.fax.breaker.window_seconds"),
    Key::toml("providers.fax.breaker.open_seconds").or("30"),
];

const SETTINGS: Settings = Settings {
    keys: &[WHOLE],
    read,
    check: |_, _| {},
    secrets: |sections| {
        let fax = sections.get::<Fax>().into_iter();
        fax.map(|fax| (TOKEN, &fax.token)).collect()
    },
};

fn fax(settings: Settings) -> Integration {
    Integration {
        name: "fax",
        crate_name: "fax",
        queue: QueueSpec::new("fax"),
        kinds: &[],
        follow_ups: &[],
        settings,
        set_up: |context| {
            Box::pin(async move {
                if let Some(fax) = context.get::<Fax>() {
                    context.secret(TOKEN, &fax.token).await?;
                }
                Ok(None)
            })
        },
        provider: None,
        cron: &[],
        events: &[],
        files: None,
        sandboxes: &[],
    }
}

fn load(toml: &str, settings: Settings) -> Result<Config, Findings> {
    let dir = directory(&[("default.toml", toml)]);
    let none: [(&str, &str); 0] = [];
    Config::load(Some(dir.path()), None, &[fax(settings)], none)
}

/// The findings with these keys declared.
#[track_caller]
fn found(toml: &str, keys: &'static [&'static [Key]]) -> String {
    match load(toml, Settings { keys, ..SETTINGS }) {
        Ok(_) => panic!("accepted: {toml} {keys:#?}"),
        Err(findings) => findings.to_string(),
    }
}

#[test]
fn a_key_that_is_read_and_not_declared_is_found() {
    let config = load(FAX, SETTINGS).expect("all keys are declared");
    assert!(config.get::<Fax>().is_some());

    // Found whether the provider is on or not: a default that is missing is missing in both cases.
    for toml in [FAX, ""] {
        let all_but_the_rate: &[&[Key]] =
            &[const { WHOLE.split_at(1).0 }, const { WHOLE.split_at(2).1 }];
        assert_eq!(
            found(toml, all_but_the_rate),
            "error: providers.fax.rate_per_second: is read and not declared; add it to the keys of its section"
        );
    }
    // One without a default, too, and one that is only looked for.
    let no_window: &[&[Key]] = &[const { WHOLE.split_at(5).0 }, const { WHOLE.split_at(6).1 }];
    assert_eq!(
        found(FAX, no_window),
        "error: providers.fax.breaker.window_seconds: is read and not declared; add it to the keys of its section"
    );
    let no_token = found("", &[const { WHOLE.split_at(1).1 }]);
    assert!(
        no_token.contains("providers.fax.token: is read and not declared"),
        "{no_token}"
    );
}

#[test]
fn a_secret_that_is_not_declared_as_one_is_found() {
    const SHOWN: &[Key] = &[Key::text(TOKEN)];
    let said = found(FAX, &[SHOWN, const { WHOLE.split_at(1).1 }]);
    assert!(
        said.contains("is read as a secret and not declared as one; add `.secret()` to its key"),
        "{said}"
    );
}

#[tokio::test]
async fn a_secret_that_is_used_and_not_listed_is_found() {
    for (settings, listed) in [
        (SETTINGS, true),
        (
            Settings {
                secrets: |_| Vec::new(),
                ..SETTINGS
            },
            false,
        ),
    ] {
        let config = load(FAX, settings).expect("all keys are declared");
        let secrets = Secrets::new(&config).expect("no Vault");
        let set_up = House::new(&config, &secrets)
            .set_up(&config.integrations()[0])
            .await;
        match set_up {
            Ok(_) => assert!(listed, "it was not refused"),
            Err(failure) => {
                let said = format!("{failure:?}");
                assert!(
                    !listed && said.contains("add it to the settings' `secrets`"),
                    "{said}"
                );
            }
        }
    }
}

/// All secrets of our own, with everything on.
#[test]
fn every_key_that_is_a_secret_is_among_the_secrets() {
    let config = super::all_with("secret");
    let listed: Vec<_> = config.secrets().into_iter().map(|(key, _)| key).collect();
    let keys = config.integrations().iter().flat_map(|of| of.settings.keys);
    let secret: Vec<_> = keys.copied().flatten().filter(|key| key.secret).collect();
    assert!(secret.len() > 10, "{secret:#?}");
    // Twilio takes it in place of the other, which is set here; `rules/twilio.rs` has its turn.
    let in_place = "providers.twilio.api_key_secret";
    for key in secret.iter().filter(|key| key.path != in_place) {
        assert!(listed.contains(&key.path), "{} is not listed", key.path);
    }
}

/// Settings of another integration may be looked at, but a program may be without it.
#[test]
fn each_of_our_integrations_can_be_a_programs_only_one() {
    const STRIPE: (&str, &str) = ("LONGSHORE_PROVIDERS__STRIPE__SECRET_KEY", "sk_test_1");
    for &integration in longshore::program().integrations() {
        let none: [(&str, &str); 0] = [];
        let alone = Config::load(None, None, &[integration], none);
        let alone = alone.unwrap_or_else(|findings| panic!("{}: {findings}", integration.name));
        assert_eq!(alone.warnings().iter().count(), 0, "{}", integration.name);
        if integration.name == "payment-reconcile" {
            let on = Config::load(None, None, &[integration], [STRIPE]).expect("nothing is wrong");
            let keys = on.warnings().iter().map(|warning| warning.key.as_str());
            // Mails about failed payments are the email integration's.
            assert_eq!(keys.collect::<Vec<_>>(), ["send_email"]);
        }
    }
}
