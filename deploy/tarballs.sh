#!/usr/bin/env bash
# The engine as it would be published, and the integration that another payment provider can be put into: `cargo package` of
# each crate, unpacked into target/tarballs. What has not changed since is left as it stands, so that nothing is built again
# for it; the commit that cargo notes does not count.
set -euo pipefail
cd "$(dirname "$0")/.."
crates=(api app client console cron integration job listener operator outbox payment-reconcile provider queue sandbox testing webhooks worker)
made=target/tarballs/package
rm -rf "$made"
chosen=()
for crate in "${crates[@]}"; do
    chosen+=(--package "longshore-$crate")
done
# Built they are by who uses them; the lock file is theirs, too.
cargo package --quiet --offline --no-verify --exclude-lockfile --no-metadata --allow-dirty \
    --target-dir target/tarballs "${chosen[@]}"
for crate in "${crates[@]}"; do
    name="longshore-$crate"
    rm -rf "$made/new"
    mkdir "$made/new"
    # Cargo gives all files one time of long ago, by which a changed one would look unchanged.
    tar -xzmf "$made/$name"-*.crate -C "$made/new" --strip-components 1
    if ! diff -rq --exclude .cargo_vcs_info.json "$made/new" "target/tarballs/$name" >/dev/null 2>&1; then
        rm -rf "target/tarballs/$name"
        mv "$made/new" "target/tarballs/$name"
    fi
done
