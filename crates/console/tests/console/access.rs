//! Who gets in, and what they may do.

use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode};
use longshore_console::{Console, ConsoleRole, ConsoleUser, SignedIn};
use std::net::SocketAddr;

use crate::bench::{Bench, Browser, PASSWORD, hash};

/// A path of the table with something in its places.
fn filled(path: &str) -> String {
    path.replace("{queue}", "sms")
        .replace("{group}", "000000000000")
        .replace("{id}", "01JD2Z5V9GQ8X0T6M3K7W4R1YB")
        .replace("{name}", "x")
}

#[tokio::test]
async fn without_a_login_there_is_the_login_alone() {
    let bench = Bench::new();
    let router = bench.console().router();
    for (path, methods) in Console::paths() {
        let path = filled(path);
        let mut browser = Browser::new(&router);
        if ["/login", "/theme"].contains(&&*path) || path.starts_with("/assets/") {
            continue;
        }
        if methods.contains(&"GET") {
            let answer = browser.get(&path).await;
            match path.as_str() {
                "/live" => assert_eq!(answer.status, StatusCode::UNAUTHORIZED),
                _ => {
                    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
                    assert!(answer.location().starts_with("/login"), "{path}");
                }
            }
        }
        if methods.contains(&"POST") {
            let answer = browser.ask(Method::POST, &path, String::new()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
    }
}

#[tokio::test]
async fn a_viewer_sends_nothing_that_changes_something() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut vic = Browser::of(&router, "", "vic").await;
    let page = vic.get("/shortcuts").await.text;
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    let token = rest.split('"').next().expect("a token").to_owned();
    let mut seen = 0;
    for (path, methods) in Console::paths() {
        if !methods.contains(&"POST") || ["/login", "/logout", "/theme", "/search"].contains(&path)
        {
            continue;
        }
        let fields = [
            ("reason", "because"),
            ("once", "01JD2Z5V9GQ8X0T6M3K7W4R1YB"),
        ];
        let hidden = [("token".to_owned(), token.clone())];
        let answer = vic.send(&filled(path), &hidden, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(
            answer.text.contains("You are a viewer"),
            "{path}: {}",
            answer.text
        );
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}

#[tokio::test]
async fn what_is_sent_carries_the_token_of_its_session_and_comes_from_our_pages() {
    let bench = Bench::new();
    bench.bury(3, "no", "no").await;
    let router = bench.console().router();
    let path = format!("{}/replay", bench.cause().await);
    let mut ada = Browser::of(&router, "", "ada").await;
    let mut eve = Browser::of(&router, "", "ada").await;
    let form = ada.form(&path, &path).await;
    let fields = [("reason", "because")];
    // Another session's form, with this one's cookie.
    let answer = eve.send(&path, &form, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let without: Vec<_> = form
        .iter()
        .filter(|(name, _)| name != "token")
        .cloned()
        .collect();
    assert_eq!(
        ada.send(&path, &without, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        ada.headers = vec![(header, value.to_owned())];
        let answer = ada.send(&path, &form, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{header}: {value}");
    }
    ada.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(
        ada.send(&path, &form, &fields).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_wrong_login_is_refused_and_too_many_are_not_looked_at() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut browser = Browser::new(&router);
    browser.get("/login").await;
    for (name, password) in [("ada", "wrong"), ("nobody", PASSWORD), ("", "")] {
        let fields = [("name", name), ("password", password)];
        let answer = browser.submit("/login", &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.text.contains("The name or the password is wrong."));
    }
    let right = [("name", "ada"), ("password", PASSWORD)];
    for _ in 0..30 {
        let wrong = [("name", "ada"), ("password", "wrong")];
        if browser.submit("/login", &wrong).await.status == StatusCode::TOO_MANY_REQUESTS {
            let answer = browser.submit("/login", &right).await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            return;
        }
    }
    panic!("nobody was refused");
}

#[tokio::test]
async fn a_session_ends_by_logging_out_and_by_another_password() {
    let bench = Bench::new();
    let router = bench.console().router();
    let ada = Browser::of(&router, "", "ada").await;
    // Another process has the same users.
    let elsewhere = bench.console().router();
    let mut there = Browser::of(&elsewhere, "", "ada").await;
    assert_eq!(there.get("/shortcuts").await.status, StatusCode::OK);
    let mut leaves = ada.clone();
    let form = leaves.form("/shortcuts", "/logout").await;
    let answer = leaves.send("/logout", &form, &[]).await;
    assert_eq!(answer.location(), "/login");
    // The same cookie, kept by somebody else, here and in a process that never saw its end.
    for router in [&router, &elsewhere, &bench.console().router()] {
        let mut kept = ada.at(router);
        assert_eq!(kept.get("/shortcuts").await.status, StatusCode::SEE_OTHER);
        let mut kept = ada.at(router);
        assert_eq!(kept.get("/live").await.status, StatusCode::UNAUTHORIZED);
    }
    // Another session of the same user goes on.
    assert_eq!(there.get("/shortcuts").await.status, StatusCode::OK);

    let changed = Console::new(
        bench.operator.clone(),
        longshore_console::FleetFacts::default(),
    )
    .with_user(ConsoleUser::new(
        "ada",
        ConsoleRole::Operator,
        &hash("another password"),
    ))
    .router();
    let mut old = there.at(&changed);
    assert_eq!(old.get("/shortcuts").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends_where_it_is_ended_while_redis_is_away() {
    let mut bench = Bench::new();
    let router = bench.console().router();
    let ada = Browser::of(&router, "", "ada").await;
    let mut leaves = ada.clone();
    let form = leaves.form("/shortcuts", "/logout").await;
    bench.redis.kill();
    let answer = leaves.send("/logout", &form, &[]).await;
    assert_eq!(answer.location(), "/login");
    let mut kept = ada.clone();
    assert_eq!(kept.get("/shortcuts").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_proxys_header_is_believed_from_where_a_proxy_may_be() {
    let bench = Bench::new();
    let console = bench
        .console()
        .with_trusted_header("x-user")
        .expect("a name");
    let router = console.router();
    let from = |addr: &str| {
        let addr: SocketAddr = addr.parse().expect("an address");
        router.clone().layer(axum::Extension(ConnectInfo(addr)))
    };
    let named = |router: &axum::Router, names: &[&str]| {
        let mut browser = Browser::new(router);
        let headers = names.iter().map(|name| ("x-user", (*name).to_owned()));
        browser.headers = headers.collect();
        browser
    };
    for (addr, names, page) in [
        ("127.0.0.1:1", &["ada"][..], Some("operator")),
        ("127.0.0.1:1", &["grace"], Some("viewer")),
        ("127.0.0.1:1", &["ada", "ada"], None),
        ("203.0.113.9:1", &["ada"], None),
    ] {
        let answer = named(&from(addr), names).get("/shortcuts").await;
        match page {
            Some(role) => assert!(answer.text.contains(role), "{addr} {names:?}"),
            None => assert_eq!(answer.status, StatusCode::SEE_OTHER, "{addr} {names:?}"),
        }
    }
    let unknown = named(&router, &["ada"]).get("/shortcuts").await;
    assert_eq!(
        unknown.status,
        StatusCode::SEE_OTHER,
        "nobody knows from where"
    );
}

#[tokio::test]
async fn an_open_console_answers_who_asks_for_this_machine_itself() {
    let bench = Bench::new();
    let console = bench.console().open_to_this_machine("kari");
    let router = console.router();
    let mut browser = Browser::new(&router);
    assert_eq!(
        browser.get("/shortcuts").await.status,
        StatusCode::SEE_OTHER
    );
    browser.host = "localhost:9466";
    assert!(browser.get("/shortcuts").await.text.contains("no login"));
}

#[tokio::test]
async fn the_program_around_it_may_say_who_it_is() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let signed_in = SignedIn {
        name: "grace".to_owned(),
        role: ConsoleRole::Operator,
    };
    let router = bench.console().router().layer(axum::Extension(signed_in));
    let path = format!("{}/replay", bench.cause().await);
    let mut grace = Browser::new(&router);
    grace.get("/shortcuts").await;
    let answer = grace.submit(&path, &[("reason", "because")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let rows = bench.operator.audit(None, None, 10).await.expect("reads");
    assert_eq!(rows[0].by, "console: grace");
}
