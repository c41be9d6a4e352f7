//! Texts that others wrote do nothing on a page.

use crate::bench::{Bench, Browser};

const TEXTS: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\u{1b}[31mred\u{1b}[0m\u{7}",
    "abc\u{202e}txt.exe\u{2066}",
    "",
];

#[tokio::test]
async fn what_a_provider_wrote_is_shown_and_does_nothing() {
    for text in TEXTS {
        let bench = Bench::new();
        bench.bury(2, "no", text).await;
        let router = bench.console().router();
        let mut ada = Browser::of(&router, "", "ada").await;
        let cause = bench.cause().await;
        for path in ["/dead".to_owned(), cause.clone(), format!("{cause}/replay")] {
            let page = ada.get(&path).await.text;
            for bad in [
                "<script>alert",
                "<img src=x",
                "\u{1b}",
                "\u{202e}",
                "\u{2066}",
                "\u{7}",
            ] {
                assert!(!page.contains(bad), "{path}: {text:?} stands as {bad:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_long_text_is_folded() {
    let bench = Bench::new();
    bench.bury(2, "no", &"long ".repeat(2_000)).await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let page = ada.get(&bench.cause().await).await.text;
    assert!(page.contains("all 10,000 characters"), "{page:.3000}");
}

#[tokio::test]
async fn what_an_operator_typed_is_shown_and_does_nothing() {
    let bench = Bench::new();
    bench.bury(2, "no", "no").await;
    let router = bench.console().router();
    let mut ada = Browser::of(&router, "", "ada").await;
    let path = format!("{}/replay", bench.cause().await);
    let reason = "<b>because</b>\u{202e}";
    let begun = ada.submit(&path, &[("reason", reason)]).await;
    for path in [begun.location(), "/operations"] {
        let page = ada.get(path).await.text;
        assert!(page.contains("&lt;b&gt;because"), "{path}");
        assert!(!page.contains('\u{202e}'), "{path}");
    }
    for path in [
        "/dead?queue=<script>x",
        "/dead/sms/<script>x",
        "/operations/<script>x",
    ] {
        let path = path.replace('<', "%3C").replace('>', "%3E");
        let page = ada.get(&path).await.text;
        assert!(!page.contains("<script>x"), "{path}");
    }
}
