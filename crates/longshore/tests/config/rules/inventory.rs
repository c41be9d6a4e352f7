//! `providers.*.criticality`, `.sla_percent` and `.owner`.

use longshore_app::config::{Criticality, InventorySettings};

use super::check;
use crate::{findings, good};

fn listed(toml: &str, provider: &str) -> InventorySettings {
    let config = good(toml, &[]);
    config.listed(provider).expect("it is listed").clone()
}

#[test]
fn the_figures_are_those_of_the_inventory_until_somebody_says_otherwise() {
    for (provider, said) in [
        ("stripe", "critical, SLA 99.99 %, owner Backend"),
        ("sendgrid", "high, SLA 99.95 %, owner Backend"),
        ("twilio", "medium, SLA 99.95 %, owner Backend"),
        ("google_maps", "medium, SLA 99.9 %, owner Backend"),
    ] {
        assert_eq!(listed("", provider).to_string(), said, "{provider}");
    }
    let toml = "[providers.twilio]\ncriticality = 'critical'\nsla_percent = 0\nowner = ''";
    let changed = InventorySettings {
        criticality: Criticality::Critical,
        sla_percent: None,
        owner: None,
    };
    assert_eq!(listed(toml, "twilio"), changed);
    let env = [("LONGSHORE_PROVIDERS__GOOGLE_MAPS__OWNER", "Maps & more")];
    let config = good("", &env);
    let maps = config.listed("google_maps").expect("it is listed");
    assert_eq!(maps.owner.as_deref(), Some("Maps & more"));
    assert!(config.listed("fax").is_none());
}

#[test]
fn what_is_wrong_is_found() {
    check(
        &[
            (
                "providers.twilio.criticality = 'severe'",
                "providers.twilio.criticality",
                "is `severe`",
                "write critical, high, medium or low",
            ),
            (
                "providers.twilio.sla_percent = 100.1",
                "providers.twilio.sla_percent",
                "is 100.1",
                "set 0 to 100",
            ),
            (
                "providers.twilio.sla_percent = '99.9 %'",
                "providers.twilio.sla_percent",
                "is a text, not a number",
                "write a number such as 99.95",
            ),
            (
                "providers.twilio.owner = \"two\\nlines\"",
                "providers.twilio.owner",
                "is not the name of a team",
                "at most 64 characters",
            ),
            (
                "providers.twilio.criticalty = 'low'",
                "providers.twilio.criticalty",
                "is not a key",
                "did you mean `providers.twilio.criticality`?",
            ),
        ],
        "",
    );
    // A provider that is none has none of it either.
    let findings = findings("providers.fax.criticality = 'low'", &[]);
    assert_eq!(findings[0].key, "providers.fax");
}
