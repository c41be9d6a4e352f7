//! What the system lets a process that runs have: limits that are set from outside, on Linux.

use rustix::process::Pid;

/// What a process may be short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No file of it may grow beyond so many bytes, as where its disk is full. A process that does not ignore `SIGXFSZ` is
    /// ended by the first write that would.
    FileSize(u64),
    /// It may open no descriptor from this number on.
    Descriptors(u64),
}

/// Limits a process from now on. `None` for what it says is no limit.
///
/// # Errors
/// Where the system has no such limits, or refuses.
#[cfg(target_os = "linux")]
pub fn limit(pid: Pid, limit: Limit) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let (resource, current) = match limit {
        Limit::FileSize(u64::MAX) => (Resource::Fsize, None),
        Limit::FileSize(bytes) => (Resource::Fsize, Some(bytes)),
        Limit::Descriptors(count) => (Resource::Nofile, Some(count)),
    };
    let path = format!("/proc/{}/limits", pid.as_raw_nonzero());
    let limits = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let maximum = hard(&limits, resource == Resource::Nofile);
    let new = Rlimit { current, maximum };
    let set = prlimit(Some(pid), resource, new);
    set.map(drop)
        .map_err(|error| format!("its limits stay as they are: {error}"))
}

/// As said above.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn limit(_: Pid, _: Limit) -> Result<(), String> {
    Err("this system limits no process from outside".to_owned())
}

/// The limit that it may not raise, in the kernel's words: `Max open files  1024  524288  files`.
#[cfg(target_os = "linux")]
fn hard(limits: &str, files: bool) -> Option<u64> {
    let name = if files {
        "Max open files"
    } else {
        "Max file size"
    };
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
