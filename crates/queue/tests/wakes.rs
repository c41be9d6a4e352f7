//! Who is woken for work, and who looks by itself.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{JobId, Pass};
use longshore_queue::{
    BreakerSpec, CallReport, Cancelled, Channel, Fate, Heard, ProviderPolicy, Spare, Wakes,
};
use support::Bench;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Sets when a worker looks for work by itself, and when one last took some, in ms from now.
async fn look(bench: &Bench, till: i64, took: i64) -> i64 {
    let (secs, micros): (i64, i64) = bench.text("TIME").await;
    let now = secs * 1000 + micros / 1000;
    let value = format!("{} {}", now + till, now + took);
    let timeline = bench.queue.keys().timeline.as_bytes();
    bench
        .raw::<u64>(&[b"HSET", timeline, b"look", value.as_bytes()])
        .await;
    now + till
}

/// What is told next.
async fn next<T>(heard_by: &mut mpsc::UnboundedReceiver<T>) -> Option<T> {
    let told = timeout(Duration::from_secs(10), heard_by.recv()).await;
    told.expect("is told in time")
}

#[tokio::test]
async fn nobody_is_woken_for_what_a_worker_is_about_to_look_for() {
    let bench = Bench::new();
    let idle = bench.queue.keys().idle.clone();
    // Nobody listens there: whoever is to be woken is only taken out.
    let woken = async || {
        let left: u64 = bench.text(&format!("ZCARD {idle}")).await;
        bench.text::<u64>(&format!("ZADD {idle} 1 nobody")).await;
        left == 0
    };
    woken().await;
    // A moment that is over, or farther ahead than any look, stands for nothing.
    for till in [-1, 60_000] {
        look(&bench, till, 0).await;
        bench.enqueue(1).await;
        assert!(woken().await, "{till}");
    }
    // The machine may be slow: only what was in time says something.
    let was_woken = async {
        loop {
            let till = look(&bench, 90, 0).await;
            bench.enqueue(1).await;
            let woken = woken().await;
            let (secs, micros): (i64, i64) = bench.text("TIME").await;
            if secs * 1000 + micros / 1000 < till {
                break woken;
            }
        }
    };
    assert!(!was_woken.await);
    // The same where a job ends, and others wait for its slot. One that is put back is waited for no longer.
    let worker = bench.worker("w").await;
    for (fate, expected) in [(support::done(), false), (Fate::Untouched, true)] {
        let was_woken = async {
            loop {
                bench.enqueue(1).await;
                let claimed = bench.claim(&worker, 1).await;
                woken().await;
                let till = look(&bench, 90, 0).await;
                bench
                    .settle(&[support::verdict(&claimed[0], fate.clone())])
                    .await;
                let woken = woken().await;
                let (secs, micros): (i64, i64) = bench.text("TIME").await;
                if secs * 1000 + micros / 1000 < till {
                    break woken;
                }
            }
        };
        assert_eq!(was_woken.await, expected);
    }
}

/// What waited goes on at once, and not when somebody happens to look.
#[tokio::test]
async fn somebody_is_woken_when_a_provider_may_be_called_again() {
    let bench = Bench::new();
    let minute = Duration::from_secs(60);
    let policy = ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 1,
            window: None,
            open: minute,
            probe: minute,
        }),
        ..ProviderPolicy::default()
    };
    let queue = bench.queue.clone().with_provider(policy.clone());
    let idle = queue.keys().idle.clone();
    let wakes = async |epoch, probe, word| {
        bench.text::<u64>(&format!("ZADD {idle} 1 nobody")).await;
        let pass = Pass { epoch, probe };
        let told = queue.report_call(&policy, pass, &word, "w");
        told.await.expect("told");
        bench.text::<u64>(&format!("ZCARD {idle}")).await == 0
    };
    assert!(!wakes(0, false, CallReport::Ill).await, "it opens");
    let row = ["HSET", &queue.keys().breakers, "sendgrid", "half 1 1 1 1 "];
    bench.raw::<u8>(&row.map(str::as_bytes)).await;
    assert!(wakes(1, true, CallReport::Well).await, "it closes");
    let reason = "the key was revoked".to_owned();
    assert!(!wakes(2, false, CallReport::Refused { reason }).await);
    assert!(wakes(2, true, CallReport::Well).await, "the pause ends");
}

