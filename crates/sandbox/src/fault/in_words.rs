//! A rule as people read it: `answers 503 and does nothing: the first 3 requests`.

use std::fmt;
use std::time::Duration;

use super::{Fault, FaultRule, Only, When};

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault, self.when)?;
        self.only.fmt(f)?;
        match self.for_ms {
            Some(ms) => write!(f, ", for {:?}", Duration::from_millis(ms)),
            None => Ok(()),
        }
    }
}

/// What the stand-in does.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match self.carries_out() {
            true => "does what is asked",
            false => "does nothing",
        };
        match self {
            Self::Answer { status, .. } => write!(f, "{first}, and answers {status}"),
            Self::Throttle {
                retry_after_seconds,
                reset_in_seconds,
            } => {
                write!(f, "{first}, and answers 429")?;
                if let Some(seconds) = retry_after_seconds {
                    write!(f, " with Retry-After: {seconds}")?;
                }
                if let Some(seconds) = reset_in_seconds {
                    write!(f, " with X-RateLimit-Reset in {seconds} s")?;
                }
                Ok(())
            }
            Self::Delay { ms } => {
                write!(
                    f,
                    "{first}, and answers {:?} late",
                    Duration::from_millis(*ms)
                )
            }
            Self::NeverAnswer { .. } => write!(f, "{first}, and never answers"),
            Self::HangUpUnread => f.write_str("resets the connection without reading the request"),
            Self::HangUp { .. } => write!(f, "{first}, and hangs up without an answer"),
            Self::Garbage { status, .. } => {
                write!(f, "{first}, and answers {status} with a body of garbage")
            }
        }
    }
}

/// Which requests, of those that come.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("every request"),
            Self::First(1) => f.write_str("the first request"),
            Self::First(n) => write!(f, "the first {n} requests"),
            Self::Every(n) => write!(f, "one request in {n}"),
            Self::Chance { probability, .. } => {
                write!(f, "{:.1} % of the requests, by chance", probability * 100.0)
            }
        }
    }
}

/// Nothing where it narrows nothing.
impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [
            ("job", &self.job),
            ("template", &self.template),
            ("recipient", &self.recipient),
        ];
        for (what, only) in said {
            if let Some(only) = only {
                write!(f, ", only of {what} {only}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_sentence() {
        let lost = Fault::HangUp { effect: true };
        let only = Only {
            template: Some("d-1".into()),
            ..Only::default()
        };
        let rule = FaultRule::first(3, lost)
            .only(only)
            .ends_after(Duration::from_secs(90));
        assert_eq!(
            rule.to_string(),
            "does what is asked, and hangs up without an answer: the first 3 requests, only of template d-1, for 90s"
        );
        let throttle = Fault::Throttle {
            retry_after_seconds: Some(30),
            reset_in_seconds: None,
        };
        let chance = When::Chance {
            probability: 0.2,
            seed: 1,
        };
        assert_eq!(
            FaultRule::new(throttle, chance).to_string(),
            "does nothing, and answers 429 with Retry-After: 30: 20.0 % of the requests, by chance"
        );
    }
}
