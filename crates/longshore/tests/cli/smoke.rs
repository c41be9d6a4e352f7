//! `smoke`: real calls, harmless ones, and a word for each provider.

use std::path::Path;

use longshore_email::sandbox::SendGridSandbox;
use longshore_geocode::sandbox::GoogleMapsSandbox;
use longshore_payment_reconcile::sandbox::StripeSandbox;
use longshore_sandbox::{Fault, FaultRule};
use longshore_sms::sandbox::TwilioSandbox;

use super::{Bench, Ran};
use crate::bench::fields;

/// The stand-ins in the providers' place.
struct Scene {
    sendgrid: SendGridSandbox,
    twilio: TwilioSandbox,
    google_maps: GoogleMapsSandbox,
    stripe: StripeSandbox,
    // Its runtime serves them.
    bench: Bench,
}

impl Scene {
    fn set() -> Self {
        let bench = Bench::new();
        let any = "127.0.0.1:0".parse().expect("an address");
        let starting = async {
            (
                SendGridSandbox::start(any).await.expect("starts"),
                TwilioSandbox::start(any).await.expect("starts"),
                GoogleMapsSandbox::start(any).await.expect("starts"),
                StripeSandbox::start(any).await.expect("starts"),
            )
        };
        let (sendgrid, twilio, google_maps, stripe) = bench.runtime.block_on(starting);
        Self {
            sendgrid,
            twilio,
            google_maps,
            stripe,
            bench,
        }
    }

    fn smoke(&self, set: &[(&str, &str)], args: &[&str]) -> Ran {
        let config = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config"));
        let config = config.to_string_lossy().into_owned();
        let mut all = vec!["--config", &config, "--profile", "staging", "smoke"];
        all.extend(args);
        let mut command = self.bench.command(&all);
        let providers = [
            ("SENDGRID", self.sendgrid.origin()),
            ("TWILIO", self.twilio.origin()),
            ("GOOGLE_MAPS", self.google_maps.origin()),
            ("STRIPE", self.stripe.origin()),
        ];
        for (name, origin) in providers {
            command.env(format!("LONGSHORE_PROVIDERS__{name}__BASE_URL"), origin);
        }
        for (name, value) in set {
            command.env(format!("LONGSHORE_{name}"), value);
        }
        Ran::of(&all, &mut command)
    }
}

const CREDENTIALS: &[(&str, &str)] = &[
    ("PROVIDERS__SENDGRID__API_KEY", "SG.hunter2"),
    ("EMAIL__TEMPLATES__WELCOME", "d-welcome"),
    (
        "PROVIDERS__TWILIO__ACCOUNT_SID",
        "AC00000000000000000000000000000000",
    ),
    ("PROVIDERS__TWILIO__AUTH_TOKEN", "hunter2"),
    ("PROVIDERS__GOOGLE_MAPS__API_KEY", "hunter2"),
    ("PROVIDERS__STRIPE__SECRET_KEY", "sk_test_hunter2"),
];

fn results(ran: &Ran) -> Vec<(String, String)> {
    let lines = ran.lines().into_iter();
    lines
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let (word, provider) = (words.next(), words.next());
            (provider.expect("a provider"), word.expect("a word"))
        })
        .collect()
}

#[test]
fn each_provider_is_asked_once_and_needs_no_redis() {
    let mut scene = Scene::set();
    scene.bench.redis.kill();
    let ran = scene.smoke(CREDENTIALS, &[]).ok();
    for provider in ["sendgrid", "twilio", "google_maps", "stripe"] {
        let said = results(&ran);
        let ok = (provider.to_owned(), "ok".to_owned());
        assert!(said.contains(&ok), "{provider}: {ran:?}");
    }
    let target = format!(
        "calls sendgrid at {}, profile staging",
        scene.sendgrid.origin()
    );
    assert!(ran.stderr.lines().any(|line| line == target), "{ran:#?}");
    assert_eq!(
        scene.sendgrid.ledger().summary().accepted,
        0,
        "only checked"
    );
    assert_eq!(scene.sendgrid.ledger().summary().requests, 1);
    assert_eq!(scene.twilio.ledger().summary().accepted, 1);
    assert_eq!(scene.stripe.ledger().summary().accepted, 1);
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_has_no_credentials_is_skipped_by_name_and_what_fails_says_why() {
    let scene = Scene::set();
    let ran = scene.smoke(&[], &[]).ok();
    for (provider, result) in results(&ran) {
        assert_eq!(result, "skipped", "{provider}");
    }
    let name = "LONGSHORE_PROVIDERS__TWILIO__ACCOUNT_SID is not set";
    assert!(ran.stdout.contains(name), "{ran:?}");

    let refused = Fault::Answer {
        status: 401,
        headers: [].into(),
        body: None,
        effect: false,
    };
    let rules = vec![FaultRule::always(refused)];
    scene.stripe.faults().set(rules).expect("a valid rule");
    let mut set = CREDENTIALS.to_vec();
    // Nobody listens there.
    set.push(("PROVIDERS__TWILIO__BASE_URL", "http://127.0.0.1:1"));
    let ran = scene.smoke(&set, &["--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).expect("is JSON");
    assert_eq!(fields(&rows[0]), ["detail", "provider", "result"]);
    let rows = rows.as_array().expect("an array");
    let of = |name: &str| rows.iter().find(|row| row["provider"] == name).expect(name);
    assert_eq!(of("sendgrid")["result"], "ok");
    for (name, why) in [("stripe", "refused"), ("twilio", "not reached")] {
        assert_eq!(of(name)["result"], "failed", "{ran:?}");
        let detail = of(name)["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(why), "{detail}");
    }
}

#[test]
fn nothing_live_is_smoked() {
    let scene = Scene::set();
    let live = [("PROVIDERS__STRIPE__SECRET_KEY", "sk_live_hunter2")];
    let ran = scene.smoke(&live, &[]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("is a live key"), "{ran:?}");
    scene.bench.run(&["smoke"]).fails(2, "--profile staging");
    let mut set = CREDENTIALS.to_vec();
    set.push(("PROVIDERS__SENDGRID__SANDBOX", "false"));
    set.push(("PROVIDERS__SENDGRID__BASE_URL", "https://127.0.0.1:1"));
    let ran = scene.smoke(&set, &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("it would send a mail"), "{ran:?}");
}

#[test]
fn presign_names_its_bucket_and_host_first() {
    let bench = Bench::new();
    let args = [
        "presign",
        "--user",
        "17",
        "--content-type",
        "image/png",
        "--length",
        "5",
        "--extension",
        "png",
    ];
    let mut command = bench.command(&args);
    command
        .env("LONGSHORE_PROVIDERS__S3__REGION", "eu-north-1")
        .env("LONGSHORE_PROVIDERS__S3__ACCESS_KEY_ID", "AKIA0")
        .env("LONGSHORE_PROVIDERS__S3__SECRET_ACCESS_KEY", "hunter2")
        .env("LONGSHORE_BUCKETS__UPLOADS__NAME", "uploads-here");
    let ran = Ran::of(&args, &mut command).ok();
    let target =
        "for the bucket uploads-here of s3 at uploads-here.s3.eu-north-1.amazonaws.com, no profile";
    assert!(ran.stderr.lines().any(|line| line == target), "{ran:#?}");
    assert!(
        !ran.stderr.contains("no jobs and no workers yet"),
        "{ran:#?}"
    );
}
