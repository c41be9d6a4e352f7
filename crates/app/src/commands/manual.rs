//! `completions`, `man`: made from the command line itself, so that they cannot be behind it.

use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use clap_mangen::Man;
use longshore_integration::Integration;

use crate::App;
use crate::failure::Failure;
use crate::output;

const NAME: &str = "longshore";

pub(super) fn completions(app: &App, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(app), NAME, &mut script);
    print(&script)
}

/// The kinds and providers of this program are offered where one is asked for.
fn with_names(app: &App) -> Command {
    let of_kind = |command: Command| {
        let kinds = app.integrations().iter().flat_map(|of| of.kinds);
        let kinds = PossibleValuesParser::new(kinds.map(|spec| spec.kind));
        command.mut_arg("kind", |arg| arg.index(1).value_parser(kinds))
    };
    let of_provider = |command: Command| {
        let providers = app.integrations().iter().flat_map(Integration::providers);
        let providers = PossibleValuesParser::new(providers.map(|provider| provider.name));
        command.mut_arg("provider", |arg| arg.index(1).value_parser(providers))
    };
    app.command_line()
        .mut_subcommand("enqueue", of_kind)
        .mut_subcommand("kinds", of_kind)
        .mut_subcommand("providers", of_provider)
}

pub(super) fn man(app: &App, dir: Option<&Path>) -> Result<(), Failure> {
    let Some(dir) = dir else {
        let mut page = Vec::new();
        Man::new(app.command_line())
            .render(&mut page)
            .map_err(Failure::failed)?;
        return print(&page);
    };
    clap_mangen::generate_to(app.command_line(), dir).map_err(|error| {
        Failure::failed(format!(
            "cannot write into {}: {error}; name an existing directory of yours",
            dir.display()
        ))
    })?;
    output::note(&format!("the manual pages are in {}", dir.display()));
    Ok(())
}

/// A reader that has gone away has read enough.
fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(format!("stdout: {error}"))),
    }
}
