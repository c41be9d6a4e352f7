use std::path::PathBuf;

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Its logs.
    pub stderr: String,
}

impl Said {
    /// Its data as JSON.
    ///
    /// # Panics
    /// When it ended badly, or its data is no JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).expect("JSON on stdout")
    }
}

/// The binary under test: what `LONGSHORE_BIN` names, or the one that was built beside this test.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn program() -> PathBuf {
    let named = std::env::var_os("LONGSHORE_BIN").filter(|path| !path.is_empty());
    let program = named.map_or_else(beside_this_test, PathBuf::from);
    assert!(
        program.is_file(),
        "{} is not there: build it with `cargo build -p longshore`, in the same profile as the tests, or name one by \
         LONGSHORE_BIN",
        program.display()
    );
    program
}

/// Tests are in `target/<profile>/deps`, programs in `target/<profile>`.
fn beside_this_test() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let dir = test.parent().expect("a test is in a directory");
    let name = format!("longshore{}", std::env::consts::EXE_SUFFIX);
    match dir.ends_with("deps") {
        true => dir.with_file_name(name),
        false => dir.join(name),
    }
}
