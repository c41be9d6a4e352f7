//! What `--help` says beyond the options: examples for each command, exit codes, the environment, files. Apart from the
//! command line itself, so that whoever adds a command adds its examples in one place, where a test looks for them.

use clap::{Command, CommandFactory};

use super::Cli;
#[cfg(test)]
use super::fault;

/// How long an indented line of the help may be: the manual pages indent it by five more, and 80 columns hold it all.
#[cfg(test)]
const LINE: usize = 75;

/// Ends `longshore help`. Here and in all that ends a page: an indented line stays a line, in the manual pages too, and has at
/// most [`LINE`] columns; a paragraph is one line, for each reader's terminal to break.
const ALL: &str = "\
Examples:
  export LONGSHORE_PROFILE=local    # or --profile local with each command
  longshore work                    # workers, until Ctrl-C
  longshore enqueue send_sms '{\"to\":\"+4790000000\",\"body\":\"Hei\"}'
  longshore queues                  # what waits, and what holds it back
  longshore dead groups             # what died, and of what

Exit codes:
  0  done
  1  it failed: not found, stopped itself, not everything settled
  2  the input was wrong, and nothing was changed
  3  Redis could not be reached within 5 s

Environment:
  LONGSHORE_SECTION__KEY  sets `section.key`, above all files
  LONGSHORE_CONFIG        the directory, unless --config names one
  LONGSHORE_PROFILE       the profile, unless --profile names one
  LONGSHORE_OPERATOR      your name for the audit, unless --as names you
  RUST_LOG                what is logged, such as `debug`; else `info`
  NO_COLOR                no colours in logs

Files:
  ./config/default.toml   every key with its default
  ./config/NAME.toml      read above it with --profile NAME

Data goes to stdout, logs and notes to stderr. Tables are for people, and --json is for programs. On a terminal, what has \
no room in a table goes on below its row; a pipe gets whole lines.";

/// Ends every other page.
const EACH: &str = "\
Exit codes: 0 done, 1 it failed, 2 the input was wrong, 3 no Redis. Environment and files: `longshore help`.";

