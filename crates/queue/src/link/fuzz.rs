//! What comes over a connection, whoever is at its other end: it is an answer, or the call fails in time, and nothing panics.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use redis::Value;

use super::slots::Slots;
use crate::fuzz::{answer, config};
use crate::{Link, LinkOptions};

/// How long a call may take at the most.
const IN_TIME: Duration = Duration::from_millis(150);

/// Beginnings of answers, whole answers, and what looks like some.
const WORDS: [&str; 16] = [
    "+OK\r\n",
    "-ERR unknown command\r\n",
    "-MOVED 1 127.0.0.1:1\r\n",
    "-LOADING wait\r\n",
    ":18446744073709551616\r\n",
    "$-1\r\n",
    "$3\r\nabc\r\n",
    "$9999999999999\r\n",
    "$-2\r\n",
    "*1000000000\r\n",
    "*2\r\n:1\r\n$1\r\na\r\n",
    "*-1\r\n",
    "%1\r\n+a\r\n:1\r\n",
    ">2\r\n+message\r\n+x\r\n",
    ",nan\r\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
];

/// Answers everything with this, until it is told otherwise. It goes with the process.
fn server(says: Arc<Mutex<Vec<u8>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let says = says.lock().expect("not poisoned").clone();
            let mut asked = [0; 4096];
            // Who hangs up has its reasons.
            while stream.read(&mut asked).is_ok_and(|read| read > 0) {
                if stream.write_all(&says).is_err() {
                    break;
                }
            }
        }
    });
    url
}

#[test]
fn noise_instead_of_answers_fails_a_call_in_time() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let says = Arc::new(Mutex::new(Vec::new()));
    let url = server(Arc::clone(&says));
    let options = LinkOptions {
        connect_timeout: IN_TIME,
        response_timeout: IN_TIME,
    };
    let word = prop_oneof![
        6 => select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..12),
    ];
    let mut config = config();
    // Some take as long as a call may.
    config.cases = config.cases.div_ceil(60);
    let tried = TestRunner::new(config).run(&vec(word, 0..6), |words| {
        *says.lock().expect("not poisoned") = words.concat();
        let link = Link::new(&url, options).expect("a URL");
        let since = Instant::now();
        let answered = runtime.block_on(link.command::<Value>(&redis::cmd("PING")));
        prop_assert!(since.elapsed() < Duration::from_secs(3), "{:?}", answered);
        Ok(())
    });
    assert!(tried.is_ok(), "{}", tried.expect_err("failed"));
}

/// Nearly a map of a cluster's slots.
fn slots() -> impl Strategy<Value = Value> {
    let number = || prop_oneof![4 => 0_i64..20_000, 1 => any::<i64>()].prop_map(Value::Int);
    let host = prop_oneof![
        "[a-z0-9.:?]{0,9}".prop_map(|host| Value::BulkString(host.into_bytes())),
        vec(any::<u8>(), 0..6).prop_map(Value::BulkString),
        Just(Value::Nil),
    ];
    let node = (host, number()).prop_map(|(host, port)| Value::Array(vec![host, port]));
    let node = prop_oneof![9 => node, 1 => answer()];
    let range = (number(), number(), vec(node, 0..3))
        .prop_map(|(first, last, nodes)| Value::Array([vec![first, last], nodes].concat()));
    let range = prop_oneof![9 => range, 1 => answer()];
    prop_oneof![9 => vec(range, 0..4).prop_map(Value::Array), 1 => answer()]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_map_of_slots_is_taken_whole_or_not_at_all(answer in slots()) {
        let mut slots = Slots::default();
        let is_taken = slots.read(answer, "here");
        prop_assert!(is_taken || slots.node(None).is_none());
        for node in slots.masters() {
            prop_assert!(node.contains(':'));
        }
        let _ = (slots.node(Some(0)), slots.node(Some(u16::MAX)));
    }
}
