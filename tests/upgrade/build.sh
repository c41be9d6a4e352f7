#!/usr/bin/env bash
# Builds the program as it was at a commit, the one in tests/upgrade/from unless another is named, and prints where it is. It is
# built once: what is there already is taken.
set -euo pipefail
cd "$(dirname "$0")/../.."
from="${1:-$(sed '/^#/d' tests/upgrade/from)}"
commit="$(git rev-parse --verify "$from^{commit}")"
place="$PWD/target/upgrade"
built="$place/longshore-${commit:0:12}"
if [ ! -x "$built" ]; then
    rm -rf "$place/tree"
    mkdir -p "$place/tree"
    # As new, or cargo would take what it has built of another commit for it.
    git archive "$commit" | tar -x -m -C "$place/tree"
    (cd "$place/tree" && CARGO_TARGET_DIR="$place/target" cargo build --quiet --locked --package longshore) >&2
    cp "$place/target/debug/longshore" "$built.new"
    mv "$built.new" "$built"
fi
echo "$built"
