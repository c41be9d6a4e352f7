//! Traces: from a producer's span through the run to the provider's call, at a collector, decoded by a library that we did not write.

use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Collected, Receiver, Stage, email, eventually, payment, spans};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde_json::{Value, json};

const ENDPOINT: &str = "TELEMETRY__OTLP_ENDPOINT";

/// A producer's span, as it has one around what it does.
fn producers_span(sampler: Sampler) -> Context {
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    let span = provider.tracer("shop").start("POST /orders");
    // Living for as long as the span.
    Context::new().with_span(span)
}

/// As protobuf writes bytes in JSON.
fn base64(hex: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = hex
        .chars()
        .map(|digit| format!("{:04b}", digit.to_digit(16).expect("hexadecimal")))
        .collect();
    let sixes = bits.as_bytes().chunks(6);
    let mut text: String = sixes
        .map(|six| {
            let six = format!("{:0<6}", String::from_utf8_lossy(six));
            char::from(DIGITS[usize::from_str_radix(&six, 2).expect("bits")])
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The 128 bits of an id, in hexadecimal.
fn bits(id: JobId) -> String {
    const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = id.to_string().chars().fold(0u128, |value, digit| {
        let digit = DIGITS.find(digit).expect("a digit");
        (value << 5) | digit as u128
    });
    format!("{value:032x}")
}

/// The only span of this name in a trace.
fn find<'a>(all: &'a [Collected], trace: &str, name: &str) -> &'a Collected {
    let found: Vec<_> = all
        .iter()
        .filter(|span| span.trace == base64(trace) && span.name == name)
        .collect();
    assert_eq!(found.len(), 1, "{name} in {trace}: {all:#?}");
    found[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producers_trace_goes_on_to_the_providers_call() {
    let (stage, collector) = (Stage::set().await, Receiver::start().await);
    let mut worker = stage
        .worker()
        .set(ENDPOINT, collector.url())
        .set("LOG__FORMAT", "json")
        .env("RUST_LOG", "info,longshore_provider=debug")
        .start()
        .await;
    let producer = producers_span(Sampler::AlwaysOn);
    let enqueue = async |number| stage.client.enqueue(email(number)).await;
    let id = enqueue(1).with_context(producer.clone()).await;
    let id = id.expect("accepted");
    // The producer of this one decided that it is not sent; and that one has no trace.
    let unsampled = producers_span(Sampler::AlwaysOff);
    let quiet = enqueue(2).with_context(unsampled.clone()).await;
    let quiet = quiet.expect("accepted");
    let alone = stage.client.enqueue(email(3)).await.expect("accepted");
    for id in [id, quiet, alone] {
        stage.is(id, JobState::Completed).await;
    }
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(30)).await, 0);

    let bodies = collector.bodies();
    for person in ["customer", "example.com"] {
        let said = bodies.iter().map(|body| String::from_utf8_lossy(body));
        assert!(
            said.into_iter().all(|body| !body.contains(person)),
            "{person}"
        );
    }
    let all = spans(&bodies).await;
    assert_eq!(all.len(), 4, "{all:#?}");
    let trace = producer.span().span_context().trace_id().to_string();
    let span = producer.span().span_context().span_id().to_string();
    let run = find(&all, &trace, "process email");
    assert_eq!(
        (run.parent.as_str(), run.kind.as_str()),
        (&*base64(&span), "SPAN_KIND_CONSUMER")
    );
    let mut attributes = run.attributes.clone();
    assert!(
        attributes["longshore.job.waited_ms"].take().is_string(),
        "{run:?}"
    );
    assert_eq!(
        attributes,
        json!({
            "messaging.system": "longshore", "messaging.operation.type": "process",
            "messaging.operation.name": "process", "messaging.destination.name": "email",
            "messaging.message.id": id.to_string(), "longshore.job.attempt": "1",
            "longshore.job.kind": "send_email", "longshore.job.outcome": "completed",
            "longshore.job.waited_ms": null,
        })
    );
    assert_eq!(run.resource["service.name"], "longshore-work");
    let call = find(&all, &trace, "POST");
    assert_eq!(
        (&call.parent, call.kind.as_str()),
        (&run.id, "SPAN_KIND_CLIENT")
    );
    let port = stage.sendgrid.origin();
    let port = port.rsplit(':').next().expect("a port").to_owned();
    assert_eq!(
        call.attributes,
        json!({
            "http.request.method": "POST", "http.response.status_code": "202",
            "server.address": "127.0.0.1", "server.port": port,
        })
    );
    // A job without a trace begins the one of its own id.
    let run = find(&all, &bits(alone), "process email");
    assert_eq!(run.parent, "");
    assert_eq!(find(&all, &bits(alone), "POST").parent, run.id);
    let run = find(&all, &trace, "process email");
    log_names(&worker.log(), run, [(id, Some(&*trace)), (quiet, None)]);
}

/// The log of the first job names its trace and the span of its run; that of the second, which is not sent, no span.
fn log_names(log: &str, run: &Collected, [of, quiet]: [(JobId, Option<&str>); 2]) {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let lines: Vec<_> = lines
        .filter(|line| line["message"] == "request over")
        .collect();
    let line = |job: JobId| {
        let mut lines = lines.iter();
        let line = lines.find(|line| line["job_id"] == job.to_string());
        line.unwrap_or_else(|| panic!("{log}"))
    };
    let (id, trace) = of;
    assert_eq!(line(id)["trace_id"].as_str(), trace);
    assert_eq!(line(id)["kind"], "send_email");
    assert_eq!(base64(line(id)["span_id"].as_str().expect("an id")), run.id);
    assert_eq!(
        line(quiet.0).get("span_id").and_then(Value::as_str),
        quiet.1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_and_what_follows_from_it_are_one_trace() {
    let (mut stage, collector) = (Stage::set_for(Act::Payments).await, Receiver::start().await);
    stage.set_for_all(ENDPOINT, collector.url());
    stage.hears_events();
    let mut listener = stage.webhooks().start().await;
    let mut worker = stage.worker().start().await;
    // Told once, and told again that it is over.
    let id = stage.client.enqueue(payment(1)).await.expect("accepted");
    stage.is(id, JobState::Completed).await;
    let intent = stage.job(id).await.result.expect("a result")["payment_intent"].clone();
    assert!(
        stage
            .stripe
            .customer_pays(intent.as_str().expect("an id"), true)
    );
    eventually("the order is paid", || async {
        !stage.app.applied().is_empty()
    })
    .await;
    let (_, metrics) = longshore_tests::http::get(listener.private_addr(), "/metrics").await;
    assert!(
        metrics.contains("longshore_trace_spans_total{outcome=\"sent\"}"),
        "{metrics}"
    );
    for process in [&mut listener, &mut worker] {
        process.stop();
        assert_eq!(process.left_within(Duration::from_secs(30)).await, 0);
    }
    let all = spans(&collector.bodies()).await;
    let paid = all
        .iter()
        .filter(|span| span.name == "POST /webhooks/stripe")
        .find(|event| {
            let mut runs = all.iter().filter(|run| run.parent == event.id);
            runs.any(|run| run.attributes["longshore.job.kind"] == "apply_stripe_event")
        });
    let paid = paid.unwrap_or_else(|| panic!("{all:#?}"));
    assert_eq!(
        (paid.kind.as_str(), paid.parent.as_str()),
        ("SPAN_KIND_SERVER", "")
    );
    assert_eq!(paid.resource["service.name"], "longshore-webhooks");
    let hosts = all
        .iter()
        .filter(|span| span.trace == paid.trace && span.kind == "SPAN_KIND_CLIENT");
    // Stripe, and the application.
    assert!(hosts.count() >= 2, "{all:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_hangs_or_refuses_holds_nothing_up() {
    let stage = Stage::set().await;
    let (silent, moody) = (Receiver::silent().await, Receiver::start().await);
    moody.answers(503);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let nobody = format!("http://{}", nobody.expect("a port"));
    let mut sent = 0;
    for url in [silent.url(), nobody, moody.url()] {
        let mut worker = stage.worker().set(ENDPOINT, &url).start().await;
        // One fails, so that a run and a call do.
        let fault = Fault::Answer {
            status: 400,
            headers: std::collections::BTreeMap::new(),
            body: None,
            effect: false,
        };
        stage.faults([FaultRule::first(1, fault)]);
        stage.enqueue(30).await;
        sent += 30;
        eventually("all have ended", || async {
            let stats = stage.stats().await;
            stats.counter("completed") + stats.dead >= sent
        })
        .await;
        if url == moody.url() {
            eventually("it has refused twice", || async {
                moody.bodies().len() >= 2
            })
            .await;
            moody.answers(200);
            worker.has_said("traces are sent again").await;
        }
        worker.stop();
        assert_eq!(worker.left_within(Duration::from_secs(15)).await, 0);
        let said = worker.log().matches("traces are not sent").count();
        // The silent one is given up for the first time after it was to leave.
        assert!(said <= 1, "{}", worker.log());
    }
    let all = spans(&moody.bodies()).await;
    let failed = |kind: &str| {
        let of_kind = all.iter().filter(|span| span.kind == kind);
        of_kind
            .filter(|span| span.status == "STATUS_CODE_ERROR")
            .count()
    };
    assert!(
        failed("SPAN_KIND_CONSUMER") > 0 && failed("SPAN_KIND_CLIENT") > 0,
        "{all:#?}"
    );
}
