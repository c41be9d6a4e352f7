//! Any answer of Vault's: a secret comes of it as it stands there, or none; and nothing panics.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use longshore_testing::fuzz::{bytes, cases};
use proptest::prelude::*;
use proptest::sample::select;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::login::Login;
use super::renew::two_thirds;
use super::token::Token;
use super::{KvVersion, Vault, VaultConfig, VaultError};

const LOGINS: &[&str] = &[
    r#"{"auth":{"client_token":"hvs.x","lease_duration":3600,"renewable":true}}"#,
    r#"{"auth":{"client_token":"hvs.x","lease_duration":18446744073709551615,"renewable":true},"errors":[]}"#,
];

const ANSWERS: &[&str] = &[
    r#"{"data":{"data":{"key":"hidden","n":1},"metadata":{"version":1}}}"#,
    r#"{"data":{"key":"hidden","data":{"key":["hidden"]}}}"#,
    r#"{"data":{"data":null,"metadata":{"deletion_time":"2026-11-29T09:00:00Z"}}}"#,
    r#"{"errors":["1 error occurred: permission denied"]}"#,
    r#"{"initialized":true,"sealed":true}"#,
    "<html>502</html>",
];

/// It asks for a moment with none of them: 412 and 429 are waited for.
const STATUSES: [u16; 10] = [200, 200, 200, 204, 302, 400, 403, 404, 500, 503];

fn vault(addr: &str, kv: KvVersion) -> Vault {
    let config = VaultConfig {
        addr: addr.parse().expect("an origin"),
        mount: "secret".to_owned(),
        kv,
        ca_file: None,
        namespace: None,
        login: Login::Token("hvs.x".into()),
        timeout: Duration::from_secs(5),
    };
    Vault::new(config).expect("set up")
}

/// Answers logins well, and all else with this. It goes with the process.
fn server(answer: Arc<Mutex<(u16, Vec<u8>)>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let Ok(read) = stream.read(&mut request) else {
                continue;
            };
            let is_login = String::from_utf8_lossy(&request[..read]).contains("lookup-self");
            let (status, body) = match is_login {
                true => (200, br#"{"data":{"ttl":3600,"renewable":true}}"#.to_vec()),
                false => answer.lock().expect("not poisoned").clone(),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            // A client that hangs up has its reasons.
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    origin
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn any_login_lasts_as_long_as_can_be_reckoned_with(body in bytes(LOGINS), renewal in bytes(LOGINS)) {
        let vault = vault("http://127.0.0.1:1", KvVersion::Two);
        let Ok(auth) = vault.auth(&body) else { return Ok(()) };
        let now = Instant::now();
        let token = Token {
            header: HeaderValue::from_static("hvs.x"),
            number: 1,
            logged_in: now,
            counted_from: now,
            ttl: auth.ttl(),
            renewable: auth.renewable(),
        };
        let renewed = vault.auth(&renewal).ok().and_then(|auth| token.renewed(&auth, now));
        for token in [Some(token), renewed].into_iter().flatten() {
            if let Some(left) = token.left() {
                // No longer than until it is over, and never without a breath.
                let wait = two_thirds(&token, left);
                prop_assert!(wait <= left.max(Duration::from_secs(1)) && !wait.is_zero());
            }
        }
    }
}

#[test]
fn any_answer_is_a_secret_as_it_stands_there_or_none() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let answer = Arc::new(Mutex::new((200, Vec::new())));
    let origin = server(Arc::clone(&answer));
    let versions = [KvVersion::One, KvVersion::Two];
    let vaults = versions.map(|kv| vault(&origin, kv));
    let answers = (select(&STATUSES[..]), bytes(ANSWERS));
    let mut runner = proptest::test_runner::TestRunner::new(cases(16));
    let tried = runner.run(&answers, |(status, body)| {
        *answer.lock().expect("not poisoned") = (status, body.clone());
        for (vault, path) in vaults.iter().zip(["/data/key", "/data/data/key"]) {
            let read = runtime.block_on(vault.read("app", "key"));
            let stands: Option<Value> = serde_json::from_slice(&body).ok();
            let stands = stands.as_ref().and_then(|all| all.pointer(path)?.as_str());
            match read {
                Ok(secret) => {
                    prop_assert!((200..300).contains(&status));
                    // Of a name that stands there twice the later counts, for both readers.
                    prop_assert_eq!(Some(secret.expose_secret()), stands);
                }
                Err(error) => {
                    prop_assert!(!error.to_string().contains("hidden"), "{}", error);
                    let is_wrong = matches!(
                        error,
                        VaultError::NoCredential { .. } | VaultError::LoginRefused { .. }
                    );
                    prop_assert!(!is_wrong, "{}", error);
                }
            }
        }
        Ok(())
    });
    assert!(tried.is_ok(), "{}", tried.expect_err("failed"));
}
