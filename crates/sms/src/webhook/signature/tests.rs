use http::{HeaderValue, Request};
use serde::Deserialize;

use super::*;

/// What the official SDK signed.
#[derive(Deserialize)]
struct Made {
    made_by: String,
    vectors: Vec<Vector>,
}

/// One request.
#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    public_url: String,
    path: String,
    content_type: String,
    body: String,
    secret: String,
    settings: Option<String>,
    signature: String,
}

fn made() -> Made {
    let text = include_str!("../../../tests/twilio_signatures.json");
    serde_json::from_str(text).expect("vectors")
}

fn vector(name: &str) -> Vector {
    let mut vectors = made().vectors.into_iter();
    vectors.find(|vector| vector.name == name).expect(name)
}

fn verifier() -> Verifier {
    Verifier::new("12345".into(), vec!["shared-key-secret".into()])
}

impl Vector {
    fn head(&self) -> Option<Parts> {
        let mut request = Request::builder()
            .method("POST")
            .uri(&self.path)
            .header("content-type", &self.content_type)
            .header("X-Twilio-Signature", &self.signature);
        if let Some(settings) = &self.settings {
            request = request.header("X-Twilio-Webhooks-Signature-Settings", settings);
        }
        // Not every mutation is a request.
        Some(request.body(()).ok()?.into_parts().0)
    }

    fn verify_body(&self, body: &[u8]) -> Result<Vec<Param>, Refusal> {
        let url = self.public_url.parse().expect("a public URL");
        let head = self.head().expect("a request");
        verifier().verify(&url, &head, body)
    }

    fn verify(&self) -> Result<Vec<Param>, Refusal> {
        self.verify_body(self.body.as_bytes())
    }

    fn refused(&self) -> bool {
        matches!(self.verify(), Err(Refusal::BadSignature(_)))
    }
}

/// Every text that differs from this one in a single byte, or lacks one.
fn spoilt(text: &str) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).flat_map(move |at| {
        let others = [1, 2, 0x20].map(|change| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= change;
            bytes
        });
        let mut shorter = text.as_bytes().to_vec();
        shorter.remove(at);
        others.into_iter().chain([shorter])
    })
}

#[test]
fn what_the_official_sdk_signs_is_verified() {
    let made = made();
    assert!(
        made.made_by.starts_with("twilio 9.13.0"),
        "{}",
        made.made_by
    );
    assert!(made.vectors.len() > 25);
    for vector in made.vectors {
        let params = vector
            .verify()
            .unwrap_or_else(|e| panic!("{}: {e}", vector.name));
        let form = vector.content_type.to_lowercase().contains("form");
        assert_eq!(params.is_empty(), !form || vector.body.is_empty());
    }
}

#[test]
fn every_byte_of_the_url_counts() {
    for vector in made().vectors {
        let mut tried = 0;
        for path in spoilt(&vector.path) {
            let Ok(path) = String::from_utf8(path) else {
                continue;
            };
            let changed = Vector {
                path,
                ..vector.clone()
            };
            let Some(head) = changed.head() else { continue };
            // The fragment is never sent.
            if head
                .uri
                .path_and_query()
                .is_none_or(|kept| kept.as_str() != changed.path)
            {
                continue;
            }
            tried += 1;
            assert!(changed.refused(), "{}: {}", vector.name, changed.path);
        }
        assert!(tried > vector.path.len(), "{}", vector.name);
        for public_url in [
            "https://mycompany.con",
            "http://localhost:81",
            "http://127.0.0.1",
        ] {
            let public_url = public_url.to_owned();
            let changed = Vector {
                public_url,
                ..vector.clone()
            };
            assert!(changed.refused(), "{}: {}", vector.name, changed.public_url);
        }
    }
}

#[test]
fn every_byte_of_the_body_counts() {
    for vector in made().vectors {
        let params = vector.verify().expect("signed");
        let bodies: Vec<_> = spoilt(&vector.body).collect();
        let mut passed = 0;
        for body in &bodies {
            let shown = String::from_utf8_lossy(body);
            match vector.verify_body(body) {
                Err(_) => {}
                Ok(other) if params.is_empty() => panic!("{}: {shown}: {other:?}", vector.name),
                // Other bytes that are signed alike: `%2B` and `%2b`, a pair that is there twice. And Twilio does not
                // sign where a name ends: without its `=` it is a longer one.
                Ok(other) => {
                    passed += 1;
                    assert_eq!(
                        canonical(&other),
                        canonical(&params),
                        "{}: {shown}",
                        vector.name
                    );
                }
            }
        }
        assert!(
            passed * 10 <= bodies.len() * 3,
            "{}: {passed} of {}",
            vector.name,
            bodies.len()
        );
    }
}

#[test]
fn every_character_of_the_signature_counts() {
    for vector in made().vectors {
        for signature in spoilt(&vector.signature) {
            let Ok(signature) = String::from_utf8(signature) else {
                continue;
            };
            let changed = Vector {
                signature,
                ..vector.clone()
            };
            if changed.head().is_some() {
                assert!(changed.refused(), "{}: {}", vector.name, changed.signature);
            }
        }
    }
}

