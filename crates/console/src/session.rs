//! Sessions, in a signed cookie. The key is derived from the user's own password hash: several processes of the console know each
//! other's sessions, and a changed password ends those that it began.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// A session lasts this long, in seconds.
pub(crate) const LONGEST: i64 = 12 * 3600;

/// Without a request it lasts this long, in seconds.
pub(crate) const IDLE: i64 = 3600;

/// The cookie is written anew when it is this old, in seconds.
const RENEWED_AFTER: i64 = 300;

/// A login and what came of it, as the cookie holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) name: String,
    /// Tells sessions of one user apart.
    pub(crate) id: String,
    /// When it began, in unix seconds.
    pub(crate) begun: i64,
    /// When it was last used, to five minutes.
    pub(crate) seen: i64,
}

impl Session {
    pub(crate) fn begin(name: &str, now: i64) -> Self {
        Self {
            name: name.to_owned(),
            id: random(),
            begun: now,
            seen: now,
        }
    }

    /// The cookie's value, signed by the key of its user.
    pub(crate) fn signed(&self, password_hash: &str) -> String {
        let claim = self.claim();
        let mac = hmac::sign(&key(password_hash), claim.as_bytes());
        format!("{claim}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Whose session a cookie says it is: to look up the key that can prove it.
    pub(crate) fn claimed_name(cookie: &str) -> Option<String> {
        let (name, _) = cookie.split_once('.')?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()
    }

    /// The session of a cookie that its user's key has signed and that has not ended.
    pub(crate) fn read(cookie: &str, password_hash: &str, now: i64) -> Option<Self> {
        let (claim, mac) = cookie.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        hmac::verify(&key(password_hash), claim.as_bytes(), &mac).ok()?;
        let mut parts = claim.split('.');
        let name = Self::claimed_name(claim)?;
        let id = parts.nth(1)?.to_owned();
        let begun = parts.next()?.parse().ok()?;
        let seen = parts.next()?.parse().ok()?;
        let session = Self {
            name,
            id,
            begun,
            seen,
        };
        let fits = now - begun < LONGEST && now - seen < IDLE && begun <= now + 60;
        fits.then_some(session)
    }

    /// The same, used now; `None` where that was noted lately.
    pub(crate) fn renewed(&self, now: i64) -> Option<Self> {
        (now - self.seen >= RENEWED_AFTER).then(|| Self {
            seen: now,
            ..self.clone()
        })
    }

    /// What forms of this session carry.
    pub(crate) fn form_token(&self, password_hash: &str) -> String {
        token(&key(password_hash), &self.id)
    }

    fn claim(&self) -> String {
        let name = URL_SAFE_NO_PAD.encode(&self.name);
        format!("{name}.{}.{}.{}", self.id, self.begun, self.seen)
    }
}

/// What forms of a visitor without a session carry: it is bound to a cookie that only their browser has.
pub(crate) fn visitor_token(cookie: &str, name: &str) -> String {
    token(&hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes()), name)
}

/// A token as a page has it: different each time, so that nothing is learnt from how much of it the rest of a page has.
pub(crate) fn masked(token: &str) -> String {
    let mask = random();
    let hidden = token.bytes().zip(mask.bytes().cycle());
    let hidden: Vec<u8> = hidden.map(|(byte, with)| byte ^ with).collect();
    format!("{mask}{}", URL_SAFE_NO_PAD.encode(hidden))
}

/// The token that was masked; empty where none was.
pub(crate) fn unmasked(text: &str) -> String {
    let Some((mask, hidden)) = text.split_at_checked(RANDOM_LENGTH) else {
        return String::new();
    };
    let hidden = URL_SAFE_NO_PAD.decode(hidden).unwrap_or_default();
    let token = hidden.iter().zip(mask.bytes().cycle());
    let token = token.map(|(byte, with)| byte ^ with).collect();
    String::from_utf8(token).unwrap_or_default()
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"same");
    hmac::verify(&key, a.as_bytes(), hmac::sign(&key, b.as_bytes()).as_ref()).is_ok()
}

/// How many characters [`random`] has.
const RANDOM_LENGTH: usize = 24;

/// What nobody guesses.
///
/// # Panics
/// When the system gives no random bits.
pub(crate) fn random() -> String {
    let mut bytes = [0; 18];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system gives random bits");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn token(key: &hmac::Key, of: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(key, format!("form {of}").as_bytes()))
}

fn key(password_hash: &str) -> hmac::Key {
    let of_hash = hmac::Key::new(hmac::HMAC_SHA256, password_hash.as_bytes());
    let derived = hmac::sign(&of_hash, b"longshore console session 1");
    hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_session_is_read_with_its_key_until_it_ends() {
        let session = Session::begin("ada.lovelace", NOW);
        let cookie = session.signed("hash");
        assert_eq!(
            Session::claimed_name(&cookie).as_deref(),
            Some("ada.lovelace")
        );
        assert_eq!(Session::read(&cookie, "hash", NOW), Some(session.clone()));
        assert_eq!(
            Session::read(&cookie, "another", NOW),
            None,
            "password changed"
        );
        assert_eq!(Session::read(&cookie, "hash", NOW + IDLE), None, "idle");
        let used = session.renewed(NOW + LONGEST - 10).expect("it is old");
        let cookie = used.signed("hash");
        assert!(Session::read(&cookie, "hash", NOW + LONGEST - 1).is_some());
        assert_eq!(Session::read(&cookie, "hash", NOW + LONGEST), None, "over");
        assert_eq!(session.renewed(NOW + 10), None);
    }

    #[test]
    fn a_masked_token_looks_different_each_time_and_is_the_same() {
        let token = visitor_token("cookie", "ada");
        let (once, again) = (masked(&token), masked(&token));
        assert_ne!(once[..RANDOM_LENGTH], again[..RANDOM_LENGTH]);
        assert_ne!(once[RANDOM_LENGTH..], again[RANDOM_LENGTH..]);
        assert_eq!((unmasked(&once), unmasked(&again)), (token.clone(), token));
        for garbage in [
            "",
            "short",
            "é".repeat(12).as_str(),
            &once[..30],
            "?".repeat(80).as_str(),
        ] {
            assert_ne!(unmasked(garbage), unmasked(&once), "{garbage}");
        }
    }

    #[test]
    fn nothing_of_it_can_be_changed() {
        let cookie = Session::begin("ada", NOW).signed("hash");
        for (from, to) in [("YWRh", "Ym9i"), (".18", ".19")] {
            let changed = cookie.replacen(from, to, 1);
            assert_ne!(changed, cookie);
            assert_eq!(Session::read(&changed, "hash", NOW), None, "{changed}");
        }
        for garbage in ["", ".", "a.b.c", "....", &cookie[..cookie.len() - 4]] {
            assert_eq!(Session::read(garbage, "hash", NOW), None, "{garbage:?}");
        }
    }
}
