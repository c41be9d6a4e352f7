//! Somebody in every place of Redis where a person may be, and finding them there.

use longshore_email::SendEmail;
use longshore_job::{JobId, Prepared};
use longshore_queue::{Edit, Edited, Fate, JobState, Key, Lane, Lease, NewJob, RunAt};

use super::{ADA, to, with};
use crate::MINUTE;
use crate::support::{Bench, kari, raw, refused, verdict};

/// What Ada's provider calls her message.
pub(super) const MESSAGE: &str = "message-of-ada";

/// Every name and value there is in Redis.
async fn everything(bench: &Bench) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for key in bench.text::<Vec<Vec<u8>>>("KEYS *").await {
        let of_type: String = bench.raw(&[b"TYPE", &key]).await;
        let parts: &[&[u8]] = match of_type.as_str() {
            "string" => &[b"GET"],
            "list" => &[b"LRANGE", b"0", b"-1"],
            "hash" => &[b"HGETALL"],
            "set" => &[b"SMEMBERS"],
            "zset" => &[b"ZRANGE", b"0", b"-1"],
            "stream" => &[b"XRANGE", b"-", b"+"],
            other => panic!("{other}"),
        };
        let call = [&parts[..1], &[&key[..]], &parts[1..]].concat();
        let value: redis::Value = bench.raw(&call).await;
        flatten(value, &mut all);
        all.push(key);
    }
    all
}

fn flatten(value: redis::Value, all: &mut Vec<Vec<u8>>) {
    match value {
        redis::Value::BulkString(bytes) => all.push(bytes),
        redis::Value::Array(values) => values.into_iter().for_each(|value| flatten(value, all)),
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                flatten(name, all);
                flatten(value, all);
            }
        }
        _ => {}
    }
}

/// Where somebody stands: in clear, in JSON's escapes, percent-encoded, or in base64, wherever in three bytes it begins.
pub(super) async fn places(bench: &Bench, who: &str) -> Vec<String> {
    let mut forms = vec![
        who.to_owned(),
        who.replace('@', "\\u0040"),
        who.replace('@', "%40"),
    ];
    // "ada@example.com", and the same one and two bytes later, without its first and last letters.
    forms.extend(
        [
            "YWRhQGV4YW1wbGUuY29t",
            "FkYUBleGFtcGxlLmNvb",
            "hZGFAZXhhbXBsZS5jb2",
        ]
        .map(str::to_owned),
    );
    let all = everything(bench).await;
    let texts = all.iter().map(|bytes| String::from_utf8_lossy(bytes));
    let has = |text: &str| {
        let text = text.to_lowercase();
        forms.iter().any(|form| text.contains(&form.to_lowercase()))
    };
    texts.filter(|text| has(text)).map(String::from).collect()
}

/// Ada, in every place where a job may be, and everywhere in jobs.
pub(super) async fn ada_everywhere(bench: &Bench) -> Vec<(JobId, JobState)> {
    let worker = bench.worker("w").await;
    let mut all = ended(bench, &worker).await;
    all.extend(tried(bench, &worker).await);
    all.extend(waiting(bench).await);
    all
}

fn reason(text: &str) -> Option<String> {
    Some(format!("refused: {text}"))
}

/// A completed one, and dead ones.
async fn ended(bench: &Bench, worker: &Lease) -> Vec<(JobId, JobState)> {
    let mut all = Vec::new();
    let completed = bench.enqueue_all(&[to(ADA)]).await[0];
    let claimed = bench.claim(worker, 1).await.remove(0);
    let noted = bench.queue.note_message(MESSAGE, completed);
    assert!(noted.await.expect("notes"));
    let result = serde_json::json!({ "to": ADA });
    let mut ends = verdict(
        &claimed,
        Fate::Completed {
            result: Some(result),
        },
    );
    let history = ends.history.as_mut().expect("has one");
    history.reason = reason(ADA);
    bench.settle(&[ends]).await;
    all.push((completed, JobState::Completed));

    let undecodable = br#"{"kind":"send_email","to":"ada\u0040example.com"#.to_vec();
    let keyed = NewJob {
        key: Some(Key::new("send_email", "other")),
        ..to("Ada@Example.com")
    };
    for new in [keyed, with(undecodable)] {
        let dead = bench.enqueue_all(&[new]).await[0];
        let claimed = bench.claim(worker, 1).await.remove(0);
        let mut ends = verdict(&claimed, refused("550"));
        ends.history.as_mut().expect("has one").reason = reason("<ADA@example.com>");
        bench.settle(&[ends]).await;
        all.push((dead, JobState::Dead));
    }

    all
}

/// What ran, and waits again.
async fn tried(bench: &Bench, worker: &Lease) -> Vec<(JobId, JobState)> {
    let mut all = Vec::new();
    for (n, fate) in [
        Fate::Retry { after: MINUTE },
        Fate::Parked {
            kind: "send_fax".to_owned(),
        },
    ]
    .into_iter()
    .enumerate()
    {
        let id = bench.enqueue_all(&[to(ADA)]).await[0];
        let claimed = bench.claim(worker, 1).await.remove(0);
        let mut ends = verdict(&claimed, fate);
        ends.history.as_mut().expect("has one").reason = reason(ADA);
        // The first may have been sent: it is cancelled all the same.
        ends.state.may_have_been_sent = n == 0;
        bench.settle(&[ends]).await;
        all.push((id, JobState::Cancelled));
    }

    all
}

/// What has not run yet.
async fn waiting(bench: &Bench) -> Vec<(JobId, JobState)> {
    let mail = SendEmail::new("welcome", "bob@example.com")
        .data(serde_json::json!({ "text": "ask ada@example.com." }));
    let mentions = with(Prepared::new(&mail).expect("good").payload);
    let waiting = [
        NewJob {
            key: Some(Key::new("send_email", "welcome:ada@example.com")),
            ..to(ADA)
        },
        NewJob {
            run_at: RunAt::In(MINUTE * 60),
            ..to(ADA)
        },
        NewJob {
            lane: Lane::default().with_tenant(ADA),
            tags: vec![ADA.to_owned()],
            ..to("bob@example.com")
        },
        with(r#"{"kind":"other","v":1,"args":["https://x.example/?m=ada%40example.com"]}"#),
        mentions,
    ];
    let mut all = bench.enqueue_all(&waiting).await;

    let edited = bench.enqueue_all(&[to(ADA)]).await[0];
    let (from, new) = (to(ADA).payload, to("bob@example.com").payload);
    let edit = Edit {
        id: &raw(edited),
        from: &from,
        to: &new,
        old_args: r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#,
        attempt: 0,
        force: false,
        only_dead: false,
    };
    assert_eq!(
        bench.queue.edit(&edit, &kari()).await.expect("edits"),
        Edited::Yes
    );
    all.push(edited);
    let cancelled = all.into_iter().map(|id| (id, JobState::Cancelled));
    cancelled.collect()
}
