//! What an integration reads has to be among the keys that it declares.

use std::time::Duration;

use longshore_app::config::{Config, Findings, defaults, page};
use longshore_app::registry::SetupContext;
use longshore_app::secrets::Secrets;
use longshore_integration::section;
use longshore_integration::settings::{
    Calls, Declaration, SOME_TIME, SecretRef, Settings, calls, seconds, secret, text,
};
use longshore_integration::{Integration, QueueSpec};

use crate::directory;

const FAX: &str = "providers.fax.token = 'secret'";

section! {
    /// How faxes are sent.
    struct Fax in "providers.fax" {
        /// The token of the account.
        token: SecretRef = "token" as TOKEN, secret("fax is off").example("env:FAX_TOKEN");
        /// Who faxes are from.
        _from: Option<String> = "from" as FROM, text().optional().example("Harbour");
        /// How long a number may ring.
        ring: Duration = "ring_seconds", seconds(SOME_TIME).or("20");
        /// How it is called.
        calls: Calls = "", calls("10", "1").because("rate_per_second", "One line.");
    }
}

const SETTINGS: Settings = Settings {
    sections: &[Declaration::of::<Fax>()],
    ..Settings::NONE
};

fn fax(settings: Settings) -> Integration {
    Integration {
        name: "fax",
        crate_name: "fax",
        queue: QueueSpec::new("fax"),
        kinds: &[],
        follow_ups: &[],
        settings,
        set_up: &|context| {
            Box::pin(async move {
                if let Some(fax) = context.get::<Fax>() {
                    context.secret(Fax::TOKEN, &fax.token).await?;
                }
                Ok(None)
            })
        },
        provider: None,
        cron: &[],
        events: &[],
        notices: None,
        files: None,
        sandboxes: &[],
    }
}

fn load(toml: &str, settings: Settings) -> Result<Config, Findings> {
    let dir = directory(&[("default.toml", toml)]);
    let none: [(&str, &str); 0] = [];
    Config::load(Some(dir.path()), None, &[fax(settings)], none)
}

/// One declaration is a struct, a file, a page, what is shown, what is found, and the list of secrets.
#[test]
fn a_key_that_is_declared_is_everywhere() {
    let config = load(FAX, SETTINGS).expect("good");
    let read = config.get::<Fax>().expect("on");
    assert_eq!(
        (read.ring.as_secs(), read.calls.timeout.as_secs()),
        (20, 10)
    );
    let shown = config
        .values()
        .iter()
        .find(|value| value.key == "providers.fax.ring_seconds");
    assert_eq!(
        shown.map(|shown| (&shown.value, &*shown.origin)),
        Some((&20.into(), "built-in"))
    );
    let secrets: Vec<_> = config.secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(secrets, ["redis.url", Fax::TOKEN]);

    let integrations = [fax(SETTINGS)];
    let file = defaults(&integrations, &[]);
    for shown in [
        "# How faxes are sent.\n[providers.fax]\n# The token of the account.\n#token = \"env:FAX_TOKEN\"  # example\n",
        "# How long a number may ring.\n#ring_seconds = 20\n",
        "One line.\n#rate_per_second = 1\n",
        "[providers.fax.breaker]\n",
    ] {
        assert!(file.contains(shown), "no {shown} in {file}");
    }
    let page = page(&integrations, &[]);
    for shown in [
        "## `providers.fax`\n\nHow faxes are sent.\n",
        "- `token`, such as `\"env:FAX_TOKEN\"`, a *secret* (`LONGSHORE_PROVIDERS__FAX__TOKEN`).",
        "- `ring_seconds` = `20` (`LONGSHORE_PROVIDERS__FAX__RING_SECONDS`).",
    ] {
        assert!(page.contains(shown), "no {shown} in {page}");
    }

    for (toml, said) in [
        (
            "providers.fax.ring_seconds = 'soon'",
            "providers.fax.ring_seconds",
        ),
        (
            "providers.fax.ring_second = 1",
            "did you mean `providers.fax.ring_seconds`?",
        ),
    ] {
        let findings = load(toml, SETTINGS).expect_err("wrong").to_string();
        assert!(findings.contains(said), "{findings}");
    }
}

#[test]
fn an_optional_text_is_taken_back_by_an_empty_one() {
    let config = load(&format!("{FAX}\nproviders.fax.from = ''"), SETTINGS).expect("good");
    assert_eq!(config.get::<Fax>().map(|fax| fax._from.clone()), Some(None));
}

#[test]
fn a_key_that_is_read_and_not_declared_is_found() {
    let reads = Settings {
        check: |reader, _| assert!(!reader.has("providers.fax.colour")),
        ..SETTINGS
    };
    // Found whether the provider is on or not.
    for toml in [FAX, ""] {
        let findings = load(toml, reads).expect_err("it is not declared");
        assert_eq!(
            findings.to_string(),
            "error: providers.fax.colour: is read and not declared; add it to the keys of its section"
        );
    }
}

#[tokio::test]
async fn a_secret_that_is_used_and_not_declared_is_found() {
    for key in [Fax::TOKEN, Fax::FROM] {
        let config = load(FAX, SETTINGS).expect("good");
        let secrets = Secrets::new(&config).expect("no Vault");
        let setup = SetupContext::new(&config, &secrets);
        let token = &config.get::<Fax>().expect("on").token;
        let used = setup.context().secret(key, token).await;
        match used {
            Ok(_) => assert_eq!(key, Fax::TOKEN),
            Err(error) => {
                let said = error.to_string();
                assert!(
                    key == Fax::FROM && said.contains("declare it with `secret`"),
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
    let sections = config
        .integrations()
        .iter()
        .flat_map(|of| of.settings.sections);
    let secret = sections
        .flat_map(Declaration::keys)
        .filter(|at| at.key.secret);
    let secret: Vec<_> = secret.map(|at| at.path().to_string()).collect();
    assert!(secret.len() > 10, "{secret:#?}");
    // Twilio takes it in place of the other, which is set here; `rules/twilio.rs` has its turn.
    let in_place = "providers.twilio.api_key_secret";
    for key in secret.iter().filter(|key| *key != in_place) {
        assert!(listed.contains(key), "{key} is not listed");
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
