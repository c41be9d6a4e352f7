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

/// `config` is the directory whose profiles are offered.
pub(super) fn completions(app: &App, config: Option<&Path>, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(app, config), NAME, &mut script);
    print(&script)
}

/// The kinds, queues, providers and profiles of this program are offered wherever one is asked for. What only Redis knows,
/// such as the groups of dead letters, is not: clap_complete's engine for that is unstable, and a prompt must not wait
/// for a server.
fn with_names(app: &App, config: Option<&Path>) -> Command {
    let of = app.integrations().iter();
    let kinds = of.clone().flat_map(|of| of.kinds).map(|spec| spec.kind);
    let providers = of.clone().flat_map(Integration::providers);
    let owned = |names: Vec<&'static str>| names.into_iter().map(str::to_owned).collect();
    let names = Names {
        kinds: owned(kinds.collect()),
        queues: owned(of.map(|of| of.queue.name).collect()),
        providers: owned(providers.map(|provider| provider.name).collect()),
        profiles: crate::config::profiles(config),
    };
    names.offered(app.command_line())
}

struct Names {
    kinds: Vec<String>,
    queues: Vec<String>,
    providers: Vec<String>,
    profiles: Vec<String>,
}

impl Names {
    /// Arguments are told by what they are called. An argument that offers something by itself keeps that.
    fn offered(&self, command: Command) -> Command {
        let command = command.mut_args(|arg| {
            let names = match arg.get_id().as_str() {
                "kind" => &self.kinds,
                "queue" | "queues" => &self.queues,
                "provider" => &self.providers,
                "profile" => &self.profiles,
                _ => return arg,
            };
            match names.is_empty() || !arg.get_possible_values().is_empty() {
                true => arg,
                false => arg.value_parser(PossibleValuesParser::new(names)),
            }
        });
        command.mut_subcommands(|command| self.offered(command))
    }
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
