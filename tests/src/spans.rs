use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::pypi;

/// The version that is installed, and that of what it stands on.
const VERSION: &str = "1.45.2";
const PROTOBUF: &str = "7.36.2";

/// Reads a body after the other, each after its length, and writes what is in them as protobuf's own JSON.
const DECODE: &str = "
import json, struct, sys
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
bodies, all = sys.stdin.buffer, []
while length := bodies.read(4):
    request = ExportTraceServiceRequest()
    request.ParseFromString(bodies.read(*struct.unpack('>I', length)))
    all.append(MessageToDict(request))
print(json.dumps(all))
";

/// A span that a collector got.
#[derive(Debug, Clone)]
pub struct Collected {
    /// Its id, and those of its trace and of its parent, as protobuf's JSON has them: in base 64. Without a parent it is empty.
    pub id: String,
    /// See above.
    pub trace: String,
    /// See above.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// `SPAN_KIND_…`.
    pub kind: String,
    /// `STATUS_CODE_…`, or nothing.
    pub status: String,
    /// Its attributes.
    pub attributes: Value,
    /// Those of the process that it comes from.
    pub resource: Value,
}

/// What a collector was sent, decoded by OpenTelemetry's own Python library.
///
/// # Panics
/// When the library cannot be installed, or does not decode it.
pub async fn spans(bodies: &[Vec<u8>]) -> Vec<Collected> {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let home = INSTALLED.get_or_init(|| async {
        let packages = [
            format!("opentelemetry-proto=={VERSION}"),
            format!("protobuf=={PROTOBUF}"),
        ];
        let packages: Vec<_> = packages.iter().map(String::as_str).collect();
        pypi::installed("otlp", &packages, VERSION).await
    });
    let mut python = Command::new(home.await.join("bin/python"))
        .args(["-c", DECODE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = python.stdin.take().expect("a pipe");
    for body in bodies {
        let length = u32::try_from(body.len()).expect("a length");
        stdin.write_u32(length).await.expect("written");
        stdin.write_all(body).await.expect("written");
    }
    drop(stdin);
    let output = python.wait_with_output().await.expect("it ends");
    assert!(output.status.success(), "it is not decoded");
    let requests: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut spans = Vec::new();
    for of in requests
        .iter()
        .flat_map(|request| list(request, "resourceSpans"))
    {
        let resource = pairs(&of["resource"]);
        for span in list(of, "scopeSpans")
            .iter()
            .flat_map(|of| list(of, "spans"))
        {
            let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
            spans.push(Collected {
                id: text("spanId"),
                trace: text("traceId"),
                parent: text("parentSpanId"),
                name: text("name"),
                kind: text("kind"),
                status: span["status"]["code"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                attributes: pairs(span),
                resource: resource.clone(),
            });
        }
    }
    spans
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().map_or(&[], Vec::as_slice)
}

/// `{"key": "a", "value": {"stringValue": "b"}}` as `{"a": "b"}`. Protobuf writes whole numbers as texts.
fn pairs(of: &Value) -> Value {
    let pairs = list(of, "attributes").iter().filter_map(|pair| {
        let (_, value) = pair["value"].as_object()?.iter().next()?;
        Some((pair["key"].as_str()?.to_owned(), value.clone()))
    });
    Value::Object(pairs.collect())
}
