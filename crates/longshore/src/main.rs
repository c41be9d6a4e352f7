//! `longshore`: see `longshore help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    longshore::program().main()
}
