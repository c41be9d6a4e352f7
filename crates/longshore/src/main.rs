//! `longshore`: see `longshore help`.

use std::io::Write;
use std::process::ExitCode;

use clap::FromArgMatches;
use longshore::cli::Cli;

fn main() -> ExitCode {
    let matches = longshore::cli::manual::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    longshore::init_logging();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "error: the runtime does not start: {error}"
            );
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(longshore::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.code()
        }
    };
    // A handler that blocks its thread must not keep the process from leaving.
    runtime.shutdown_background();
    code
}
