//! Requests as Google's own Python client, googlemaps 4.10.0, writes them.

use longshore_geocode::GeocodeAddress;
use longshore_job::Handler;
use longshore_testing::ScriptedGate;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::{handler, script};

/// What `Client(key).geocode(**args)` sent to a server that wrote it down.
const GOLDEN: &str = include_str!("../golden/googlemaps-4.10.0.json");

#[derive(Deserialize)]
struct Call {
    args: Args,
    key: String,
    request: String,
}

#[derive(Deserialize)]
struct Args {
    address: Option<String>,
    place_id: Option<String>,
    region: Option<String>,
    language: Option<String>,
}

/// A Google that knows one place, and tells the first line of each request.
async fn place(id: &str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let geometry = json!({ "location": { "lat": 1.5, "lng": 2.5 }, "location_type": "ROOFTOP" });
    let result = json!({ "geometry": geometry, "place_id": id, "types": [] });
    let body = json!({ "status": "OK", "results": [result] }).to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close");
    let answer = format!("{head}\r\n\r\n{body}");
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.expect("a whole head"));
            }
            let request = String::from_utf8(request).expect("ASCII");
            let line = request.lines().next().unwrap_or_default();
            let _ = tell.send(line.trim_end_matches(" HTTP/1.1").to_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (origin, told)
}

/// Path, and pairs in order. What is percent-encoded beyond need differs from library to library, and means nothing.
fn meaning(request: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = request.split_once('?').expect("a query");
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    (path, pairs.collect())
}

#[tokio::test]
async fn requests_are_those_of_googles_own_client() {
    let calls: Vec<Call> = serde_json::from_str(GOLDEN).expect("JSON");
    assert_eq!(calls.len(), 4);
    for Call { args, key, request } in calls {
        let place_id = args.place_id.as_deref();
        let (origin, mut told) = place(place_id.unwrap_or("ChIJ")).await;
        let handler = handler(&origin, |config| config.api_key = key.into());
        let script = script(ScriptedGate::open());
        let job = GeocodeAddress {
            region: args.region,
            language: args.language,
            ..GeocodeAddress::new(args.address.unwrap_or_else(|| "Oslo".to_owned()))
        };
        let mut line = String::new();
        // The second time only the place id is left.
        for _ in 0..=usize::from(place_id.is_some()) {
            let run = script.for_new_job().run();
            let outcome = handler.run(job.clone(), run).await;
            outcome.expect("found");
            line = told
                .try_recv()
                .expect("a request, written down before it is answered");
            script
                .memory
                .advance(std::time::Duration::from_secs(30 * 24 * 60 * 60));
        }
        // The client sends whatever it is given; Google's list has `no` alone.
        let request = request.replace("language=nb", "language=no");
        assert_eq!(meaning(&line), meaning(&request));
    }
}
