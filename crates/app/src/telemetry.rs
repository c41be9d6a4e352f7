//! Traces, sent by OTLP: a run of a job as part of its producer's trace, and each call to a provider as part of the run.
//!
//! Whoever ends a span puts it into a bounded channel and goes on; a thread of its own makes batches of spans and posts them. So a
//! collector that is slow or away delays no job, and what waits for it is bounded: 4,096 spans and one batch of 512. What does not fit
//! is dropped, and counted. Without an endpoint there is no thread, no channel, and no span.
//!
//! The spans, their ids and the sampling are OpenTelemetry's SDK; what they say is written where the work is done
//! ([`longshore_job::trace`]). Its exporters would bring another client, and log in their own way.

mod counts;
mod sender;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use longshore_job::trace;
use longshore_operator::ThisProgram;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use prometheus_client::collector::Collector;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::config::{Config, OTLP_HEADERS, TelemetrySettings};
use crate::failure::Failure;
use crate::process::process_name;
use crate::secrets::Secrets;
use counts::Counts;
use sender::Sender;

/// How many spans wait to be sent.
const WAITING: usize = 4096;

/// How long leaving may take for what is left to send.
const FLUSHED_WITHIN: Duration = Duration::from_secs(2);

/// What this process counts of its spans, once it sends any.
static COUNTS: OnceLock<Arc<Counts>> = OnceLock::new();

/// What `/metrics` tells of spans, where they are sent.
pub(crate) fn collector() -> Option<Box<dyn Collector>> {
    let counts = COUNTS.get()?;
    Some(Box::new(Arc::clone(counts)))
}

/// Carries a role out, its spans sent if there is an endpoint.
///
/// # Errors
/// Those of the role; headers that cannot be used are one of the input.
pub(crate) async fn traced(
    config: &Config,
    role: &'static str,
    carry_out: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let Some(settings) = &config.telemetry else {
        return carry_out.await;
    };
    let sending = Sending::start(config, settings, role).await?;
    let ended = carry_out.await;
    sending.leave().await;
    ended
}

/// The thread that sends spans.
struct Sending {
    leave: oneshot::Sender<()>,
    left: oneshot::Receiver<()>,
}

impl Sending {
    async fn start(
        config: &Config,
        settings: &TelemetrySettings,
        role: &'static str,
    ) -> Result<Self, Failure> {
        let headers = match &settings.headers {
            Some(secret) => Some(Secrets::new(config)?.get(OTLP_HEADERS, secret).await?),
            None => None,
        };
        let counts = Arc::clone(COUNTS.get_or_init(Arc::default));
        let resource = resource(config, role);
        let headers = headers.map(|headers| headers.current());
        let sender = Sender::new(&settings.endpoint, headers.as_ref(), &resource, &counts)?;
        let (spans, ended) = mpsc::channel(WAITING);
        let (leave, leaving) = oneshot::channel();
        let (end, left) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || {
                runtime.block_on(sender.run(ended, leaving));
                let _ = end.send(());
            })
            .map_err(Failure::failed)?;
        let sampler = Sampler::TraceIdRatioBased(settings.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_id_generator(JobTraceIds::default())
            .with_resource(resource)
            .with_span_processor(Ended { spans, counts })
            .build();
        trace::set_tracer(BoxedTracer::new(Box::new(provider.tracer("longshore"))));
        Ok(Self { leave, left })
    }

    /// Sends what is left to send, for at most two seconds.
    async fn leave(self) {
        let _ = self.leave.send(());
        if timeout(FLUSHED_WITHIN, self.left).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time");
        }
    }
}

/// What this process is, as each batch says.
fn resource(config: &Config, role: &'static str) -> Resource {
    let mut attributes = vec![
        KeyValue::new("service.name", format!("longshore-{role}")),
        KeyValue::new("service.version", ThisProgram::get().version),
        KeyValue::new("service.instance.id", process_name()),
        KeyValue::new("longshore.namespace", config.redis.namespace.clone()),
    ];
    if let Some(profile) = &config.profile {
        attributes.push(KeyValue::new(
            "deployment.environment.name",
            profile.clone(),
        ));
    }
    // Of variables such as OTEL_RESOURCE_ATTRIBUTES nothing is read: what is configured stands in one place.
    Resource::builder_empty()
        .with_attributes(attributes)
        .build()
}

/// Ids at random; but a trace that a job begins has its id.
#[derive(Debug, Default)]
struct JobTraceIds(RandomIdGenerator);

impl IdGenerator for JobTraceIds {
    fn new_trace_id(&self) -> TraceId {
        trace::next_trace_id().map_or_else(|| self.0.new_trace_id(), TraceId::from)
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Where spans go that have ended.
#[derive(Debug)]
struct Ended {
    spans: mpsc::Sender<SpanData>,
    counts: Arc<Counts>,
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counts.dropped(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::Tracer;

    use super::*;

    #[test]
    fn what_has_no_room_is_dropped_and_counted() {
        let (spans, mut ended) = mpsc::channel(1);
        let counts = Arc::<Counts>::default();
        let processor = Ended {
            spans,
            counts: Arc::clone(&counts),
        };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .build();
        let tracer = provider.tracer("longshore");
        for _ in 0..3 {
            drop(tracer.start("a run"));
        }
        assert_eq!(counts.dropped_so_far(), 2);
        assert!(ended.try_recv().is_ok() && ended.try_recv().is_err());
    }
}
