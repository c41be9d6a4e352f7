//! The command line under a program's own name: the manual is written for `longshore`.

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use clap::builder::StyledStr;
use clap::{Arg, Command};

const OURS: &str = "longshore";

/// The same command line, whose help, examples and cures name this program.
pub(crate) fn renamed(command: Command, name: &'static str) -> Command {
    if name == OURS {
        return command;
    }
    let own = |text: Option<&StyledStr>| {
        let text = text?.to_string();
        text.contains(OURS).then(|| text.replace(OURS, name))
    };
    let about = own(command.get_about());
    let long_about = own(command.get_long_about());
    let end = own(command.get_after_long_help());
    let command = about.into_iter().fold(command, Command::about);
    let command = long_about.into_iter().fold(command, Command::long_about);
    let command = end.into_iter().fold(command, Command::after_long_help);
    let command = command.mut_args(|arg| {
        let help = own(arg.get_help());
        let long_help = own(arg.get_long_help());
        let arg = help.into_iter().fold(arg, Arg::help);
        long_help.into_iter().fold(arg, Arg::long_help)
    });
    command.mut_subcommands(|command| renamed(command, name))
}

/// What the file of this program is called, as it was started.
pub(crate) fn of_file() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| called(std::env::args_os().next()))
}

fn called(file: Option<OsString>) -> String {
    let file = file.unwrap_or_default();
    let name = Path::new(&file).file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let name = name
        .strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(&name);
    match name {
        "" => OURS.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::manual;

    fn each(command: &mut Command, visit: &mut dyn FnMut(&str)) {
        visit(&command.render_help().to_string());
        visit(&command.render_long_help().to_string());
        for inner in command.get_subcommands_mut() {
            each(inner, visit);
        }
    }

    #[test]
    fn no_page_of_another_program_tells_to_run_longshore() {
        let mut pages = 0;
        let mut command = renamed(manual::command(std::iter::empty()), "press").name("press");
        each(&mut command, &mut |page| {
            pages += 1;
            assert!(!page.contains(OURS), "{page}");
        });
        assert!(pages > 80, "{pages}");
    }

    #[test]
    fn a_program_is_called_as_its_file() {
        for (file, name) in [
            ("/usr/bin/press", "press"),
            ("my.press", "my.press"),
            ("", OURS),
        ] {
            assert_eq!(called(Some(file.into())), name);
        }
        assert_eq!(called(None), OURS);
    }
}
