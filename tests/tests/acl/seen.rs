//! What each user really does, as Redis's MONITOR tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::JoinHandle;

use longshore_tests::User;

/// Commands that are several: their second word says which.
const FAMILIES: [&str; 8] = [
    "acl", "client", "cluster", "command", "config", "memory", "object", "script",
];

/// Commands whose keys are not their first word.
const KEYLESS: [&str; 10] = [
    "hello", "info", "ping", "role", "scan", "time", "wait", "auth", "asking", "multi",
];

/// What one user has done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Commands that it sent itself.
    pub(crate) commands: BTreeSet<String>,
    /// The SHA-1 of scripts that it called.
    pub(crate) scripts: BTreeSet<String>,
    /// Commands that scripts of its called.
    pub(crate) inside: BTreeSet<String>,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) channels: BTreeSet<String>,
}

/// A connection that is told of every command.
pub(crate) struct Watch {
    stream: TcpStream,
    lines: JoinHandle<Vec<String>>,
}

impl Watch {
    pub(crate) fn on(url: &str) -> Self {
        let place = url.trim_start_matches("redis://");
        let mut stream = TcpStream::connect(place).expect("a Redis");
        stream.write_all(b"MONITOR\r\n").expect("asks");
        let read = BufReader::new(stream.try_clone().expect("a second handle"));
        let lines = std::thread::spawn(move || read.lines().map_while(Result::ok).collect());
        Self { stream, lines }
    }

    /// Ends it, and says who did what. Whose a connection is its name says, which it gets first.
    pub(crate) fn end(self) -> Seen {
        self.stream
            .shutdown(std::net::Shutdown::Both)
            .expect("it is open");
        let lines = self.lines.join().expect("no panic");
        let mut seen = Seen::default();
        let mut whose = BTreeMap::new();
        let mut last = None;
        for line in &lines {
            let Some((place, words)) = parsed(line) else {
                continue;
            };
            if place == "lua" {
                seen.inside(last, &words);
                continue;
            }
            // A connection begins, maybe from the port of one that has ended. Anybody may say who he is.
            if words[0] == "AUTH" {
                whose.remove(&place);
            }
            if let [client, set, name, ..] = &words[..]
                && client == "CLIENT"
                && set == "SETNAME"
            {
                whose.insert(place.clone(), user_of(name));
            }
            if words[0] == "SCRIPT" && words[1] == "LOAD" {
                seen.texts.insert(words[2].clone());
            }
            last = whose.get(&place).copied().flatten();
            if let Some(user) = last {
                seen.by.entry(user).or_default().note(&words);
            }
        }
        seen
    }
}

/// Whose connections have this name.
fn user_of(name: &str) -> Option<User> {
    match name.split(':').nth(1)? {
        "work" => Some(User::Worker),
        "webhooks" => Some(User::Webhooks),
        "producer" | "api" | "outbox" => Some(User::Producer),
        "cli" => Some(User::Operator),
        // The test's own.
        _ => None,
    }
}

/// Who did what.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    by: BTreeMap<User, Done>,
    /// Scripts.
    pub(crate) texts: BTreeSet<String>,
}

impl Seen {
    pub(crate) fn by(&mut self, user: User) -> &mut Done {
        let done = self.by.get_mut(&user);
        done.unwrap_or_else(|| panic!("{user:?} did nothing"))
    }

    /// What a script of this user's called.
    fn inside(&mut self, user: Option<User>, words: &[String]) {
        let Some(user) = user else {
            return;
        };
        let done = self.by.entry(user).or_default();
        if words[0] == "SPUBLISH" {
            done.channels.insert(words[1].clone());
        }
        done.inside.insert(words[0].to_lowercase());
    }
}

impl Done {
    fn note(&mut self, words: &[String]) {
        let name = words[0].to_lowercase();
        let full = match FAMILIES.contains(&&*name) {
            true => format!("{name}|{}", words[1].to_lowercase()),
            false => name.clone(),
        };
        match &*name {
            "evalsha" => {
                self.scripts.insert(words[1].clone());
                let keys: usize = words[2].parse().expect("a number of keys");
                self.keys.extend(words[3..3 + keys].iter().cloned());
            }
            "ssubscribe" => self.channels.extend(words[1..].iter().cloned()),
            "exists" | "del" | "unlink" => self.keys.extend(words[1..].iter().cloned()),
            name if KEYLESS.contains(&name) || full.contains('|') => {}
            _ => self.keys.extend(words.get(1).cloned()),
        }
        self.commands.insert(full);
    }
}

/// A line of MONITOR's: `1339518083.107412 [0 127.0.0.1:60866] "GET" "a\x00b"`; where it came from, and its words.
fn parsed(line: &str) -> Option<(String, Vec<String>)> {
    let (place, mut rest) = line.split_once(" [")?.1.split_once("] ")?;
    let place = place.split_once(' ')?.1.to_owned();
    let mut words = Vec::new();
    while let Some(open) = rest.strip_prefix('"') {
        let mut word = Vec::new();
        let bytes = open.as_bytes();
        let mut at = 0;
        while bytes[at] != b'"' {
            let (byte, length) = match &bytes[at..] {
                [b'\\', b'x', hex @ ..] => {
                    let hex = std::str::from_utf8(&hex[..2]).ok()?;
                    (u8::from_str_radix(hex, 16).ok()?, 4)
                }
                [b'\\', b'n', ..] => (b'\n', 2),
                [b'\\', b'r', ..] => (b'\r', 2),
                [b'\\', b't', ..] => (b'\t', 2),
                [b'\\', b'a', ..] => (7, 2),
                [b'\\', b'b', ..] => (8, 2),
                [b'\\', other, ..] => (*other, 2),
                [other, ..] => (*other, 1),
                [] => return None,
            };
            word.push(byte);
            at += length;
        }
        words.push(String::from_utf8_lossy(&word).into_owned());
        rest = open[at + 1..].trim_start();
    }
    (!words.is_empty()).then_some((place, words))
}

/// The scripts of `crates/queue/lua`: name, text.
pub(crate) fn scripts() -> BTreeMap<String, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/queue/lua");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("they are there") {
        let path = entry.expect("is read").path();
        if let (Some(name), Some("lua")) =
            (path.file_stem(), path.extension().and_then(|e| e.to_str()))
        {
            let name = name.to_str().expect("UTF-8").to_owned();
            found.insert(name, std::fs::read_to_string(&path).expect("is read"));
        }
    }
    found
}

/// Every command that the scripts call, as the proof has them.
fn commands() -> BTreeSet<String> {
    let proof = &scripts()["prove"];
    let named = proof.split("{ '").skip(1);
    let named = named.filter_map(|rest| rest.split('\'').next());
    named.map(str::to_lowercase).collect()
}

/// The commands that a script calls, or has ready to call: Redis asks for its user's right to each.
pub(crate) fn called(name: &str, text: &str) -> BTreeSet<String> {
    if name == "prove" {
        // It names all of them.
        return ["set", "del"].map(str::to_owned).into();
    }
    let known = commands();
    let words = text
        .split('\'')
        .filter(|word| word.bytes().all(|b| b.is_ascii_uppercase()));
    words
        .map(str::to_lowercase)
        .filter(|word| known.contains(word))
        .collect()
}
