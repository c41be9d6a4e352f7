#!/usr/bin/env bash
# Would a test notice if a guard were gone? Each patch here takes one out, so that a fault is back that was there once. Then the
# test that its head names must fail, with the words that its head expects. Without any patch the same tests must pass. All
# patches, or those whose names begin as said. `just prove` runs it; what the tests said is in target/prove.
set -euo pipefail
cd "$(dirname "$0")/../.."
place="$(pwd -P)/target/prove"
tree="$place/tree"
export CARGO_TARGET_DIR="$place/target" CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never RUST_BACKTRACE=0
# The copy stands inside this checkout and does not belong to it.
export GIT_CEILING_DIRECTORIES="$place"
mkdir -p "$tree"

# The lines of a patch's head that begin with this word.
of() { sed -n -e '/^diff /q' -e "s/^$2: //p" "$1"; }

# Copies this checkout as it is. Only what differs is written, so that only that is built again; what an earlier run left changed
# differs, too.
copy() {
    git ls-files --cached --others --exclude-standard | LC_ALL=C sort >"$place/files"
    local file
    while IFS= read -r file; do
        if [ -f "$file" ] && ! cmp -s "$file" "$tree/$file"; then
            case $file in */*) mkdir -p "$tree/${file%/*}" ;; esac
            cp "$file" "$tree/$file"
        fi
    done <"$place/files"
    (cd "$tree" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) | LC_ALL=C comm -13 "$place/files" - |
        while IFS= read -r file; do rm "$tree/$file"; done
}

# Builds a test, given as `package, cargo's choice of it, its name`, and runs it alone. Says "passed", "failed", or why it is
# neither; what it printed is in $place/said.
try() {
    local words
    read -ra words <<<"$1"
    local name="${words[${#words[@]} - 1]}"
    local choice=(--quiet --locked --package "${words[@]:0:${#words[@]}-1}")
    if ! (cd "$tree" && cargo test "${choice[@]}" --no-run) >"$place/said" 2>&1; then
        echo "it does not build, which is no catch"
        return
    fi
    (cd "$tree" && timeout 300 cargo test "${choice[@]}" -- --exact "$name") >"$place/said" 2>&1 || true
    if grep -q '^test result: ok\. 1 passed; 0 failed' "$place/said"; then
        echo passed
    elif grep -q '^test result: FAILED\. 0 passed; 1 failed' "$place/said"; then
        echo failed
    else
        echo "the test was not run to its end"
    fi
}

# Those of the lines on stdin that the test did not say.
unsaid() {
    local line
    while IFS= read -r line; do grep -qF -- "$line" "$place/said" || echo "$line"; done
}

patches=()
for patch in tests/prove/patches/*.patch; do
    name="$(basename "$patch" .patch)"
    wanted=$([ $# = 0 ] && echo yes || echo no)
    for begins in "$@"; do [[ $name == "$begins"* ]] && wanted=yes; done
    [ $wanted = no ] || patches+=("$patch")
done
[ ${#patches[@]} != 0 ] || { echo "no patch in tests/prove/patches is called $*" >&2; exit 2; }

wrong=0
# Says a line; with a reason it is something wrong.
told() {
    printf '%-11s %4s s  %s\n' "$1" "$((SECONDS - began))" "$2"
    [ -z "${3:-}" ] && return
    wrong=$((wrong + 1))
    echo "    $3" >&2
    tail -n 30 "$place/said" | sed 's/^/    | /' >&2
}

copy
declare -A passes=()
for patch in "${patches[@]}"; do
    test="$(of "$patch" Test)"
    [ -z "${passes[$test]:-}" ] || continue
    began=$SECONDS
    passes[$test]="$(try "$test")"
    case "${passes[$test]}" in
        passed) told passes "$test" ;;
        *) told "NOT PASSED" "$test" "without any patch: ${passes[$test]}" ;;
    esac
done
[ $wrong = 0 ] || exit 1

for patch in "${patches[@]}"; do
    name="$(basename "$patch" .patch)" test="$(of "$patch" Test)"
    began=$SECONDS
    if ! git -C "$tree" apply "$PWD/$patch" >"$place/said" 2>&1; then
        told "OUT OF DATE" "$name" "it no longer applies: find the guard, and make the patch anew"
        continue
    fi
    ended="$(try "$test")"
    git -C "$tree" apply --reverse "$PWD/$patch"
    cp "$place/said" "$place/$name.said"
    if [ "$ended" != failed ]; then
        told "NOT CAUGHT" "$name" "$test: $ended"
    elif unsaid="$(of "$patch" Says | unsaid)" && [ -n "$unsaid" ]; then
        told "NOT CAUGHT" "$name" "$test failed, but did not say: $unsaid"
    else
        told caught "$name, by $test"
    fi
done
echo "$((${#patches[@]} - wrong)) of ${#patches[@]} caught"
[ $wrong = 0 ]
