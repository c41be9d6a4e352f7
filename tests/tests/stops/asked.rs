//! Jobs that run, and that somebody cancels.

use longshore_client::JobState;
use longshore_client::kinds::SendEmail;
use longshore_queue::{Cancelled, Signed};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Stage, eventually, outcomes};

const EXPORTS: &str = "exports-flow";

async fn cancel(stage: &Stage, id: &str) -> longshore_tests::Said {
    let why = ["--reason", "wrong text", "--json"];
    let args = [&["jobs", "cancel", id], &why[..]].concat();
    stage.longshore(&args).await
}

/// Its file comes slowly, so that nothing of it has gone out when somebody asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_not_sent_is_cancelled_and_the_provider_sees_nothing() {
    let stage = Stage::set().await;
    let day = std::time::Duration::from_secs(24 * 3600);
    stage.s3.plant(EXPORTS, "invoices/7.pdf", "%PDF-7", day);
    let slow = FaultRule::always(Fault::Delay { ms: 1500 });
    stage.s3.faults().set(vec![slow]).expect("set");
    let worker = stage.worker().with_s3().start().await;
    let mail = SendEmail::new("welcome", "ada@example.com");
    let mail = mail.attach("invoices/7.pdf", "Faktura 7.pdf", "application/pdf");
    let id = stage.client.enqueue(mail).key("invoice-7").await;
    let id = id.expect("accepted");
    eventually("its file is asked for", || async {
        stage.s3.ledger().requests() > 0
    })
    .await;
    let said = cancel(&stage, &id.to_string()).await.json();
    assert_eq!(said["cancelled"], 1, "{said}");
    let row = &said["jobs"][0];
    assert_eq!(
        (&row["state"], &row["asked"]),
        (&"cancelled".into(), &true.into())
    );
    assert_eq!(row["may_have_been_sent"], false);
    assert!(worker.says("is asked to stop"));
    assert_eq!(stage.ledger().requests(), 0);
    let job = stage.job(id).await;
    assert_eq!((job.state, job.run.used), (JobState::Cancelled, 0));
    assert_eq!(outcomes(&job), ["cancelled"]);
    // The name is free: it can be sent as it should have been.
    let mail = SendEmail::new("welcome", "ada@example.com");
    let again = stage.client.enqueue(mail).key("invoice-7").await;
    let again = again.expect("accepted");
    stage.is(again, JobState::Completed).await;
    assert_eq!(stage.ledger().requests(), 1);
}

/// The call is out: it is waited for, and the answer says what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_out_completes_and_the_command_says_so() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 1500 })]);
    let _worker = stage.worker().start().await;
    let id = stage.enqueue(1).await[0];
    stage.requests(1).await;
    let said = cancel(&stage, &id.to_string()).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr.contains("was asked to stop, and is completed"),
        "{said:?}"
    );
    assert!(
        said.stdout.contains("\"state\": \"completed\"")
            || said.stdout.contains("\"state\":\"completed\"")
    );
    assert_eq!(stage.ledger().requests(), 1);
    assert_eq!(stage.effects(id), 1);
}

/// Its worker dies meanwhile: nobody knows what became of its call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_killed_worker_only_what_is_forced_is_cancelled() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: true })]);
    let worker = stage.worker().short_lease().start().await;
    let ids = stage.enqueue(2).await;
    stage.requests(2).await;
    for (id, force) in ids.iter().zip([false, true]) {
        let kari = Signed::new("kari", "wrong text");
        let came = stage.queue.cancel(&[(*id).into()], force, &kari).await;
        assert_eq!(came.expect("asks"), [Cancelled::Asked]);
    }
    worker.kill().await;
    stage.faults([]);
    let _other = stage.worker().short_lease().start().await;
    stage.is(ids[0], JobState::Completed).await;
    stage.is(ids[1], JobState::Cancelled).await;
    assert_eq!(outcomes(&stage.job(ids[0]).await), ["lost", "completed"]);
    let forced = stage.job(ids[1]).await;
    assert_eq!(outcomes(&forced), ["lost", "cancelled"]);
    assert!(forced.run.may_have_been_sent);
    assert_eq!(stage.effects(ids[1]), 1, "it is not sent again");
}
