//! What this process is called.

/// `host-pid`: what a process is called in histories, leases and Redis's list of connections.
pub(crate) fn process_name() -> String {
    let host = host_name().unwrap_or_else(|| "worker".to_owned());
    format!("{host}-{}", std::process::id())
}

/// What this machine, or container, is called.
pub(crate) fn host_name() -> Option<String> {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    named
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}
