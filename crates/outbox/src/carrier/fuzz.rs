//! Rows as anybody may write them: each is a job that its worker reads, or is refused with a reason that quotes none of it.

use longshore_email::SendEmail;
use longshore_geocode::GeocodeAddress;
use longshore_job::{Envelope, Job, JobId, KindSpec, Kinds};
use longshore_testing::fuzz::{cases, text};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::decode::job;
use super::store::Waiting;

const IDS: &[&str] = &["01KBGJDTN7Z2T9K2C7CKFV3H8R"];

/// Good ones and bad ones. No refusal may quote a word of what is planted there.
const ARGS: &[&str] = &[
    r#"{"template":"welcome","to":{"email":"planted@example.com","name":"Ada"},"data":{"n":1.5}}"#,
    r#"{"template":"welcome","to":"Ada, expected planted@example.com","data":{}}"#,
    r#"{"template":"welcome","to":{"email":"a@example.com","name` planted":"Ada"},"data":{}}"#,
    r#"{"address":"planted 1, Oslo","language":"nb"}"#,
];

const TRACES: &[&str] = &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"];

const PRIORITIES: [&str; 5] = ["high", "normal", "low", "HIGH", ""];

/// Any number, and those at which reckoning ends.
fn ms() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        select(&[0, -1, i64::MIN, i64::MAX, 1_000_000_000_000_000][..])
    ]
}

fn row() -> impl Strategy<Value = Waiting> {
    let kind = prop_oneof![
        4 => select(&[SendEmail::KIND, GeocodeAddress::KIND][..]).prop_map(str::to_owned),
        1 => text(&[SendEmail::KIND]),
    ];
    let id = prop_oneof![4 => select(IDS).prop_map(str::to_owned), 1 => text(IDS)];
    let version = prop_oneof![4 => Just(1), 1 => any::<i32>()];
    let job = (id, kind, version, of(text(ARGS)), of(".{0,300}"));
    let times = (of(ms()), of(ms()), of(ms()), ms());
    let priority = select(&PRIORITIES[..]).prop_map(str::to_owned);
    let others = (
        of(priority),
        of(".{0,80}"),
        vec(".{0,80}", 0..12),
        of(text(TRACES)),
        of(".{0,600}"),
    );
    (job, times, others).prop_map(|(job, times, others)| {
        let (id, kind, v, args, key) = job;
        let (due_at_ms, expires_in_ms, tried_ms, overdue_ms) = times;
        let (priority, tenant, tags, traceparent, tracestate) = others;
        Waiting {
            id,
            kind,
            v,
            args,
            key,
            due_at_ms,
            expires_in_ms,
            priority,
            tenant,
            tags,
            traceparent,
            tracestate,
            tried_ms,
            overdue_ms,
        }
    })
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_row_is_a_job_or_is_refused_with_a_reason(row in row()) {
        let kinds = Kinds::new([KindSpec::of::<SendEmail>(), KindSpec::of::<GeocodeAddress>()]);
        match job(&row, &kinds) {
            Ok((queue, job)) => {
                prop_assert_eq!(row.id.parse::<JobId>(), Ok(job.id));
                let envelope = Envelope::parse(&job.payload).expect("an envelope");
                prop_assert_eq!(&envelope.kind, &*row.kind);
                let is_read = match queue {
                    SendEmail::QUEUE => envelope.decode::<SendEmail>().is_ok(),
                    _ => envelope.decode::<GeocodeAddress>().is_ok(),
                };
                prop_assert!(is_read, "{row:?}");
                prop_assert!(job.expires_in.is_none_or(|life| !life.is_zero()));
            }
            Err((code, reason)) => {
                prop_assert!(["args", "unknown_kind", "options"].contains(&code), "{code}");
                prop_assert!(!reason.is_empty() && !reason.contains("planted"), "{reason}");
            }
        }
    }
}
