//! Data on stdout, all else on stderr, and nothing that falls over.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::{Bench, Ran, WELCOME};

#[test]
fn logs_stay_out_of_the_data() {
    let bench = Bench::new();
    bench.bury(1, "413");
    for args in [
        &["queues", "--json"][..],
        &["dead", "groups", "--json"],
        &["enqueue", "send_email", WELCOME, "--json"],
        &["dead", "replay", "--queue", "email", "--yes", "--json"],
    ] {
        let mut command = bench.command(args);
        command.env("RUST_LOG", "trace");
        let ran = Ran::of(args, &mut command);
        assert!(
            !ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'),
            "{ran:?}"
        );
        let lines = ran.lines().len();
        drop(ran.json());
        assert_eq!(lines, 1);
    }
    let mut command = bench.command(&["queues"]);
    command.env("RUST_LOG", "no=such=level");
    let ran = Ran::of(&["queues"], &mut command).ok();
    assert!(ran.stderr.contains("RUST_LOG"), "{ran:?}");
}

#[test]
fn help_is_data_and_a_wrong_call_is_not() {
    let bench = Bench::new();
    for args in [
        &["help"][..],
        &["--help"],
        &["help", "dead"],
        &["help", "dead", "replay"],
        &["--version"],
    ] {
        let ran = bench.run(args).ok();
        assert!(!ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:?}");
        let widest = ran.lines().iter().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} columns: {ran:?}");
    }
    bench.run(&["wrok"]).fails(2, "'work'");
    let nothing = bench.run(&[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(2), ""));
    assert!(nothing.stderr.contains("Usage: longshore"));
}

