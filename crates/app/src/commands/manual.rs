//! `completions`, `man`: made from the command line itself, so that they cannot be behind it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use clap_mangen::Man;
use longshore_integration::Integration;
use longshore_operator::ThisProgram;

use crate::App;
use crate::failure::Failure;
use crate::output;

/// `config` is the directory whose profiles are offered.
pub(super) fn completions(app: &App, config: Option<&Path>, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    let name = app.program().name;
    clap_complete::generate(shell, &mut with_names(app, config), name, &mut script);
    print(&asking_for_groups(&script, shell, name))
}

/// Stands for the groups of dead letters, which only Redis knows.
const GROUPS: &str = "the_groups_of_dead_letters";

/// The script, which asks for groups when one is to be completed.
fn asking_for_groups(script: &[u8], shell: Shell, name: &str) -> Vec<u8> {
    let ask = format!("{name} dead groups --ids 2>/dev/null");
    let script = String::from_utf8_lossy(script);
    let (from, to) = match shell {
        Shell::Zsh => (
            format!("({GROUPS})"),
            format!("{{compadd -- ${{(f)\"$({ask})\"}}}}"),
        ),
        Shell::Fish => (format!("{GROUPS}\\t''"), format!("({ask})")),
        _ => (GROUPS.to_owned(), format!("$({ask})")),
    };
    script.replace(&from, &to).into_bytes()
}

/// The kinds, queues, providers and profiles of this program are offered wherever one is asked for, and groups of dead letters.
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
        groups: vec![GROUPS.to_owned()],
    };
    names.offered(app.command_line())
}

struct Names {
    kinds: Vec<String>,
    queues: Vec<String>,
    providers: Vec<String>,
    profiles: Vec<String>,
    groups: Vec<String>,
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
                "group" => &self.groups,
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
        return print(&page(&app.command_line(), app.program()).map_err(Failure::failed)?);
    };
    let mut all = app.command_line().disable_help_subcommand(true);
    all.build();
    pages(&all, app.program(), dir).map_err(|error| {
        Failure::failed(format!(
            "cannot write into {}: {error}; name an existing directory of yours",
            dir.display()
        ))
    })?;
    output::note(&format!("the manual pages are in {}", dir.display()));
    Ok(())
}

/// One for this command, and one for each below it.
fn pages(command: &Command, of: ThisProgram, dir: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(dir.join(format!("{name}.1")), page(command, of)?)?;
    command
        .get_subcommands()
        .try_for_each(|command| pages(command, of, dir))
}

/// clap_mangen's page, but for two parts. Its title puts the version where the date belongs and takes the last word of the
/// command for the program; and it fills the lines of examples.
fn page(command: &Command, of: ThisProgram) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let name = command.get_display_name().unwrap_or(command.get_name());
    // A build knows no date that would be the same for the next one.
    let title = format!(
        ".TH \"{name}\" \"1\" \"\" \"{} {}\" \"Longshore\"\n",
        of.name, of.version
    );
    let mut page = title.into_bytes();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(end) = command.get_after_long_help() {
        page.extend(roff(&end.to_string()).into_bytes());
    }
    Ok(page)
}

/// What ends a page of the help, as sections: `Examples:` begins one, and its lines stay as they are.
fn roff(end: &str) -> String {
    let mut roff = String::new();
    for paragraph in end.split("\n\n") {
        match paragraph.split_once(":\n") {
            Some((heading, lines)) => {
                roff += &format!(".SH \"{}\"\n.nf\n", heading.to_uppercase());
                for line in lines.lines() {
                    roff += &escaped(line.strip_prefix("  ").unwrap_or(line));
                }
                roff += ".fi\n";
            }
            None => roff += &format!(".SH NOTES\n{}", escaped(paragraph)),
        }
    }
    roff
}

/// A line of text that roff takes for nothing else. Quotes and dashes stay what a shell knows.
fn escaped(line: &str) -> String {
    let mut escaped = String::from("\\&");
    for c in line.chars() {
        match c {
            '\\' => escaped += "\\e",
            '-' => escaped += "\\-",
            '\'' => escaped += "\\(aq",
            '`' => escaped += "\\(ga",
            '^' => escaped += "\\(ha",
            '~' => escaped += "\\(ti",
            c => escaped.push(c),
        }
    }
    escaped + "\n"
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