#[tokio::test]
async fn only_a_worker_with_slots_to_spare_looks_again_and_only_where_jobs_come_fast() {
    const SOON: Duration = Duration::from_millis(2);
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let wakes = Wakes::new(bench.queue.link());
    let channel = wakes.channel(&bench.queue, drop);
    let k = bench.queue.keys();
    // Says whether it looks again, and how many ms ago the claim before took some. Until it has looked nobody else is woken, for
    // as long again as it may come too late; and it listens for nothing.
    let claim = async |jobs: usize, want: usize, took: i64, look_in: Duration| {
        let before = look(&bench, -1, took).await + 1 + took;
        bench.enqueue(jobs).await;
        let spare = Spare {
            look_in,
            channel: Some(&channel),
            keeps_one: false,
        };
        let claim = bench.queue.claim_with(&worker, want, None, spare).await;
        let looks = claim.expect("claims").look_in;
        let noted: String = bench.text(&format!("HGET {} look", k.timeline)).await;
        let (till, at) = noted.split_once(' ').expect("two times");
        let ms = |text: &str| text.parse::<i64>().expect("ms");
        let listens = bench.text::<u8>(&format!("EXISTS {}", k.idle)).await == 1;
        assert!(looks.is_none_or(|looks| looks == SOON));
        assert_eq!(ms(till) - ms(at), if looks.is_some() { 4 } else { 0 });
        assert_eq!(listens, looks.is_none() && want > jobs);
        (looks.is_some(), ms(at) - before)
    };
    // Time passes between the two calls, about as much as the last time: the claim before is moved until each case was there.
    let mut passes = 0;
    for jobs in [1, 2] {
        let (mut fast, mut slower) = (false, false);
        for aim in (-1..7).cycle().take(2_000) {
            let (looks, since) = claim(jobs, 10, passes - aim, SOON).await;
            passes += since - aim;
            let expected = (0..=1).contains(&since) || jobs > 1 && (0..=5).contains(&since);
            assert_eq!(looks, expected, "{jobs} after {since} ms");
            fast |= (0..=1).contains(&since);
            slower |= (2..=5).contains(&since);
            if fast && slower {
                break;
            }
        }
        assert!(fast && slower);
    }
    // They come slowly; or the clock was set back.
    for took in [-1_000, 60_000] {
        assert!(!claim(2, 10, took, SOON).await.0, "{took}");
    }
    for aim in 0..10 {
        assert!(!claim(2, 2, passes - aim, SOON).await.0, "no slot is left");
        let offered = claim(2, 10, passes - aim, Duration::ZERO).await.0;
        assert!(!offered, "it was not offered");
    }
}

#[tokio::test]
async fn the_idle_worker_with_the_most_slots_free_is_woken_and_one_at_a_time() {
    let bench = Bench::new();
    let link = bench.queue.link();
    let wakes = Arc::new(Wakes::new(link));
    let (heard, mut heard_by) = mpsc::unbounded_channel();
    let mut channels = Vec::new();
    for name in ["one", "five", "full"] {
        let heard = heard.clone();
        let tell = move |what| heard.send((name, what)).unwrap_or_default();
        channels.push(wakes.channel(&bench.queue, tell));
    }
    let running = Arc::clone(&wakes);
    let listening = tokio::spawn(async move { running.run(|error| panic!("{error}")).await });
    // Each looks once as soon as it stands.
    for _ in 0..3 {
        let (_, what) = next(&mut heard_by).await.expect("is told");
        assert_eq!(what, Heard::Work);
    }
    let worker = bench.worker("w").await;
    let claim = async |channel: &Channel, slots: usize| {
        let spare = Spare {
            channel: Some(channel),
            ..Spare::default()
        };
        let claim = bench.queue.claim_with(&worker, slots, None, spare).await;
        claim.expect("claims").jobs.len()
    };
    // It says that it has a slot, and then finds work for it by itself: another program wakes nobody.
    assert_eq!(claim(&channels[2], 1).await, 0);
    let (id, payload) = (JobId::generate().to_string(), support::payload());
    let k = bench.queue.keys();
    bench
        .raw::<u64>(&[b"HSET", k.data.as_bytes(), id.as_bytes(), &payload])
        .await;
    bench
        .raw::<u64>(&[b"RPUSH", k.active.as_bytes(), id.as_bytes()])
        .await;
    assert_eq!(claim(&channels[2], 1).await, 1, "and has no slot left");
    claim(&channels[0], 1).await;
    claim(&channels[1], 5).await;
    // One that was killed listens no more, and has said that it has the most.
    let idle = k.idle.clone();
    bench
        .text::<u64>(&format!("ZADD {idle} 9 {idle}:gone"))
        .await;
    for expected in ["five", "one"] {
        bench.enqueue(1).await;
        assert_eq!(next(&mut heard_by).await, Some((expected, Heard::Work)));
    }
    bench.enqueue(1).await;
    assert_eq!(bench.text::<u64>(&format!("EXISTS {idle}")).await, 0);
    assert!(heard_by.try_recv().is_err(), "nobody is idle");
    // A connection that breaks is said, and those who were not told look.
    let kill = "CLIENT KILL TYPE pubsub";
    assert_eq!(bench.text::<u64>(kill).await, 1);
    let mut after = Vec::new();
    for _ in 0..6 {
        after.push(next(&mut heard_by).await.expect("is told").1);
    }
    assert_eq!(after[..3], [const { Heard::Broken }; 3]);
    assert_eq!(after[3..], [const { Heard::Work }; 3]);
    listening.abort();
}

