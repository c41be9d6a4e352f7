//! What processes hold in memory, on Linux.

use crate::facts::Memory;

/// One process at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    role: &'static str,
    pid: i32,
    bytes: u64,
}

impl Process {
    pub(crate) fn look(role: &'static str, pid: i32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(Self {
            role,
            pid,
            bytes: kib * 1024,
        })
    }
}

/// Those that were there at both moments.
pub(crate) fn grown(early: &[Process], late: &[Process]) -> Vec<Memory> {
    let of = |late: &Process| {
        let before = early.iter().find(|early| early.pid == late.pid)?;
        Some(Memory {
            role: late.role,
            early_bytes: before.bytes,
            late_bytes: late.bytes,
        })
    };
    late.iter().filter_map(of).collect()
}
