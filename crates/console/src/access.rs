//! Who somebody is: by a login here, by a proxy's header, by the program around the console, or by nobody asking.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::extract::ConnectInfo;
use axum::http::HeaderName;
use axum::http::header::HOST;
use axum::http::request::Parts;
use longshore_listener::{CallerAddr, TrustedProxies};

use crate::cookies::{Jar, cookie};
use crate::session::{LONGEST, Session, visitor_token};
use crate::users::ConsoleUser;
use crate::who::{ConsoleRole, KnownBy, SignedIn, Who};

/// The cookie of a session.
pub(crate) const SESSION: &str = "session";

/// The cookie that forms of visitors without a session are bound to.
pub(crate) const VISITOR: &str = "visitor";

/// Who may come in, and how they are known.
#[derive(Debug, Default)]
pub(crate) struct Access {
    pub(crate) users: Vec<ConsoleUser>,
    /// The header in which a proxy names who it has let in.
    pub(crate) trusted_header: Option<HeaderName>,
    pub(crate) proxies: TrustedProxies,
    /// Under this name everybody is let in: a console of one's own machine.
    pub(crate) open_as: Option<String>,
    pub(crate) jar: Jar,
    /// `https://ops.example.com`, where people reach the console.
    pub(crate) origin: Option<String>,
    /// The path there that a proxy takes away.
    pub(crate) path: String,
    /// Sessions that were logged out of, until when they would have lasted.
    pub(crate) ended: Mutex<HashMap<String, i64>>,
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) who: Who,
    /// What their forms carry.
    pub(crate) token: String,
    /// Their session, to be written into its cookie anew.
    pub(crate) renewed: Option<String>,
}

impl Access {
    pub(crate) fn user(&self, name: &str) -> Option<&ConsoleUser> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Who sends this, at this time in unix seconds.
    pub(crate) fn known(&self, head: &Parts, now: i64) -> Option<Known> {
        let address = self.address(head);
        if let Some(signed_in) = head.extensions.get::<SignedIn>() {
            return Some(self.of_others(&signed_in.name, signed_in.role, head, address));
        }
        if let Some(known) = self.by_session(head, address, now) {
            return Some(known);
        }
        if let Some(name) = self.by_header(head) {
            let role = self
                .user(&name)
                .map_or(ConsoleRole::Viewer, |user| user.role);
            return Some(self.of_others(&name, role, head, address));
        }
        let name = self.open_as.as_ref()?;
        // A page of somebody else's may have its own name lead to this machine.
        if !is_local_host(head) {
            return None;
        }
        let mut known = self.of_others(name, ConsoleRole::Operator, head, address);
        known.who.known_by = KnownBy::Open;
        Some(known)
    }

    fn by_session(&self, head: &Parts, address: Option<IpAddr>, now: i64) -> Option<Known> {
        let sent = cookie(&head.headers, &self.jar.name(SESSION))?;
        let user = self.user(&Session::claimed_name(sent)?)?;
        let hash = user.password_hash()?;
        let session = Session::read(sent, &hash, now)?;
        if self.has_ended(&session.id) {
            return None;
        }
        let renewed = session.renewed(now).map(|session| session.signed(&hash));
        Some(Known {
            token: session.form_token(&hash),
            renewed,
            who: Who {
                name: user.name.clone(),
                role: user.role,
                known_by: KnownBy::Session(session.id),
                address,
            },
        })
    }

    /// The name in a trusted header, from who may be believed: this machine, or a proxy that is trusted.
    fn by_header(&self, head: &Parts) -> Option<String> {
        let header = self.trusted_header.as_ref()?;
        let connected = connected(head)?.to_canonical();
        if !connected.is_loopback() && !self.proxies.has(connected) {
            return None;
        }
        let mut values = head.headers.get_all(header).iter();
        let name = values.next()?.to_str().ok()?.trim();
        // Two of them are one of the proxy's and one of somebody who hopes.
        let is_name = values.next().is_none() && is_name(name);
        is_name.then(|| name.to_owned())
    }

    fn of_others(
        &self,
        name: &str,
        role: ConsoleRole,
        head: &Parts,
        address: Option<IpAddr>,
    ) -> Known {
        Known {
            token: self.visitor_token(head, name),
            renewed: None,
            who: Who {
                name: name.to_owned(),
                role,
                known_by: KnownBy::Others,
                address,
            },
        }
    }

    /// What forms of a visitor carry; empty where their browser has no cookie for it yet.
    pub(crate) fn visitor_token(&self, head: &Parts, name: &str) -> String {
        cookie(&head.headers, &self.jar.name(VISITOR))
            .map(|cookie| visitor_token(cookie, name))
            .unwrap_or_default()
    }

    /// Where a request comes from, as far as can be told.
    pub(crate) fn address(&self, head: &Parts) -> Option<IpAddr> {
        if let Some(caller) = head.extensions.get::<CallerAddr>() {
            return Some(caller.named.to_canonical());
        }
        let connected = connected(head)?;
        Some(self.proxies.named(connected, &head.headers).to_canonical())
    }

    /// Ends a session at once.
    pub(crate) fn end(&self, session: &str, now: i64) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, until| *until > now);
        ended.insert(session.to_owned(), now + LONGEST);
    }

    pub(crate) fn has_ended(&self, session: &str) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.contains_key(session)
    }
}

/// The address at the other end of the connection.
fn connected(head: &Parts) -> Option<IpAddr> {
    let by_listener = head.extensions.get::<CallerAddr>();
    let by_axum = || {
        let info = head.extensions.get::<ConnectInfo<std::net::SocketAddr>>()?;
        Some(info.0.ip())
    };
    by_listener.map(|caller| caller.connected).or_else(by_axum)
}

/// What can stand in the audit.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Whether the browser believes that it talks to its own machine.
fn is_local_host(head: &Parts) -> bool {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| head.uri.host()) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|addr| addr.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use axum::http::header::COOKIE;

    use super::*;

    #[test]
    fn who_has_no_password_has_no_session_either() {
        let now = 1_800_000_000;
        for hash in ["", "not a hash"] {
            let access = Access {
                users: vec![ConsoleUser::new("ada", ConsoleRole::Operator, hash)],
                ..Access::default()
            };
            let forged = Session::begin("ada", now).signed(hash);
            let cookie = format!("{}={forged}", access.jar.name(SESSION));
            let request = Request::builder().header(COOKIE, cookie).body(());
            let (head, ()) = request.expect("it is a request").into_parts();
            assert!(access.known(&head, now).is_none(), "{hash:?}");
        }
    }
}
