use std::net::SocketAddr;

use longshore_client::kinds::{GeocodeAddress, SendEmail, SendSms};

/// Which provider's queue a flow plays on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `email`, by SendGrid.
    Email,
    /// `sms`, by Twilio.
    Sms,
    /// `geocode`, by Google Maps.
    Geocode,
}

impl Act {
    /// The queue.
    #[must_use]
    pub fn queue(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Geocode => "geocode",
        }
    }

    /// The provider, as configuration has it.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::Email => "sendgrid",
            Self::Sms => "twilio",
            Self::Geocode => "google_maps",
        }
    }

    /// A setting of its queue, as a variable without `LONGSHORE_`.
    pub(crate) fn of_queue(self, key: &str) -> String {
        format!("QUEUES__{}__{key}", self.queue().to_uppercase())
    }

    /// A setting of its provider.
    pub(crate) fn of_provider(self, key: &str) -> String {
        format!("PROVIDERS__{}__{key}", self.provider().to_uppercase())
    }

    /// What has to be set for it, but for `base_url`. Twilio is asked to report to `webhooks`.
    pub(crate) fn settings(self, webhooks: SocketAddr) -> Vec<(String, String)> {
        let own: Vec<(&str, String)> = match self {
            Self::Email => vec![
                ("PROVIDERS__SENDGRID__API_KEY", "SG.flow".to_owned()),
                ("EMAIL__FROM", r#"{email = "shop@example.com"}"#.to_owned()),
                ("EMAIL__TEMPLATES__WELCOME", "d-welcome".to_owned()),
                ("EMAIL__TEMPLATES__INVOICE", "d-invoice".to_owned()),
            ],
            Self::Sms => vec![
                ("PROVIDERS__TWILIO__ACCOUNT_SID", "ACflow".to_owned()),
                ("PROVIDERS__TWILIO__AUTH_TOKEN", "12345".to_owned()),
                ("PROVIDERS__TWILIO__FROM", "+4780000000".to_owned()),
                ("WEBHOOKS__HTTP_ADDR", webhooks.to_string()),
                ("WEBHOOKS__PRIVATE_ADDR", "127.0.0.1:0".to_owned()),
                ("WEBHOOKS__PUBLIC_URL", format!("http://{webhooks}")),
            ],
            Self::Geocode => vec![("PROVIDERS__GOOGLE_MAPS__API_KEY", "flow".to_owned())],
        };
        let own = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        // Out of the way of flows that are about something else.
        let roomy = [
            (self.of_provider("RATE_PER_SECOND"), "100000".to_owned()),
            (self.of_provider("BREAKER__FAILURES"), "1000".to_owned()),
        ];
        own.chain(roomy).collect()
    }
}

/// One mail of many.
#[must_use]
pub fn email(number: usize) -> SendEmail {
    SendEmail::new("welcome", format!("customer{number}@example.com"))
}

/// One text message of many.
#[must_use]
pub fn sms(number: usize) -> SendSms {
    SendSms::new(format!("+479{number:07}"), "Bordet er klart 🍽")
}

/// One address of many.
#[must_use]
pub fn address(number: usize) -> GeocodeAddress {
    GeocodeAddress::new(format!("Storgata {number}, Tromsø")).region("no")
}
