//! What every page has around it.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE};
use longshore_console::Console;

use crate::bench::{Bench, Browser};

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let cause = bench.cause().await;
    for path in [
        "/dead",
        "/operations",
        "/shortcuts",
        "/login",
        "/nowhere",
        &cause,
    ] {
        let answer = ada.get(path).await;
        let policy = answer.headers[CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        for inline in ["<style", " style=", "javascript:", " onclick=", "<script>"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
    let page = ada.get("/dead").await.text;
    for asset in assets(&page, "") {
        let answer = ada.get(&asset).await;
        assert_eq!(answer.status, StatusCode::OK, "{asset}");
        assert_eq!(
            answer.headers[CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert!(answer.headers.contains_key(CONTENT_SECURITY_POLICY));
    }
}

/// All files that a page asks for.
fn assets(page: &str, prefix: &str) -> Vec<String> {
    let begin = format!("\"{prefix}/assets/");
    let names = page.split(&begin).skip(1);
    let found: Vec<_> = names
        .filter_map(|rest| Some(format!("{prefix}/assets/{}", rest.split('"').next()?)))
        .collect();
    assert_eq!(found.len(), 4, "{found:?}");
    found
}

#[tokio::test]
async fn it_can_be_mounted_under_any_path() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = Router::new().nest("/ops/queue", bench.console().router());
    let mut ada = Browser::of(&router, "/ops/queue", "ada").await;
    let cause = bench.cause().await;
    for path in ["/dead", "/operations", &cause] {
        let answer = ada.get(&format!("/ops/queue{path}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for attribute in [
            "href=\"/",
            "action=\"/",
            "src=\"/",
            "hx-get=\"/",
            "data-stream=\"/",
        ] {
            for link in answer.text.split(attribute).skip(1) {
                assert!(
                    link.starts_with("ops/queue"),
                    "{path}: {attribute}{link:.60}"
                );
            }
        }
        assets(&answer.text, "/ops/queue");
    }
    let answer = Browser::new(&router).get("/ops/queue/dead").await;
    assert_eq!(answer.location(), "/ops/queue/login?to=%2Fdead");
}

#[tokio::test]
async fn behind_https_cookies_are_kept_for_it_alone() {
    let bench = Bench::new();
    let url = "https://ops.example/longshore";
    let console = bench.console().with_public_url(url).expect("it is one");
    let router = console.router();
    let mut browser = Browser::new(&router);
    let form = browser.form("/login", "/longshore/login").await;
    let fields = [("name", "ada"), ("password", crate::bench::PASSWORD)];
    let answer = browser.send("/login", &form, &fields).await;
    let cookie = answer.headers[SET_COOKIE].to_str().expect("text");
    for part in [
        "__Host-longshore_session=",
        "; Path=/;",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(part), "{cookie} lacks {part}");
    }
    assert_eq!(answer.location(), "/longshore/");
}

#[tokio::test]
async fn production_is_said_by_a_word() {
    let bench = Bench::new();
    let router = bench.console_in(Some("production")).router();
    let page = Browser::of(&router, "", "ada")
        .await
        .get("/dead")
        .await
        .text;
    assert!(page.contains("PRODUCTION"), "{page}");
}

#[tokio::test]
async fn while_redis_is_away_the_last_picture_stays_and_nothing_is_done() {
    let mut bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let form = ada.form(&path, &path).await;
    ada.get("/dead").await;
    let mut other = Browser::of(&router, "", "ada").await;
    bench.redis.kill();
    let answer = other.get("/dead").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text.contains("Redis does not answer."),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("refused: no"), "{}", answer.text);
    // The picture is nobody's: the forms on it are of who looks.
    let token = |form: &[(String, String)]| {
        let found = form.iter().find(|(name, _)| name == "token");
        found.expect("a token").1.clone()
    };
    let theirs = other.form("/dead", "/logout").await;
    assert_ne!(token(&theirs), token(&form));
    let answer = ada.get("/operations").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let answer = ada.send(&path, &form, &[("reason", "because")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.text.contains("Nothing was changed."),
        "{}",
        answer.text
    );
    bench.redis.restart().expect("it comes back");
    longshore_tests::eventually("it is read again", async || {
        let answer = other.clone().get("/dead").await;
        !answer.text.contains("Redis does not answer.")
    })
    .await;
    // The same form may be sent again: it did nothing.
    let answer = ada.send(&path, &form, &[("reason", "because")]).await;
    assert!(answer.status != StatusCode::FORBIDDEN, "{}", answer.text);
}

#[tokio::test]
async fn the_colours_can_be_switched_without_a_script() {
    let bench = Bench::new();
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let form = ada.form("/shortcuts", "/theme").await;
    let answer = ada.send("/theme", &form, &[("theme", "dark")]).await;
    assert_eq!(answer.location(), "/shortcuts");
    let page = ada.get("/shortcuts").await.text;
    assert!(page.contains("data-theme=\"dark\""));
    let answer = ada.send("/theme", &form, &[("theme", "purple")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn every_path_is_listed_once() {
    let mut paths: Vec<_> = Console::paths().into_iter().map(|(path, _)| path).collect();
    let count = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), count);
}
