#!/usr/bin/env bash
# Plays the stories of the console in Chromium: `check.sh quick` those of CI, `check.sh NAME…` some, else all. `check.sh pictures` plays what makes the
# pictures of the docs, and writes them. The binary is target/debug/longshore, or what LONGSHORE_BINARY names.
set -euo pipefail
cd "$(dirname "$0")/../.."
./tests/console/tools.sh

quick=(morning_after login pages hostile)
case "${1:-}" in
    quick)
        export LONGSHORE_QUICK=1
        stories=("${quick[@]}") ;;
    pictures)
        export LONGSHORE_PICTURES="$PWD/docs/pictures"
        stories=(morning_after) ;;
    "") stories=(); for file in tests/console/stories/*.test.mjs; do name="$(basename "$file")"; stories+=("${name%.test.mjs}"); done ;;
    *) stories=("$@") ;;
esac
began=$SECONDS
node --test --test-concurrency=1 --test-reporter=spec $(printf "tests/console/stories/%s.test.mjs " "${stories[@]}") 2>&1
echo "console: ${#stories[@]} stories in $((SECONDS - began)) s"