/// Examples by command: `dead replay`. Commands that lead to others need none.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "work",
        &[
            "longshore --profile production work",
            "longshore work --queue email --queue sms",
            "kill -TERM PID                            # drains, then leaves",
        ],
    ),
    (
        "enqueue",
        &[
            "longshore enqueue send_email @mail.json --key order-17",
            "longshore enqueue geocode_address '{\"address\":\"Storgata 1, Oslo\"}' --json",
            "longshore enqueue send_sms '{\"to\":\"+4790000000\",\"body\":\"Hei\"}' --in 15m",
            "longshore enqueue send_email - < mails.jsonl",
        ],
    ),
    (
        "job",
        &[
            "longshore job 01JD8Z5Q0V9T4X2M7K3N6P1R8S",
            "longshore job 01JD8Z5Q0V9T4X2M7K3N6P1R8S --json",
        ],
    ),
    ("queues", super::queues::EXAMPLES),
    ("forget", super::forget::EXAMPLES),
    (
        "kinds",
        &[
            "longshore kinds",
            "longshore kinds send_email",
            "longshore kinds create_payment_intent --json",
        ],
    ),
    (
        "providers",
        &["longshore providers", "longshore providers sendgrid"],
    ),
    (
        "workers",
        &["longshore workers", "longshore workers --json"],
    ),
    (
        "limit",
        &[
            "longshore limit email 20/s --for 2h --reason 'the provider asked for it'",
            "longshore limit email --lift",
        ],
    ),
    (
        "pause",
        &["longshore pause sms --reason 'wrong texts, see the chat'"],
    ),
    (
        "resume",
        &[
            "longshore resume sms",
            "longshore resume email --holds   # what `longshore queues` shows as held",
        ],
    ),
    (
        "dead groups",
        &[
            "longshore dead groups",
            "longshore dead groups email --json",
        ],
    ),
    (
        "dead list",
        &["longshore dead list --queue email --since 2h"],
    ),
    (
        "dead show",
        &["longshore dead show 01JD8Z5Q0V9T4X2M7K3N6P1R8S"],
    ),
    (
        "dead edit",
        &[
            "longshore dead edit 01JD8Z5Q0V9T4X2M7K3N6P1R8S \\\n    --args @mail.json --reason 'address corrected'",
        ],
    ),
    (
        "dead replay",
        &[
            "longshore dead replay 01JD8Z5Q0V9T4X2M7K3N6P1R8S",
            "longshore dead replay --group 195fc433de43 --dry-run",
            "longshore dead replay --group 195fc433de43 --rate 5 --yes",
            "longshore dead replay --queue email --tag spring --limit 10 --yes",
        ],
    ),
    ("dead replays", &["longshore dead replays"]),
    (
        "dead replays cancel",
        &["longshore dead replays    # shows ids, for `cancel`"],
    ),
    (
        "dead replays resume",
        &["longshore dead replays    # shows ids, for `resume`"],
    ),
    (
        "dead export",
        &["longshore dead export --group 195fc433de43 --to letters.jsonl"],
    ),
    (
        "dead discard",
        &["longshore dead discard --group 195fc433de43 --yes --reason 'test data'"],
    ),
    ("audit", &["longshore audit --since 1d"]),
    ("cron list", &["longshore cron list"]),
    ("cron run", &["longshore cron run nightly-reconcile"]),
    (
        "cron pause",
        &["longshore cron pause sweep-exports --reason 'audit of the bucket'"],
    ),
    (
        "cron resume",
        &["longshore cron resume sweep-exports --reason 'audit is over'"],
    ),
    ("mappings export", &["longshore mappings export --csv"]),
    ("mappings count", &["longshore mappings count"]),
    (
        "mappings import",
        &[
            "longshore mappings import mappings.jsonl",
            "longshore mappings import mappings.csv --replace",
            "longshore mappings import - --replace < mappings.jsonl",
        ],
    ),
    ("suppressions list", super::suppressions::LIST_EXAMPLES),
    ("suppressions add", super::suppressions::ADD_EXAMPLES),
    ("suppressions remove", super::suppressions::REMOVE_EXAMPLES),
    (
        "config check",
        &[
            "longshore config check",
            "longshore --profile production config check --json",
        ],
    ),
    (
        "config show",
        &["longshore --profile production config show"],
    ),
    (
        "config defaults",
        &[
            "longshore config defaults > config/default.toml",
            "longshore config defaults --page",
        ],
    ),
    ("doctor", &["longshore --profile production doctor"]),
    ("webhooks", &["longshore --profile production webhooks"]),
    ("healthcheck", super::healthcheck::EXAMPLES),
    (
        "presign",
        &[
            "longshore presign --user 17 --content-type image/png \\\n    --length 20000 --extension png",
            "longshore presign --get 17/01JD2Z5V9GQ8X0T6M3K7W4R1YB.png",
        ],
    ),
    (
        "smoke",
        &[
            "longshore --profile staging smoke",
            "just smoke-live                   # the same, with what .env.test sets",
        ],
    ),
    (
        "completions",
        &[
            "longshore completions bash > /etc/bash_completion.d/longshore",
            "longshore completions zsh > ~/.zfunc/_longshore",
            "longshore completions fish > ~/.config/fish/completions/longshore.fish",
        ],
    ),
    (
        "man",
        &[
            "longshore man | man -l -",
            "longshore man --dir /usr/local/share/man/man1",
        ],
    ),
];

/// The command line with its manual; `more` are commands that not every program has, with examples.
#[must_use]
pub(crate) fn command(more: impl Iterator<Item = (Command, &'static [&'static str])>) -> Command {
    let all = pages(Cli::command().after_long_help(ALL), &mut Vec::new());
    more.fold(all, |all, (command, examples)| {
        all.subcommand(command.after_long_help(end(Some(examples))))
    })
}

fn pages(command: Command, above: &mut Vec<String>) -> Command {
    let names: Vec<_> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        above.push(name.clone());
        let examples = examples(&above.join(" "));
        let command = command.mut_subcommand(name, |command| {
            pages(command.after_long_help(end(examples)), above)
        });
        above.pop();
        command
    })
}

