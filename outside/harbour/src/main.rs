//! Harbour's workers: everything that `longshore` does, with Harbour's own integrations.

fn main() -> std::process::ExitCode {
    longshore_app::App::new()
        .integration(harbour_slack::integration())
        .integration(harbour_testpay::integration())
        .version(env!("CARGO_PKG_VERSION"))
        .main()
}
