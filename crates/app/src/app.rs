//! A program: a list of integrations, and all commands over them.

use std::io::Write;
use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches};
use longshore_integration::{Family, Integration};
use longshore_operator::ThisProgram;

use crate::OwnCommand;
use crate::cli::Cli;
use crate::cli::renamed::{of_file, renamed};
use crate::commands::sandbox;
use crate::own::Ending;
use crate::{commands, logging, output};

/// A program made of integrations: this project's own or yours. Its `main` returns [`App::main`].
///
/// ```
/// use longshore_app::App;
/// use longshore_integration::{Family, Integration};
///
/// fn program(mail: Integration, fax: Integration) -> App {
///     App::new().integration(mail).integration(fax)
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct App {
    integrations: Vec<Integration>,
    families: Vec<Family>,
    own: Vec<OwnCommand>,
    name: Option<&'static str>,
    version: Option<&'static str>,
}

impl App {
    /// A program without integrations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an integration: its kinds, its queue, its settings and its events.
    ///
    /// # Panics
    /// When another one has the same queue, or one of the same kinds, providers or events: which of them is meant, nobody
    /// could say.
    #[must_use]
    pub fn integration(mut self, new: Integration) -> Self {
        let queue = |of: &Integration| vec![of.queue.name];
        let kinds = |of: &Integration| of.kinds.iter().map(|spec| spec.kind).collect();
        let events = |of: &Integration| of.events.iter().map(|events| events.name).collect();
        self.refuse_twice(&new, "the queue", queue);
        self.refuse_twice(&new, "the kind", kinds);
        self.refuse_twice(&new, "the provider", |of| {
            of.providers().map(|provider| provider.name).collect()
        });
        self.refuse_twice(&new, "the events", events);
        self.integrations.push(new);
        self
    }

    /// Adds integrations that the configuration makes.
    ///
    /// # Panics
    /// When there are such for this table already.
    #[must_use]
    pub fn family(mut self, new: Family) -> Self {
        let twice = self.families.iter().any(|of| of.section == new.section);
        assert!(
            !twice,
            "the table `{}` makes integrations already",
            new.section
        );
        self.families.push(new);
        self
    }

    /// Adds a command of this program alone.
    ///
    /// # Panics
    /// When there is a command with this name already.
    #[must_use]
    pub fn command(mut self, own: OwnCommand) -> Self {
        let name = own.command.get_name();
        let twice = self.command_line().find_subcommand(name).is_some();
        assert!(!twice, "there is a command `{name}` already");
        self.own.push(own);
        self
    }

    /// Names this program: its help, its errors and their cures say so. Without this, it is called as its file.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// Names this program's own version. `--version` shows all of it; `-V`, its workers and Sentry its first word. Without
    /// this, they show the version of this crate, as `longshore-0.1.0`.
    ///
    /// ```
    /// let app = longshore_app::App::new().version(env!("CARGO_PKG_VERSION"));
    /// ```
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// The command line with its manual.
    #[must_use]
    pub fn command_line(&self) -> clap::Command {
        let sandbox = sandbox::command(self).map(|command| (command, sandbox::EXAMPLES));
        let own = self
            .own
            .iter()
            .map(|own| (own.command.clone(), own.examples));
        let program = self.program();
        let command = crate::cli::manual::command(sandbox.into_iter().chain(own));
        renamed(command, program.name)
            .name(program.name)
            .version(program.version)
            .long_version(self.version.unwrap_or(program.version))
    }

    /// What it is called, and its version in one word.
    pub(crate) fn program(&self) -> ThisProgram {
        const OF_CRATE: &str = concat!("longshore-", env!("CARGO_PKG_VERSION"));
        let version = self.version.and_then(|of| of.split(' ').next());
        ThisProgram {
            name: self.name.unwrap_or_else(of_file),
            version: version.unwrap_or(OF_CRATE),
        }
    }

    fn refuse_twice(
        &self,
        new: &Integration,
        what: &str,
        names: impl Fn(&Integration) -> Vec<&'static str>,
    ) {
        for name in names(new) {
            let other = self
                .integrations
                .iter()
                .find(|of| names(of).contains(&name));
            assert!(
                other.is_none(),
                "{what} `{name}` of the integration `{}` is that of `{}` already",
                new.name,
                other.map_or("", |other| other.name)
            );
        }
    }

    /// Its integrations, in order.
    #[must_use]
    pub fn integrations(&self) -> &[Integration] {
        &self.integrations
    }

    /// Those that the configuration makes.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Runs the command of the command line (see `longshore help`). Call it once, in `main`.
    #[must_use]
    pub fn main(self) -> ExitCode {
        self.program().set();
        let matches = self.command_line().get_matches();
        logging::init(&self.integrations, &self.families);
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
        let ended = match (self.own(&matches), matches.subcommand()) {
            (Some(ending), _) => runtime.block_on(ending),
            (None, Some((sandbox::NAME, args))) => runtime.block_on(sandbox::run(&self, args)),
            (None, _) => {
                let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
                runtime.block_on(commands::run(&self, cli))
            }
        };
        let code = match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                output::failed(&failure);
                failure.code()
            }
        };
        // A handler that blocks its thread must not keep the process from leaving.
        runtime.shutdown_background();
        code
    }
}

impl App {
    /// The command of this program's own that is asked for, begun.
    fn own(&self, matches: &ArgMatches) -> Option<Ending> {
        let (name, args) = matches.subcommand()?;
        let own = self.own.iter().find(|own| own.command.get_name() == name)?;
        Some((own.run)(args.clone()))
    }
}
