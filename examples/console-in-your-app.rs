//! The console inside an app of one's own: under a path of the app, behind the app's own login.
//!
//! It starts a Redis with one job that waits, serves the app on a free port, and asks it as two people would. With
//! `--stay` it serves on until Ctrl-C, to be looked at in a browser.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use longshore_client::Client;
use longshore_console::{Console, ConsoleRole, FleetFacts, SignedIn};
use longshore_job::{InvalidArgs, Job, Kinds};
use longshore_operator::{ConfigRefusal, Operator, QueueInfo, RepeatEffect};
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Prints a page.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Print {
    page: u32,
}

impl Job for Print {
    const KIND: &'static str = "print";
    const QUEUE: &'static str = "prints";
    const PUBLIC_ARGS: &'static [&'static str] = &["page"];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const PUBLIC_RESULT: &'static [&'static str] = &[];

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// What the console is told of the app's queue.
fn prints() -> QueueInfo {
    QueueInfo {
        kinds: Kinds::new([longshore_job::KindSpec::of::<Print>()]),
        name: Print::QUEUE.to_owned(),
        max_attempts: 4,
        max_attempts_by_kind: BTreeMap::new(),
        keep: Duration::from_secs(3600),
        cancelled_bytes: 64 << 20,
        providers: Vec::new(),
        refusal: ConfigRefusal::never(),
        repeats: RepeatEffect::Double,
        fallback: None,
    }
}

/// The app's own login, whatever it is: here a cookie with a name that anybody may write. It lets people in and says who they
/// are; the console asks for no other login, and its audit has that name.
async fn login(mut request: Request, next: Next) -> Response {
    let Some(name) = cookie(request.headers(), "app_user") else {
        return (StatusCode::UNAUTHORIZED, "Log in to the app first.\n").into_response();
    };
    let role = match name.as_str() {
        "ada" => ConsoleRole::Operator,
        _ => ConsoleRole::Viewer,
    };
    request.extensions_mut().insert(SignedIn { name, role });
    next.run(request).await
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get("cookie")?.to_str().ok()?.split("; ");
    let mut pairs = cookies.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(cookie, _)| *cookie == name)?;
    Some(value.to_owned())
}

/// The app, with the console under `/ops`.
fn app(link: &Link) -> Result<Router, Box<dyn Error>> {
    let operator = Operator::new(link, "longshore", vec![prints()])?;
    let fleet = FleetFacts {
        name: "print shop".to_owned(),
        server: link.server().to_string(),
        namespace: "longshore".to_owned(),
        ..FleetFacts::default()
    };
    let console = Console::new(operator, fleet).router().layer(from_fn(login));
    let home = get(async || Html("<a href=/ops/>What the fleet does</a>"));
    Ok(Router::new().route("/", home).nest("/ops", console))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start()?;
    let jobs = Client::new(&redis.url())?;
    let id = jobs.enqueue(Print { page: 7 }).await?;

    let app = app(&Link::new(&redis.url(), LinkOptions::default())?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    if std::env::args().any(|arg| arg == "--stay") {
        println!("Set the cookie app_user=ada at http://{addr}/, and open http://{addr}/ops/.");
        tokio::signal::ctrl_c().await?;
        return Ok(());
    }

    let job = format!("/ops/jobs/{id}");
    for user in [None, Some("bo"), Some("ada")] {
        let page = ask(addr, &job, user).await?;
        let status = page.lines().next().unwrap_or_default();
        let may = match page.contains(&format!("href=\"{job}/cancel\"")) {
            true => "may cancel the job",
            false => "may not cancel the job",
        };
        println!("{}: {status}: {may}", user.unwrap_or("nobody"));
    }
    serving.abort();
    Ok(())
}

/// What the app answers to a browser with this user's cookie.
async fn ask(
    addr: std::net::SocketAddr,
    path: &str,
    user: Option<&str>,
) -> Result<String, Box<dyn Error>> {
    let cookie = user.map(|user| format!("cookie: app_user={user}\r\n"));
    let cookie = cookie.unwrap_or_default();
    let mut stream = TcpStream::connect(addr).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{cookie}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
