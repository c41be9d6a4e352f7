use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;

fn resolved(value: &str) -> Result<String, String> {
    let env = |name: &str| match name {
        "KEY" => Some("from-env\n".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    local::resolve_with(value, env)
        .map(|secret| secret.expose_secret().to_owned())
        .map_err(|error| error.to_string())
}

#[test]
fn what_is_no_reference_is_the_secret() {
    for value in ["SG.abc", "", "https://x:y", "environment", " padded "] {
        assert_eq!(resolved(value).as_deref(), Ok(value));
    }
}

#[test]
fn variables() {
    assert_eq!(resolved("env:KEY").as_deref(), Ok("from-env"));
    for name in ["MISSING", "EMPTY"] {
        let error = resolved(&format!("env:{name}")).expect_err("no secret there");
        assert!(error.contains(&format!("variable {name} ")), "{error}");
    }
}

#[test]
fn the_real_environment_is_asked() {
    // Cargo sets it for every test.
    let secret = resolve("env:CARGO_PKG_NAME").expect("a secret");
    assert_eq!(secret.expose_secret(), env!("CARGO_PKG_NAME"));
}

#[test]
fn files() {
    let dir = tempfile::tempdir().expect("a directory");
    for (content, secret) in [
        ("s3cret", Some("s3cret")),
        ("s3cret\n", Some("s3cret")),
        ("s3cret\r\n\r\n", Some("s3cret")),
        ("two\nlines\n", Some("two\nlines")),
        ("", None),
        ("\n", None),
    ] {
        let path = dir.path().join("secret");
        std::fs::write(&path, content).expect("written");
        let found = resolved(&format!("file:{}", path.display())).ok();
        assert_eq!(found.as_deref(), secret, "from {content:?}");
    }
    let error = resolved("file:/no/such/secret").expect_err("no such file");
    assert!(error.contains("/no/such/secret"), "{error}");
}

#[test]
fn references_are_read() {
    let vault = |path, field| Ok(Reference::Vault { path, field });
    for (text, reference) in [
        ("SG.abc", Ok(Reference::Itself("SG.abc"))),
        ("env:NAME", Ok(Reference::Env("NAME"))),
        ("file:/a b", Ok(Reference::File(Path::new("/a b")))),
        ("vault:stripe/key", vault("stripe/key", "value")),
        ("vault:stripe#test", vault("stripe", "test")),
        ("vault:stripe#a b#c", vault("stripe", "a b#c")),
        ("env:", Err(InvalidReference::Empty)),
        ("vault:", Err(InvalidReference::Empty)),
        ("vault:/stripe", Err(InvalidReference::VaultPath)),
        ("vault:stripe/", Err(InvalidReference::VaultPath)),
        ("vault:a/../../sys/seal", Err(InvalidReference::VaultPath)),
        ("vault:a%2e", Err(InvalidReference::VaultPath)),
        ("vault:a?version=1", Err(InvalidReference::VaultPath)),
        ("vault:a b", Err(InvalidReference::VaultPath)),
        ("vault:stripe#", Err(InvalidReference::VaultPath)),
        ("vault:#value", Err(InvalidReference::VaultPath)),
    ] {
        assert_eq!(Reference::parse(text), reference, "{text}");
    }
}

#[tokio::test]
async fn without_a_vault_it_says_what_to_set() {
    let error = open("vault:sendgrid/api-key", None)
        .await
        .expect_err("none");
    assert!(error.cure().starts_with("set providers.vault.addr"));
}

/// A source that has what a test puts there.
#[derive(Clone, Default)]
struct Shelf {
    has: Arc<Mutex<&'static str>>,
    fetched: Arc<AtomicUsize>,
}

impl Shelf {
    fn put(&self, text: &'static str) {
        *self.has.lock().expect("no panic") = text;
    }
}

impl SecretSource for Shelf {
    async fn fetch(&self) -> Result<SecretString, SecretError> {
        self.fetched.fetch_add(1, Ordering::AcqRel);
        tokio::task::yield_now().await;
        match *self.has.lock().expect("no panic") {
            "" => Err(SecretError::NoVault),
            text => Ok(text.into()),
        }
    }
}

fn now(secret: &Secret) -> String {
    secret.current().expose_secret().to_owned()
}

#[tokio::test]
async fn a_secret_changes_under_those_who_hold_it_and_keeps_what_it_last_knew() {
    let shelf = Shelf::default();
    assert!(Secret::open("shelf", shelf.clone()).await.is_err());
    shelf.put("one");
    let secret = Secret::open("shelf", shelf.clone()).await.expect("there");
    let holder = secret.clone();
    let first = secret.version();
    assert!(matches!(secret.refresh().await, Refreshed::Same));
    shelf.put("two");
    assert_eq!(now(&holder), "one");
    assert!(matches!(secret.refresh().await, Refreshed::Changed));
    assert_eq!(now(&holder), "two");
    assert_ne!(holder.version(), first);
    shelf.put("");
    assert!(matches!(secret.refresh().await, Refreshed::Kept(_)));
    assert_eq!(now(&holder), "two");
    assert!(!format!("{holder:?}").contains("two"));
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_not_taken() {
    let shelf = Shelf::default();
    shelf.put("one\r\nx-evil: 1");
    let secret = Secret::open("shelf", shelf.clone()).await.expect("there");
    assert!(HeaderSecret::new(secret.clone()).is_err());
    shelf.put("one");
    secret.refresh().await;
    let header = HeaderSecret::new(secret.clone()).expect("can be sent");
    shelf.put("two\nlines");
    let Refreshed::Kept(error) = secret.refresh().await else {
        panic!("taken");
    };
    assert!(error.to_string().contains("header") && !error.to_string().contains("two"));
    assert_eq!(header.bearer(), "Bearer one");
    shelf.put("three");
    secret.refresh().await;
    assert_eq!(
        (header.bearer(), header.bare()),
        (
            "Bearer three".parse().expect("a header"),
            "three".parse().expect("a header")
        )
    );
    assert!(header.bearer().is_sensitive() && header.bare().is_sensitive());
}

#[tokio::test]
async fn many_who_ask_at_once_fetch_once_or_twice() {
    let shelf = Shelf::default();
    shelf.put("one");
    let secret = Secret::open("shelf", shelf.clone()).await.expect("there");
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let secret = secret.clone();
            tokio::spawn(async move { secret.refresh().await })
        })
        .collect();
    for one in asking {
        one.await.expect("ends");
    }
    let fetched = shelf.fetched.load(Ordering::Acquire) - 1;
    assert!((1..=2).contains(&fetched), "{fetched}");
}

#[tokio::test]
async fn one_that_stands_in_the_configuration_stays() {
    let secret = open("SG.given", None).await.expect("itself");
    assert!(matches!(secret.refresh().await, Refreshed::Same));
    assert_eq!(now(&secret), "SG.given");
}

#[tokio::test]
async fn a_file_is_read_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("secret");
    std::fs::write(&path, "one\n").expect("written");
    let secret = open(&format!("file:{}", path.display()), None).await;
    let secret = secret.expect("there");
    std::fs::write(&path, "two\n").expect("written");
    assert!(matches!(secret.refresh().await, Refreshed::Changed));
    assert_eq!(now(&secret), "two");
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(secret.refresh().await, Refreshed::Kept(_)));
    assert_eq!(now(&secret), "two");
}
