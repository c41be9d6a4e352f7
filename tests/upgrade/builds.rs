//! The two builds of the program.

use std::fmt;
use std::path::{Path, PathBuf};

use longshore_tests::program;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// The earlier one.
    Before,
    /// Today's.
    Now,
}

impl Build {
    pub(crate) const BOTH: [Self; 2] = [Self::Before, Self::Now];
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "the earlier build",
            Self::Now => "today's build",
        })
    }
}

/// Where they are.
#[derive(Debug)]
pub(crate) struct Builds {
    before: PathBuf,
    now: PathBuf,
}

impl Builds {
    pub(crate) fn new(before: &Path) -> Self {
        // They are started in directories of their own.
        let before = before.canonicalize();
        Self {
            before: before.expect("the earlier build is there"),
            now: program(),
        }
    }

    pub(crate) fn of(&self, build: Build) -> &Path {
        match build {
            Build::Before => &self.before,
            Build::Now => &self.now,
        }
    }
}