#[tokio::test]
async fn whoever_waits_for_a_job_is_told_of_its_end_and_only_of_that() {
    let bench = Bench::new();
    let wakes = Arc::new(Wakes::new(bench.queue.link()));
    let (heard, mut heard_by) = mpsc::unbounded_channel();
    let channels = ["app", "api"].map(|name| {
        let heard = heard.clone();
        let tell = move |what| heard.send((name, what)).unwrap_or_default();
        wakes.channel(&bench.queue, tell)
    });
    let running = Arc::clone(&wakes);
    let listening = tokio::spawn(async move { running.run(|error| panic!("{error}")).await });
    for _ in 0..2 {
        assert_eq!(next(&mut heard_by).await.expect("is told").1, Heard::Work);
    }
    let ids = bench.enqueue(4).await;
    let tell = async |id: JobId, channel: &Channel| {
        let noted = bench.queue.tell_end(id, channel, None).await;
        noted.expect("notes");
    };
    for id in &ids[..3] {
        tell(*id, &channels[0]).await;
    }
    // Said twice, and by two.
    tell(ids[0], &channels[0]).await;
    tell(ids[0], &channels[1]).await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 4).await;
    let retry = Fate::Retry {
        after: Duration::from_secs(60),
    };
    let fates = [
        support::done(),
        support::refused("1"),
        retry,
        support::done(),
    ];
    let verdicts: Vec<_> = claimed
        .iter()
        .zip(fates)
        .map(|(claimed, fate)| support::verdict(claimed, fate))
        .collect();
    // Alone and together.
    for verdicts in [&verdicts[..1], &verdicts[1..2], &verdicts[2..]] {
        let settled = bench.settle(verdicts).await;
        assert!(settled.iter().all(|written| *written));
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(next(&mut heard_by).await.expect("is told"));
    }
    let ended = |name, id| (name, Heard::Ended(id));
    let expected = [
        ended("api", ids[0]),
        ended("app", ids[0]),
        ended("app", ids[1]),
    ];
    assert_eq!(told, expected);
    let waiters = bench.queue.keys().waiters.clone();
    let still: Vec<String> = bench.text(&format!("HKEYS {waiters}")).await;
    assert_eq!(still, [ids[2].to_string()], "it goes on");
    let stays: i64 = bench.text(&format!("PTTL {waiters}")).await;
    assert!(stays > 3_000_000, "{stays}");
    assert!(heard_by.try_recv().is_err());
    // It is cancelled while it waits for its retry.
    let (waits, kari) = ([ids[2].into()], support::kari());
    let cancelled = bench.queue.cancel(&waits, false, &kari).await;
    assert_eq!(cancelled.expect("cancels"), [Cancelled::Yes]);
    let heard = next(&mut heard_by).await.expect("is told");
    assert_eq!(heard, ended("app", ids[2]));
    listening.abort();
}
