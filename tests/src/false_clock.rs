//! Wall clocks that are wrong, each for one process.
//!
//! A small library gives a process a false clock. The C compiler that Rust links with makes it; where there is none, or
//! the system does not load it this way, there are no false clocks.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Start, Worker};

/// Wall clocks that can be set, each for one process.
#[derive(Debug)]
pub struct Clocks {
    library: PathBuf,
    dir: TempDir,
}

impl Clocks {
    /// `None`, with the reason on stderr, where there can be none.
    ///
    /// # Panics
    /// When no directory can be made.
    #[must_use]
    pub fn make() -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/false_clock.c");
        let dir = tempfile::tempdir().expect("a directory");
        let library = dir.path().join("false_clock.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]);
        let made = compiler.arg(&library).arg(source).output();
        let why = match made {
            Ok(output) if output.status.success() && cfg!(target_os = "linux") => {
                return Some(Self { library, dir });
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("skipped: no C compiler makes a false clock here: {why}");
        None
    }

    /// A clock that is right at first, and what has to be in the environment of the process that goes by it.
    ///
    /// # Panics
    /// When its file cannot be written.
    #[must_use]
    pub fn clock(&self, name: &str) -> (Clock, [(&'static str, String); 2]) {
        let path = self.dir.path().join(name);
        fs::write(&path, 0_i64.to_ne_bytes()).expect("a clock");
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let env = [
            ("LD_PRELOAD", text(&self.library)),
            ("FALSE_CLOCK", text(&path)),
        ];
        let file = File::options().write(true).open(path);
        let file = file.expect("a clock");
        (Clock { file }, env)
    }

    /// A worker with a clock of its own, which is off by so many seconds.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn worker(&self, start: Start<'_>, name: &str, off: i64) -> (Worker, Clock) {
        let (clock, env) = self.clock(name);
        clock.set(off);
        let start = env
            .into_iter()
            .fold(start, |start, (name, value)| start.env(name, value));
        (start.start().await, clock)
    }
}

/// One process's wall clock.
#[derive(Debug)]
pub struct Clock {
    file: File,
}

impl Clock {
    /// Sets it so many seconds ahead of the right time.
    ///
    /// # Panics
    /// When its file is gone.
    pub fn set(&self, off: i64) {
        let written = self.file.write_all_at(&off.to_ne_bytes(), 0);
        written.expect("is set");
    }
}
