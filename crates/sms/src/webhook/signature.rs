//! `X-Twilio-Signature`: an HMAC over the public URL and, for a form, its params.
//!
//! | body | what is signed |
//! |---|---|
//! | form | the URL as it was configured, then every param's name and value: decoded, sorted, each pair once, nothing between them |
//! | any other | the URL alone, with the body's SHA-256 as `bodySHA256` in its query |
//!
//! The scheme has no time in it: a request that was taken once can be sent again for ever, and has to do no harm.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::request::Parts;
use http::{HeaderName, header};
use longshore_integration::{PublicUrl, Refusal};
use longshore_provider::secret::{ExposeSecret, Secret};
use ring::{digest, hmac};

use super::form;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Comes with requests that are signed by a shared key: `key=<its id>,algorithm=HMAC_SHA256`.
const SETTINGS: HeaderName = HeaderName::from_static("x-twilio-webhooks-signature-settings");

/// Name and value.
pub(super) type Param = (String, String);

/// What a signature is checked with, as it is at each request.
pub(super) struct Verifier {
    auth_token: Secret,
    shared: Vec<Secret>,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    /// `None` for an empty secret: everybody could sign with that.
    fn key(self, secret: &Secret) -> Option<hmac::Key> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        let secret = secret.current();
        let secret = secret.expose_secret().as_bytes();
        (!secret.is_empty()).then(|| hmac::Key::new(algorithm, secret))
    }
}

impl Verifier {
    pub(super) fn new(auth_token: Secret, shared: Vec<Secret>) -> Self {
        Self { auth_token, shared }
    }

    /// The params of a request that Twilio signed, in the order in which they came; none when its body is no form.
    pub(super) fn verify(
        &self,
        url: &PublicUrl,
        head: &Parts,
        body: &[u8],
    ) -> Result<Vec<Param>, Refusal> {
        let signature = only(head, &SIGNATURE)?.ok_or(Refusal::BadSignature(
            "the X-Twilio-Signature header is missing",
        ))?;
        let signature = BASE64_STANDARD
            .decode(signature)
            .map_err(|_| Refusal::BadSignature("X-Twilio-Signature is not base64"))?;
        let settings = only(head, &SETTINGS)?;
        let algorithm = algorithm(settings)?;

        let params = if is_form(head) {
            form::pairs(body).ok_or(Refusal::BadRequest("the form is not UTF-8"))?
        } else {
            check_body(head, body)?;
            Vec::new()
        };
        let signed_params = canonical(&params);
        let path_and_query = head.uri.path_and_query().map_or("/", |path| path.as_str());
        // Without the header it is the auth token that signs, and nothing else.
        let shared = settings.map_or(&[][..], |_| &self.shared);
        let secrets = std::iter::once(&self.auth_token).chain(shared);
        let keys: Vec<_> = secrets.filter_map(|secret| algorithm.key(secret)).collect();
        let matches = url.spellings(path_and_query).into_iter().any(|spelling| {
            let signed = spelling + &signed_params;
            let mut keys = keys.iter();
            keys.any(|key| hmac::verify(key, signed.as_bytes(), &signature).is_ok())
        });
        match matches {
            true => Ok(params),
            false => Err(Refusal::BadSignature(
                "X-Twilio-Signature does not match: the auth token or the public URL is another",
            )),
        }
    }
}

/// A header that may be there once. Twilio sends it once: a second one was added on the way.
fn only<'a>(head: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = head.headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::BadSignature("a signature header is there twice"));
    }
    value
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| Refusal::BadSignature("a signature header is not ASCII"))
}

/// The algorithm that the settings name; SHA-1 where they name none, as before there were settings.
fn algorithm(settings: Option<&str>) -> Result<Algorithm, Refusal> {
    let named = settings
        .unwrap_or_default()
        .split(',')
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .find(|(name, value)| *name == "algorithm" && !value.is_empty());
    match named {
        None => Ok(Algorithm::Sha1),
        Some((_, value)) if value.eq_ignore_ascii_case("HMAC_SHA1") => Ok(Algorithm::Sha1),
        Some((_, value)) if value.eq_ignore_ascii_case("HMAC_SHA256") => Ok(Algorithm::Sha256),
        Some(_) => Err(Refusal::BadSignature(
            "X-Twilio-Webhooks-Signature-Settings names an unknown algorithm",
        )),
    }
}

fn is_form(head: &Parts) -> bool {
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| {
        let form = "application/x-www-form-urlencoded";
        essence.trim().eq_ignore_ascii_case(form)
    })
}

/// Sorted, each pair once, names and values one after the other.
fn canonical(params: &[Param]) -> String {
    let mut sorted: Vec<&Param> = params.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let texts = sorted.iter().flat_map(|(name, value)| [&**name, &**value]);
    texts.collect()
}

/// Checks a body that is not signed itself against its hash in the URL, which is. Without the hash nothing would tie
/// the body to the signature: Twilio's own libraries let that pass.
fn check_body(head: &Parts, body: &[u8]) -> Result<(), Refusal> {
    let stated = query(head, "bodySHA256").ok_or(Refusal::BadSignature(
        "the body is no form, and the URL has no bodySHA256",
    ))?;
    match stated == hex::encode(digest::digest(&digest::SHA256, body)) {
        true => Ok(()),
        false => Err(Refusal::BadSignature("bodySHA256 is not the body's")),
    }
}

/// The first value of this name in the query.
pub(super) fn query(head: &Parts, name: &str) -> Option<String> {
    let pairs = form::pairs(head.uri.query()?.as_bytes())?;
    let found = pairs.into_iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