/// What ends a command's page.
pub(crate) fn end(examples: Option<&[&str]>) -> String {
    match examples {
        Some(examples) => {
            let examples = examples.join("\n").replace('\n', "\n  ");
            format!("Examples:\n  {examples}\n\n{EACH}")
        }
        None => EACH.to_owned(),
    }
}

fn examples(path: &str) -> Option<&'static [&'static str]> {
    all_examples()
        .find(|(of, _)| *of == path)
        .map(|(_, examples)| *examples)
}

/// Those here, and those that stand beside the commands of several words.
fn all_examples() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    let of_jobs = EXAMPLES.iter().chain(super::jobs::EXAMPLES);
    of_jobs.chain(super::outbox::EXAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls this with every command there is and its path.
    fn each(command: &Command, above: &[String], visit: &mut dyn FnMut(&Command, &[String])) {
        visit(command, above);
        for inner in command.get_subcommands() {
            if inner.get_name() != "help" {
                let mut path = above.to_vec();
                path.push(inner.get_name().to_owned());
                each(inner, &path, visit);
            }
        }
    }

    /// The words of a line as a shell would have them, up to a comment, a pipe or a redirection.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        let line = line.replace("\\\n", " ");
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                '#' | '|' | '<' | '>' | '&' if !quoted => break,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().expect("there is one").push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_command_says_what_it_does_and_shows_how() {
        each(&command(std::iter::empty()), &[], &mut |command, path| {
            let name = path.join(" ");
            assert!(
                command.get_about().is_some(),
                "`{name}` does not say what it does"
            );
            let leads_on = command.get_subcommands().next().is_some();
            if !leads_on {
                assert!(
                    examples(&name).is_some(),
                    "`{name}` has no example in cli/manual.rs"
                );
            }
            for arg in command.get_arguments() {
                assert!(
                    arg.get_help().is_some(),
                    "`{name}`: {} says nothing",
                    arg.get_id()
                );
            }
        });
    }

    #[test]
    fn every_example_is_a_call_that_is_understood() {
        let mut known = Vec::new();
        each(&command(std::iter::empty()), &[], &mut |_, path| {
            known.push(path.join(" "));
        });
        for (of, _) in all_examples() {
            assert!(known.iter().any(|k| k == of), "there is no command `{of}`");
        }
        let lines = all_examples()
            .flat_map(|(_, examples)| examples.iter().copied())
            .chain(ALL.lines().map(str::trim));
        let mut tried = 0;
        for line in lines.filter(|line| line.starts_with("longshore ")) {
            let parsed = command(std::iter::empty()).try_get_matches_from(words(line));
            assert!(parsed.is_ok(), "{line}\n{}", parsed.expect_err("is none"));
            tried += 1;
        }
        assert!(tried > 30, "{tried}");
    }

    #[test]
    fn no_page_is_wider_than_a_hundred_columns() {
        each(&command(std::iter::empty()), &[], &mut |command, path| {
            let mut command = command.clone();
            for page in [command.render_help(), command.render_long_help()] {
                for line in page.to_string().lines() {
                    let width = line.chars().count();
                    assert!(width <= 100, "{}: {width} columns: {line}", path.join(" "));
                }
            }
        });
    }

    #[test]
    fn nothing_that_ends_a_page_breaks_in_mid_sentence() {
        let of_sandbox = format!("{}\n\n{}", fault::FAULTS, end(Some(fault::EXAMPLES)));
        let mut ends = vec![of_sandbox];
        each(&command(std::iter::empty()), &[], &mut |command, _| {
            ends.push(
                command
                    .get_after_long_help()
                    .expect("it has one")
                    .to_string(),
            );
        });
        for end in ends {
            for paragraph in end.split("\n\n") {
                let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
                assert!(rest.is_empty() || first.ends_with(':'), "{paragraph}");
                for line in rest.lines() {
                    let indented = line.starts_with("  ");
                    assert!(indented && line.chars().count() <= LINE, "{line}");
                }
            }
        }
    }
}
