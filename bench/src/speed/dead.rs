//! A million dead letters: what they died of, and back.

use std::time::Instant;

use longshore_job::{Answer, Blame, JobError, JobId, Prepared, RetrySchedule};
use longshore_queue::{
    Begun, Lease, OnUnknown, Policy, Selection, Signed, Verdict, WorkerId, decide,
};

use super::load::{Load, PAYLOAD_BYTES, ms};
use super::ours::{Ours, RETENTION};
use super::report::{Row, Section, median, thousands};
use super::{Failure, Scale};

/// What is wanted of the groups, in ms.
const GROUPS_MS: f64 = 10.0;

/// What is wanted of replay, in letters a second.
const REPLAY: f64 = 50_000.0;

/// For how long a step of a replay may keep others waiting, in ms.
const STEP_MS: f64 = 5.0;

/// How many letters a step moves.
const STEP: usize = 500;

/// How many different causes there are.
const CAUSES: usize = 20;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(1_000_000);
    let ours = Ours::start()?;
    let models = die(&ours).await?;
    multiply(&ours, n, &models).await?;

    let mut groups_took = Vec::new();
    for _ in 0..scale.runs() {
        let began = Instant::now();
        let groups = ours.queue.dead_groups().await?;
        groups_took.push(ms(began.elapsed()));
        let letters: u64 = groups.iter().map(|group| group.count).sum();
        if (groups.len(), letters) != (CAUSES, n as u64) {
            return Err(format!("{} groups of {letters} letters", groups.len()).into());
        }
    }

    let now_ms = ours.queue.now_ms().await?;
    let mut pages = Vec::new();
    let mut letters = ours.queue.letters(&Selection::All, now_ms);
    for _ in 0..n / 5 / 200 {
        let began = Instant::now();
        letters.page().await?;
        pages.push(ms(began.elapsed()));
    }

    let (id, signed) = (JobId::generate(), Signed::new("bench", ""));
    let begun = ours.queue.begin_replay(id, &Selection::All, None, &signed);
    if begun.await? != Begun::New {
        return Err("no replay begins".into());
    }
    // Nothing is moved in the millisecond that it began in.
    let now_ms = ours.queue.now_ms().await?;
    while ours.queue.now_ms().await? == now_ms {}
    let (began, mut steps) = (Instant::now(), Vec::new());
    while steps.len() * STEP < n / 5 {
        let began = Instant::now();
        ours.queue.advance_operations().await?;
        steps.push(ms(began.elapsed()));
    }
    let took = began.elapsed().as_secs_f64();
    let replay = ours.queue.find_replay(&id.to_string()).await?;
    let replayed = replay.map_or(0, |replay| replay.moved);
    if replayed != (steps.len() * STEP) as u64 {
        return Err(format!("{replayed} letters in {} steps", steps.len()).into());
    }
    let rate = replayed as f64 / took;
    Ok(Section {
        measure: "dead",
        title: format!(
            "{} dead letters of {CAUSES} causes; a fifth is replayed",
            thousands(n as f64)
        ),
        runs: scale.runs(),
        rows: vec![
            Row::new("all groups with their counts", median(groups_took), "ms").at_most(GROUPS_MS),
            Row::new("a page of 200 letters, whole", median(pages), "ms"),
            Row::new("a step of a replay, 500 letters", median(steps), "ms").at_most(STEP_MS),
            Row::new("replay, unthrottled, 1 run", rate, "letters/s").at_least(REPLAY),
        ],
    })
}

/// One letter of each cause, the way letters come to be. Returns for each its group and its id.
async fn die(ours: &Ours) -> Result<Vec<(String, String)>, Failure> {
    let queue = &ours.queue;
    ours.fill(CAUSES).await?;
    let lease = Lease::new(WorkerId::generate("dead"));
    queue.join(&lease, RETENTION.keep).await?;
    let policy = Policy {
        schedule: RetrySchedule::default(),
        on_unknown: OnUnknown::Retry,
    };
    let claim = queue.claim(&lease, CAUSES, None).await?;
    let verdicts = claim.jobs.into_iter().enumerate().map(|(i, job)| {
        let end = Err(JobError::Permanent {
            reason: "refused as asked".to_owned(),
            answer: Answer {
                status: Some(400),
                code: Some(format!("400 field-{i}")),
                ..Answer::of("bench")
            },
            blame: Blame::Theirs,
        });
        let decision = decide(&end, job.run, job.context.route, &policy, "");
        Verdict {
            id: job.id,
            token: job.token,
            kind: Some("load".to_owned()),
            fate: decision.fate,
            state: decision.state,
            history: None,
            key: job.key,
            put_back: None,
            payload_bytes: PAYLOAD_BYTES,
            report: decision.report,
            context: job.context,
        }
    });
    let verdicts: Vec<Verdict> = verdicts.collect();
    queue.settle(&verdicts, RETENTION).await?;
    let mut models = Vec::new();
    for group in queue.dead_groups().await? {
        let letters = Selection::Group(group.id.clone());
        let letters = queue.dead_letters(&letters, None, 1).await?;
        let letter = letters.first().ok_or("a group without letters")?;
        models.push((group.id, letter.job.id.to_string()));
    }
    match models.len() == CAUSES {
        true => Ok(models),
        false => Err(format!("{} groups", models.len()).into()),
    }
}

/// More letters of the same causes, until there are so many, written straight to their keys: settling a million
/// takes longer than all the rest.
async fn multiply(ours: &Ours, n: usize, models: &[(String, String)]) -> Result<(), Failure> {
    let keys = ours.queue.keys();
    let link = ours.queue.link();
    let payload = Prepared::new(&Load::new(PAYLOAD_BYTES, 0)?)?.payload;
    let died_ms = ours.queue.now_ms().await?;
    let died = died_ms as f64 / 1000.0;
    let mut left = n.saturating_sub(models.len());
    let mut of = models.iter().cycle();
    while left > 0
        && let Some((group, model)) = of.next()
    {
        let chunk = left.min(1000);
        left -= chunk;
        let record: Vec<u8> = link
            .command(redis::cmd("HGET").arg(&keys.records).arg(model))
            .await?;
        let ids: Vec<String> = (0..chunk).map(|_| JobId::generate().to_string()).collect();
        let mut pipeline = redis::pipe();
        let letters: Vec<(f64, &String)> = ids.iter().map(|id| (died, id)).collect();
        pipeline.cmd("ZADD").arg(&keys.dead).arg(&letters).ignore();
        let of_group = ids
            .iter()
            .map(|id| (0, format!("{group} {died_ms:013} {id}")));
        let of_group: Vec<(u8, String)> = of_group.collect();
        pipeline
            .cmd("ZADD")
            .arg(&keys.letters)
            .arg(of_group)
            .ignore();
        let payloads: Vec<(&String, &[u8])> = ids.iter().map(|id| (id, &payload[..])).collect();
        pipeline.cmd("HSET").arg(&keys.data).arg(payloads).ignore();
        let records: Vec<(&String, &[u8])> = ids.iter().map(|id| (id, &record[..])).collect();
        pipeline
            .cmd("HSET")
            .arg(&keys.records)
            .arg(records)
            .ignore();
        link.pipeline::<()>(&pipeline).await?;
    }
    Ok(())
}
