//! Errors as programs read them.

use std::collections::BTreeMap;

use longshore_client::{Client, ClientError, Enqueued, InvalidArgs, JobId, QueueError};

/// One of each, as the page lists them.
fn one_of_each() -> Vec<ClientError> {
    let server = || "10.0.0.7:6379".to_owned();
    let reason = || "no route".to_owned();
    let id = JobId::generate();
    let unreachable = || QueueError::Unreachable {
        server: server(),
        reason: reason(),
    };
    let not_copied = QueueError::NotCopied {
        server: server(),
        wanted: 1,
        acknowledged: 0,
    };
    let Err(name) = Client::in_namespace("redis://127.0.0.1", "Shop") else {
        panic!("a namespace has no capitals");
    };
    vec![
        ClientError::InvalidArgs(InvalidArgs::field("to", "is missing")),
        ClientError::InvalidOption("delay: is too long"),
        ClientError::KeyTaken {
            key: "k".to_owned(),
            place: 0,
            holder: id,
            since_ms: 0,
        },
        ClientError::KeyTwice {
            key: "k".to_owned(),
            places: (0, 1),
        },
        name,
        ClientError::Queue(unreachable()),
        ClientError::Queue(QueueError::Passing {
            server: server(),
            reason: reason(),
        }),
        ClientError::Queue(QueueError::Address(reason())),
        ClientError::Queue(QueueError::NoEntry {
            server: server(),
            reason: reason(),
        }),
        ClientError::Queue(QueueError::Refused {
            server: server(),
            reason: reason(),
        }),
        ClientError::Queue(QueueError::Layout {
            server: server(),
            namespace: "longshore".to_owned(),
            queue: "email".to_owned(),
            found: "1".to_owned(),
        }),
        ClientError::Queue(QueueError::Full {
            queue: "email".to_owned(),
            waiting: 1,
            most: 1,
        }),
        ClientError::Queue(QueueError::Unexpected(reason())),
        ClientError::Away {
            source: unreachable(),
        },
        ClientError::NotCopied {
            ids: vec![id],
            source: not_copied,
        },
        ClientError::Interrupted {
            accepted: vec![(
                0,
                Enqueued {
                    id,
                    duplicate: false,
                },
            )],
            in_doubt: vec![(1, id)],
            source: unreachable(),
        },
        ClientError::StillRunning { id, source: None },
        ClientError::NotFound { id },
    ]
}

/// The codes are a promise: the page has each with the same word for whether a call may be repeated, and no other.
#[test]
fn every_code_stands_on_the_page_and_nothing_else_does() {
    let page = include_str!("../../../../docs/outages.md");
    let (_, page) = page.split_once("\n## Errors\n").expect("its section");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let code = cells.next()?.strip_suffix('`')?;
        Some((code.to_owned(), cells.next()?.to_owned()))
    });
    let listed: BTreeMap<_, _> = rows.collect();
    let said: BTreeMap<_, _> = one_of_each()
        .iter()
        .map(|error| {
            let again = if error.is_retryable() { "yes" } else { "no" };
            (error.code().to_owned(), again.to_owned())
        })
        .collect();
    assert_eq!(listed, said);
    let plain = |code: &String| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(said.keys().all(plain), "{said:?}");
}

#[test]
fn every_error_says_what_to_do() {
    for error in one_of_each() {
        let cure = error.cure();
        assert!(cure.len() > 10 && !cure.ends_with('.'), "{error}: {cure}");
        let said = error.to_string();
        assert!(!said.contains(cure), "said twice: {said}");
    }
}
