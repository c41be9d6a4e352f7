use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::{Said, Stage, User};

/// Calls commands of one build of the program on a stage, also from a task of its own.
#[derive(Debug, Clone)]
pub struct Caller {
    program: PathBuf,
    dir: PathBuf,
    env: Vec<(OsString, Option<OsString>)>,
}

impl Caller {
    /// With what is set for the stage by now.
    #[must_use]
    pub fn new(stage: &Stage, program: &Path) -> Self {
        let command = stage.command_of(program, &User::Operator.at(&stage.redis.url()));
        let set = command.as_std().get_envs();
        let set = set.map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)));
        Self {
            program: program.to_owned(),
            dir: stage.dir().to_owned(),
            env: set.collect(),
        }
    }

    /// Runs a command to its end, with this on its stdin.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn call(&self, args: &[&str], stdin: &str) -> Said {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(&self.dir).kill_on_drop(true);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let piped = command.stdin(Stdio::piped());
        let piped = piped.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("starts");
        let mut input = child.stdin.take().expect("is piped");
        // One that ends before it has read all says why itself.
        let _ = input.write_all(stdin.as_bytes()).await;
        drop(input);
        let output = child.wait_with_output().await.expect("ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Said {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
