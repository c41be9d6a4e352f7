//! What stands in Redis, whoever wrote it: whatever it is, it is read or shown as broken, and nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use redis::Value;

use crate::header::Header;
use crate::record::{Completion, Recorded, RunState};
use crate::server::ServerFacts;
use crate::value::{Fields, Reply, read};

pub(crate) fn config() -> ProptestConfig {
    let cases = std::env::var("LONGSHORE_FUZZ_CASES");
    let cases = cases.ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(256),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("fuzz-corpus.txt"))),
        ..ProptestConfig::default()
    }
}

/// Any answer of a server's, some levels deep.
pub(crate) fn answer() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        Just(Value::Okay),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Boolean),
        any::<f64>().prop_map(Value::Double),
        ".{0,8}".prop_map(Value::SimpleString),
        vec(any::<u8>(), 0..12).prop_map(Value::BulkString),
        "[0-9]{0,22}".prop_map(|text| Value::BulkString(text.into_bytes())),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 0..6).prop_map(Value::Array),
            1 => vec((inner.clone(), inner), 0..3).prop_map(Value::Map),
        ]
    })
}

/// A value of `data`: a header's flags, then anything.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let flags = (0_u8..4, any::<[u8; 6]>(), 0_u8..4, any::<u8>());
    (flags, vec(any::<u8>(), 0..64), ".{0,40}").prop_map(
        |((mark, time, times, has), noise, text)| {
            let mut value = vec![mark];
            value.extend(time);
            value.extend([times, has]);
            value.extend(noise);
            value.extend(text.into_bytes());
            value
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_header_is_read_within_its_value_or_there_is_none(value in value()) {
        if let Some((_, length)) = Header::read(&value) {
            prop_assert!(length <= value.len());
        }
        for end in 0..value.len().min(24) {
            let _ = Header::read(&value[..end]);
        }
    }

    #[test]
    fn what_stands_of_runs_is_read_or_broken(
        text in prop_oneof!["([0-9]{0,20} ){0,6}[0-9]{0,12}", ".{0,30}"],
        json in prop_oneof![r#"[0-9]{0,20} \{("[a-z]{1,8}":("x"|1|null|\[\]),?){0,4}\}?"#, ".{0,30}"],
    ) {
        let state = RunState::parse(&text);
        prop_assert_eq!(RunState::read(&text).unwrap_or_default(), state);
        let _ = Recorded::parse(json.as_bytes());
        let _ = Completion::parse(json.as_bytes());
    }

    #[test]
    fn what_a_server_says_of_itself_is_known_or_not(
        name in "(redis_version|used_memory|maxmemory|slave0|role|evicted_keys|.{0,12})",
        value in "([0-9]{0,24}|[0-9.]{0,8}|.{0,16})",
        end in "(\r\n|\n|\r|)",
    ) {
        let facts = ServerFacts::read(&format!("# Server{end}{name}:{value}{end}redis_version:7.2.4{end}"));
        let _ = (facts.too_old(), facts.may_evict());
        let _ = ServerFacts::worst(vec![facts, ServerFacts::default()]);
    }

    #[test]
    fn any_answer_is_read_or_unexpected(answer in answer()) {
        let _ = read::<Fields>(answer.clone());
        let _ = read::<Vec<String>>(answer.clone());
        let _ = crate::claim::ids(answer.clone());
        let Ok(mut reply) = Reply::new(answer) else { return Ok(()) };
        let _ = reply.number::<u64>();
        let _ = reply.shown();
        let _ = reply.value();
        let _ = reply.list();
        let _ = reply.id();
        let _ = reply.next::<Option<String>>();
        let _ = (reply.is_empty(), reply.len());
    }
}
