//! `just shop`: the shop of `examples/shop` at work, on a private Redis and a private Postgres, with a carrier, a worker and a
//! mail provider that fails for a while. Everything it says it has seen, and it fails where it has not.

mod buyers;
mod place;

use std::time::{Duration, Instant};

use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule, Only};
use longshore_tests::{Worker, gone_by, within};

use buyers::{Fate, Placed, buy};
use place::Place;

/// How many orders are placed in each of two steps.
const HALF: usize = 60;

/// The provider refuses this address for good.
const REFUSED: &str = "nobody@example.com";

/// Longer than anything takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let began = Instant::now();
    let place = Place::set().await;
    println!("A private Redis, a private Postgres, a stand-in for SendGrid and the shop are up.");
    println!(
        "A failed attempt is made again after 1, 2 and 4 s here instead of 60, 300 and 900 s, and an open breaker lets a call
through after 1 s instead of 30 s."
    );

    println!(
        "\n1. The mail provider is away, and orders are placed. Nobody carries their jobs yet."
    );
    provider_is_away(&place);
    let mut placed = buy(&place, 1..=HALF, REFUSED).await;
    println!(
        "   An order commits with its mail. Some are refused by the database after their mails were written: both are"
    );
    println!("   rolled back. Every browser asks twice.");
    let committed = count(&placed, Fate::Sent) + count(&placed, Fate::Failed);
    same("orders in Postgres", place.count("orders"), committed);
    same(
        "jobs in the outbox",
        place.count("longshore_outbox"),
        committed,
    );
    same(
        "jobs in Redis",
        place.stage.stats().await.pending as usize,
        0,
    );

    println!(
        "\n2. A worker works. As many orders more are placed, while three carriers are killed with SIGKILL, one after the other."
    );
    let worker = place.stage.worker().all_queues().start().await;
    let (more, ()) = tokio::join!(
        buy(&place, HALF + 1..=2 * HALF, REFUSED),
        kill_carriers(&place)
    );
    placed.extend(more);
    let (sent, failed) = (count(&placed, Fate::Sent), count(&placed, Fate::Failed));
    let rolled_back = count(&placed, Fate::RolledBack);
    let _carrier = place.stage.outbox(&place.postgres).start().await;
    until(&worker, "the outbox is empty", || async {
        place.count("longshore_outbox") == 0
    })
    .await;
    println!(
        "   Every row is carried. The provider has answered 503 until now: no mail is out, and its breaker is open."
    );
    same("orders in Postgres", place.count("orders"), sent + failed);
    same("mails", place.stage.ledger().accepted().len(), 0);
    until(&worker, "the breaker is open", || async {
        let breakers = place.stage.stats().await.breakers;
        breakers
            .iter()
            .any(|breaker| breaker.state != BreakerState::Closed)
    })
    .await;

    println!("\n3. The provider is back.");
    provider_is_back(&place);
    until(&worker, "every job ends", || async {
        let stats = place.stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    hears_of_each(&place, &worker, &placed).await;
    each_has_its_fate(&place, &placed).await;
    println!(
        "   The shop was told of each: {sent} mails are sent, {failed} failed since the provider refuses the address."
    );

    println!(
        "\n{} orders committed = {sent} mails sent once + {failed} failed; {rolled_back} rolled back = 0 mails.",
        sent + failed
    );
    println!("That took {} s.", began.elapsed().as_secs());
}

fn count(placed: &[Placed], fate: Fate) -> usize {
    placed.iter().filter(|order| order.fate == fate).count()
}

async fn kill_carriers(place: &Place) {
    for _ in 0..3 {
        let carrier = place.stage.outbox(&place.postgres).start().await;
        carrier.kill().await;
    }
}

fn provider_is_away(place: &Place) {
    let away = Fault::Answer {
        status: 503,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    };
    place.stage.faults([FaultRule::always(away)]);
}

/// All but one address is sent to.
fn provider_is_back(place: &Place) {
    let refuses = Fault::Answer {
        status: 400,
        headers: std::collections::BTreeMap::new(),
        body: None,
        effect: false,
    };
    let only = Only {
        recipient: Some(REFUSED.to_owned()),
        ..Only::default()
    };
    place.stage.faults([FaultRule::always(refuses).only(only)]);
}

/// Waits until the shop has heard what became of each order's mail.
async fn hears_of_each(place: &Place, worker: &Worker, placed: &[Placed]) {
    until(worker, "the shop hears of each end", || async {
        for order in placed {
            if place.mail_of(&order.id).await.as_deref() == Some("on its way") {
                return false;
            }
        }
        true
    })
    .await;
}

/// One mail and one end of each order that was committed; nothing of one that was rolled back.
async fn each_has_its_fate(place: &Place, placed: &[Placed]) {
    let mails = place.stage.ledger().accepted();
    for order in placed {
        let sent = mails.iter().filter(|mail| mail.recipient == order.email);
        let (told, mails) = match order.fate {
            Fate::Sent => (Some("sent"), 1),
            Fate::Failed => (Some("failed"), 0),
            Fate::RolledBack => (None, 0),
        };
        same(&format!("mails to {}", order.email), sent.count(), mails);
        let heard = place.mail_of(&order.id).await;
        assert_eq!(
            heard.as_deref(),
            told,
            "what the shop knows of {}",
            order.id
        );
    }
    let jobs = place.stage.stats().await.counter("enqueued") as usize;
    let committed = placed.iter().filter(|order| order.fate != Fate::RolledBack);
    same("jobs that were enqueued", jobs, committed.count());
}

fn same(what: &str, found: usize, expected: usize) {
    assert_eq!(found, expected, "not so: {what}");
}

/// Waits until it is so.
async fn until<F, Fut>(worker: &Worker, what: &str, mut check: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    within(PATIENCE, what, || {
        let so = check();
        async move {
            let so = so.await;
            if !so {
                gone_by(Duration::from_millis(50), Instant::now()).await;
            }
            so
        }
    })
    .await;
    assert!(!worker.says("panicked"), "{}", worker.log());
}