/// What a command prints on a terminal of this width.
#[cfg(target_os = "linux")]
fn on_a_terminal(bench: &Bench, columns: u32, args: &[&str]) -> String {
    let mut plain = bench.command(args);
    let call = format!(
        "stty rows 24 cols {columns} && exec {} {}",
        env!("CARGO_BIN_EXE_longshore"),
        args.join(" ")
    );
    let mut command = Command::new("script");
    command
        .args(["-qec", &call, "/dev/null"])
        .current_dir(bench.dir.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    for (name, value) in plain.env("NO_COLOR", "1").get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let output = command.output().expect("every Linux has `script`");
    String::from_utf8_lossy(&output.stdout).replace('\r', "")
}

#[cfg(target_os = "linux")]
#[test]
fn tables_fit_a_terminal_and_keep_their_ids_whole() {
    let bench = Bench::new();
    let code = "a code that is far too long to be one ".repeat(9);
    let id = bench.bury(1, &code).remove(0);
    bench.run(&["pause", "email", "--reason", "short"]).ok();
    // As long as an operator's name and a rate may be.
    let drip = [
        "dead", "replay", "--queue", "email", "--rate", "1", "--detach", "--yes",
    ];
    let mut replay = bench.command(&drip);
    replay.env(
        "LONGSHORE_OPERATOR",
        "somebody with a name that is rather long",
    );
    Ran::of(&drip, &mut replay).ok();
    bench.bury(1, &code);
    for columns in [80, 100] {
        for args in [
            &["dead", "groups"][..],
            &["dead", "list"],
            &["dead", "replays"],
            &["operations"],
            &["jobs", "list"],
            &["config", "show"],
            &["cron", "list"],
            &["queues"],
            &["workers"],
            &["kinds"],
            &["providers"],
            &["audit"],
            &["suppressions", "list"],
            &["job", &id],
        ] {
            let shown = on_a_terminal(&bench, columns, args);
            // A job's own lines are texts: only its table is meant.
            let text = |line: &&str| args[0] == "job" && !line.contains("  ");
            for line in shown.lines().filter(|line| !text(line)) {
                let width = line.chars().count();
                assert!(
                    width <= columns as usize,
                    "{args:?}, {width} of {columns}: {line}"
                );
            }
        }
    }
    let shown = on_a_terminal(&bench, 80, &["dead", "groups"]);
    assert!(shown.trim_end().ends_with('…'), "{shown}");
    let shown = on_a_terminal(&bench, 40, &["dead", "list"]);
    assert!(shown.lines().any(|line| line.starts_with(&id)), "{shown}");
}

#[test]
fn nothing_is_cut_in_a_pipe() {
    let bench = Bench::new();
    let code = "a code that is far too long to be one ".repeat(9);
    bench.bury(1, &code);
    for args in [&["dead", "groups"][..], &["config", "show"]] {
        let ran = bench.run(args).ok();
        assert!(!ran.stdout.contains('…'), "{ran:?}");
    }
    let groups = bench.run(&["dead", "groups"]).ok();
    assert!(groups.stdout.contains(code.trim_end()), "{groups:?}");
}

#[test]
fn a_pipe_gets_data_alone_however_much_is_done() {
    let bench = Bench::new();
    let mails = format!("{WELCOME}\n").repeat(2500);
    let ran = bench
        .pipe(&["enqueue", "send_email", "-"], mails.as_bytes())
        .ok();
    assert_eq!(ran.lines().len(), 2500);
    assert!(ran.lines().iter().all(|line| line.len() == 26), "only ids");
    assert!(
        !ran.stderr.contains("enqueued"),
        "no progress: {}",
        ran.stderr
    );
}

/// What bash offers at the end of these words.
fn offered(bench: &Bench, script: &str, words: &[&str]) -> Vec<String> {
    let previous = words.last().expect("there is one");
    let program = env!("CARGO_BIN_EXE_longshore");
    let call = format!(
        "longshore() {{ '{program}' \"$@\"; }}\n{script}\nCOMP_WORDS=({} '')\nCOMP_CWORD={}\n_longshore longshore '' '{previous}'\necho \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len(),
    );
    // Longer than an argument may be.
    let file = bench.dir.path().join("completions.bash");
    std::fs::write(&file, call).expect("there is room");
    let mut bash = Command::new("bash");
    let ran = Ran::of(
        words,
        bash.arg(file)
            .current_dir(bench.dir.path())
            .env("LONGSHORE_REDIS__URL", bench.redis.url()),
    );
    ran.ok()
        .stdout
        .split(' ')
        .map(|word| word.trim().to_owned())
        .collect()
}

#[test]
fn completions_know_kinds_queues_providers_and_profiles() {
    let bench = Bench::new();
    let config = bench.dir.path().join("config");
    std::fs::create_dir(&config).expect("there is room");
    for file in ["default.toml", "harbour.toml"] {
        std::fs::write(config.join(file), "").expect("there is room");
    }
    let script = bench.run(&["completions", "bash"]).ok().stdout;
    let cases: [(&[&str], &str); 10] = [
        (&["enqueue"], "send_sms"),
        (&["kinds"], "send_sms"),
        (&["dead", "list", "--kind"], "send_sms"),
        (&["pause"], "payment-reconcile"),
        (&["dead", "groups"], "payment-reconcile"),
        (&["dead", "replay", "--queue"], "payment-reconcile"),
        (&["work", "--queue"], "payment-reconcile"),
        (&["providers"], "google_maps"),
        // A stand-in that is nobody's provider: what it offers by itself stays.
        (&["sandbox", "fault"], "app"),
        (&["--profile"], "harbour"),
    ];
    for (words, word) in cases {
        let offered = offered(&bench, &script, &[&["longshore"], words].concat());
        assert!(
            offered.iter().any(|offer| offer == word),
            "{words:?}: {offered:?}"
        );
        assert!(!offered.iter().any(|offer| offer == "default"), "{words:?}");
    }
    // The kind comes before its args, for a shell that counts.
    let zsh = bench.run(&["completions", "zsh"]).ok().stdout;
    let enqueue = zsh.split_once("(enqueue)").expect("is there").1;
    let (kind, args) = (enqueue.find("':kind"), enqueue.find("':args"));
    assert!(kind.is_some() && kind < args, "{kind:?} {args:?}");
}

#[test]
fn completions_ask_redis_for_the_groups_of_dead_letters() {
    let mut bench = Bench::new();
    bench.bury(1, "400");
    let group = bench.group();
    let script = bench.run(&["completions", "bash"]).ok().stdout;
    let ids = bench.run(&["dead", "groups", "--ids"]).ok();
    assert_eq!(ids.stdout, format!("{group}\n"));
    let words = ["longshore", "dead", "replay", "--group"];
    assert_eq!(offered(&bench, &script, &words), [&*group]);
    for (shell, asks) in [
        ("zsh", "{compadd -- ${(f)\"$(longshore dead groups --ids"),
        ("fish", "-a \"(longshore dead groups --ids"),
        ("elvish", "suppressions"),
    ] {
        let script = bench.run(&["completions", shell]).ok().stdout;
        assert!(script.contains(asks), "{shell}");
        assert!(!script.contains("the_groups_of_dead_letters"), "{shell}");
    }
    // A prompt does not wait for a Redis that is away, and nothing is printed into it.
    bench.redis.kill();
    assert_eq!(offered(&bench, &script, &words), [""]);
}

#[test]
fn shells_and_man_get_theirs_without_configuration_or_redis() {
    let mut bench = Bench::new();
    bench.redis.kill();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = bench.run(&["completions", shell]).ok();
        assert!(ran.stdout.contains("suppressions"), "{shell}: {ran:?}");
        // clap_complete offers values to these alone, to fish those of options.
        let knows_kinds = ran.stdout.contains("reconcile_payments");
        let offers = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(knows_kinds, offers, "{shell}");
    }
    bench
        .run(&["completions", "tcsh"])
        .fails(2, "possible values");
    let page = bench.run(&["man"]).ok().stdout;
    assert!(
        page.contains(".TH") && page.contains("LONGSHORE_OPERATOR"),
        "{page}"
    );
    let dir = bench.dir.path().to_string_lossy().into_owned();
    bench.run(&["man", "--dir", &dir]).ok();
    let replay = bench.dir.path().join("longshore-dead-replay.1");
    let replay = std::fs::read_to_string(replay).expect("a page for each command");
    // A line of an example stays a line, and the footer has the program with its version in the place of neither the date
    // nor the name.
    let example = "\n.SH \"EXAMPLES\"\n.nf\n\\&longshore dead replay 01JD8Z5Q0V9T4X2M7K3N6P1R8S\n";
    assert!(replay.contains(example), "{replay}");
    let title = format!(
        ".TH \"longshore-dead-replay\" \"1\" \"\" \"longshore {}\" \"Longshore\"\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(replay.starts_with(&title), "{replay}");
    bench
        .run(&["man", "--dir", "/nowhere"])
        .fails(1, "name an existing directory");
}

/// Reads the first line of what it writes, and goes away.
fn head(command: &mut Command) -> (Child, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let stdout = child.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::with_capacity(64, stdout)
        .read_line(&mut line)
        .expect("a line");
    (child, line)
}

#[test]
fn a_reader_may_go_away() {
    let bench = Bench::new();
    // More than a pipe holds.
    bench.bury(3000, "413");
    for args in [
        &["dead", "list", "--limit", "9999"][..],
        &["dead", "list", "--limit", "9999", "--json"],
    ] {
        let (child, line) = head(&mut bench.command(args));
        let output = child.wait_with_output().expect("it ends");
        assert!(!line.is_empty());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !stderr.contains("panic") && !stderr.contains("error"),
            "{stderr}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_stops_no_job() {
    let bench = Bench::new();
    let args = ["enqueue", "send_email", "-", "--json"];
    let mut command = bench.command(&args);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    command.stdin(reader);
    let feeder = std::thread::spawn(move || {
        for _ in 0..3000 {
            writeln!(writer, "{WELCOME}").expect("it is read to its end");
        }
    });
    let (child, _) = head(&mut command);
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("it is fed");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(bench.row()["pending"], 3000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure_and_no_crash() {
    let bench = Bench::new();
    let full = || std::fs::File::create("/dev/full").expect("Linux has it");
    let ran = Ran::of(&["queues"], bench.command(&["queues"]).stdout(full()));
    // `output()` takes what is not set, and stdout is.
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let mut mute = bench.command(&["job", "x"]);
    assert_eq!(Ran::of(&["job", "x"], mute.stderr(full())).code, Some(2));
    let mut both = bench.command(&["queues"]);
    assert_eq!(
        Ran::of(&["queues"], both.stdout(full()).stderr(full())).code,
        Some(1)
    );
}