#[test]
fn another_secret_is_refused() {
    let refused = |vector: &Vector, verifier: &Verifier| {
        let url = vector.public_url.parse().expect("a public URL");
        let head = vector.head().expect("a request");
        let refused = verifier.verify(&url, &head, vector.body.as_bytes());
        matches!(refused, Err(Refusal::BadSignature(_)))
    };
    let no_keys = Verifier::new("another".into(), vec!["and another".into()]);
    for vector in made().vectors {
        assert!(refused(&vector, &no_keys), "{}", vector.name);
    }
    // A shared key signs only what says so.
    let mut shared = vector("a status callback by a shared key");
    assert_eq!(shared.secret, "shared-key-secret");
    let own = Verifier::new("12345".into(), vec![]);
    assert!(refused(&shared, &own));
    let older = Verifier::new(
        "12345".into(),
        vec!["new".into(), "shared-key-secret".into()],
    );
    assert!(!refused(&shared, &older));
    shared.settings = None;
    assert!(shared.refused());
    let mut legacy = vector("settings that name SHA-1");
    assert_eq!(legacy.secret, "shared-key-secret");
    legacy.settings = None;
    assert!(
        legacy.refused(),
        "without settings only the auth token signs"
    );
}

#[test]
fn an_empty_secret_signs_nothing() {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"");
    let mut forged = vector("an empty form");
    let signed = forged.public_url.clone() + &forged.path;
    forged.signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    forged.settings = Some("algorithm=HMAC_SHA1".to_owned());
    let url = forged.public_url.parse().expect("a public URL");
    let head = forged.head().expect("a request");
    let empty = Verifier::new("".into(), vec!["".into()]);
    assert!(empty.verify(&url, &head, b"").is_err());
}

#[test]
fn the_settings_are_believed_only_so_far() {
    let signed = vector("a status callback by a shared key");
    for (settings, verified) in [
        (Some("algorithm=HMAC_SHA256"), true),
        (
            Some("key=a=b,x, algorithm = hmac_sha256 ,algorithm=HMAC_SHA1"),
            true,
        ),
        (None, false),
        (Some(""), false),
        (Some("HMAC_SHA256"), false),
        (Some("algorithm=HMAC_SHA1"), false),
        (Some("algorithm=HMAC_SHA512"), false),
        (Some("algorithm=none"), false),
    ] {
        let settings = settings.map(str::to_owned);
        let changed = Vector {
            settings,
            ..signed.clone()
        };
        assert_eq!(!changed.refused(), verified, "{:?}", changed.settings);
    }
    let unknown = Vector {
        settings: Some("algorithm=HMAC_SHA512".to_owned()),
        ..signed
    };
    let refused = unknown.verify().expect_err("unknown");
    assert!(
        refused.to_string().contains("unknown algorithm"),
        "{refused}"
    );
}

#[test]
fn headers_that_are_missing_odd_or_there_twice() {
    let vector = vector("a status callback by a shared key");
    let url = vector.public_url.parse().expect("a public URL");
    let refused = |change: &dyn Fn(&mut Parts)| {
        let mut head = vector.head().expect("a request");
        change(&mut head);
        match verifier().verify(&url, &head, vector.body.as_bytes()) {
            Err(Refusal::BadSignature(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    for (name, header) in [("signature", SIGNATURE), ("settings", SETTINGS)] {
        let twice = refused(&|head: &mut Parts| {
            let again = head.headers[&header].clone();
            head.headers.append(&header, again);
        });
        assert_eq!(twice, "a signature header is there twice", "{name}");
        let odd = refused(&|head: &mut Parts| {
            let odd = HeaderValue::from_bytes(b"\xff").expect("a value");
            head.headers.insert(&header, odd);
        });
        assert_eq!(odd, "a signature header is not ASCII", "{name}");
    }
    let missing = refused(&|head: &mut Parts| drop(head.headers.remove(&SIGNATURE)));
    assert_eq!(missing, "the X-Twilio-Signature header is missing");
    for text in ["", "no base64", "RSOYDt4T1cUTdK1PDd93/VVr8B8"] {
        refused(&|head: &mut Parts| {
            let text = HeaderValue::from_str(text).expect("a value");
            head.headers.insert(&SIGNATURE, text);
        });
    }
}

#[test]
fn a_body_that_is_no_form_needs_its_hash_in_the_url() {
    // Signed as the SDK does, which would let it pass.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
    let signed = |path: &str, content_type: &str| {
        let url = "https://mycompany.com".to_owned() + path;
        Vector {
            path: path.to_owned(),
            content_type: content_type.to_owned(),
            body: r#"{"MessageStatus":"delivered"}"#.to_owned(),
            settings: None,
            signature: BASE64_STANDARD.encode(hmac::sign(&key, url.as_bytes())),
            ..vector("a status callback")
        }
    };
    let hash = hex::encode(digest::digest(
        &digest::SHA256,
        br#"{"MessageStatus":"delivered"}"#,
    ));
    let json = "application/json";
    assert!(
        signed(&format!("/?bodySHA256={hash}"), json)
            .verify()
            .is_ok()
    );
    for path in [
        "/".to_owned(),
        "/?x=1".to_owned(),
        "/?bodySHA256=".to_owned(),
        format!("/?bodysha256={hash}"),
        format!("/?bodySHA256={}", hash.to_uppercase()),
        format!("/?bodySHA256={}&bodySHA256={hash}", "0".repeat(64)),
        format!("/bodySHA256={hash}"),
    ] {
        assert!(signed(&path, json).refused(), "{path}");
    }
    // What only looks like a form is none.
    for content_type in [
        "",
        "application/x-www-form-urlencodedx",
        "multipart/form-data",
    ] {
        assert!(signed("/", content_type).refused(), "{content_type}");
    }
}

#[test]
fn params_that_are_not_text_are_refused() {
    let vector = vector("a replacement character");
    assert!(vector.verify_body("Body=\u{fffd}".as_bytes()).is_ok());
    let refused = vector.verify_body(b"Body=%FF");
    assert_eq!(refused, Err(Refusal::BadRequest("the form is not UTF-8")));
}
