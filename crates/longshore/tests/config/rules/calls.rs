//! `providers.sendgrid.rate*` and `.breaker.*`.

use longshore_email::EmailSettings;
use std::time::Duration;

use super::check;
use crate::{SENDGRID_ON, good};

#[test]
fn rates_and_breakers() {
    check(
        &[
            (
                "providers.sendgrid.rate_per_second = 0",
                "providers.sendgrid.rate_per_second",
                "is 0",
                "set 1 to",
            ),
            (
                "providers.sendgrid.rate = { count = 3000 }",
                "providers.sendgrid.rate",
                "lacks per_seconds",
                "write { count = 3000, per_seconds = 60 }",
            ),
            (
                "providers.sendgrid.rate = { count = 1, per_seconds = 1 }\nproviders.sendgrid.rate_per_second = 5",
                "providers.sendgrid.rate_per_second",
                "is set beside providers.sendgrid.rate",
                "keep one of them",
            ),
            (
                "providers.sendgrid.breaker.failures = 0",
                "providers.sendgrid.breaker.failures",
                "is 0",
                "set 1 to 1000",
            ),
            (
                "providers.sendgrid.breaker.open_seconds = 0",
                "providers.sendgrid.breaker.open_seconds",
                "is 0 s",
                "set 0.001 to",
            ),
        ],
        "",
    );
}

#[test]
fn a_rate_that_is_not_per_second_takes_the_place_of_the_built_in_one() {
    let calls = |toml: &str| {
        let config = good(&format!("{SENDGRID_ON}\n{toml}"), &[]);
        config.get::<EmailSettings>().expect("is on").sendgrid.calls
    };
    assert_eq!(calls("").limit.count, 100);
    let other = calls("providers.sendgrid.rate = { count = 3000, per_seconds = 60 }").limit;
    assert_eq!((other.count, other.per), (3000, Duration::from_secs(60)));
    let breaker = calls("providers.sendgrid.breaker.window_seconds = 60").breaker;
    assert_eq!(breaker.window, Some(Duration::from_secs(60)));
    assert_eq!(
        (breaker.failures, breaker.open),
        (5, Duration::from_secs(30))
    );
}
