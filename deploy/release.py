#!/usr/bin/env python3
"""Makes what a release publishes, checks it, and says which commands publish it: `just release [--dry-run] [PART]...`.

It publishes nothing: that takes the owner's tokens. Its parts are `state`, `crates` and `program`, all unless some are named.

- `state`: the tree, the tag, CHANGELOG.md, the versions, and whether docs/ci-full.log is of what is released. What is wrong there stops a
  release; a dry run says it and goes on.
- `crates`: each crate as `cargo package` makes it, in order of dependence, and built from its package against the packages of the others.
- `program`: the program as production runs it, with manual, completions, configuration and deploy/, in one archive.

Everything goes to target/published, with SHA256SUMS.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MADE = ROOT / "target" / "published"
# Cargo's own files: beside the packages, so that they are built once.
BUILDS = MADE / "cargo"
PARTS = ["state", "crates", "program"]
SHELLS = {"bash": "longshore.bash", "elvish": "longshore.elv", "fish": "longshore.fish", "powershell": "_longshore.ps1", "zsh": "_longshore"}
# What production reads, and staging. `local` and `test` are for the stand-ins, which this program has not.
CONFIG = ["default.toml", "production.toml", "staging.toml", "templates"]
# What the trials are about: pages tell of them afterwards, and a trial may be mended between two of its stages.
RELEASED = ["Cargo.toml", "Cargo.lock", "crates", "config", "deploy", ":(exclude,glob)crates/*/tests/**", ":(exclude,glob)crates/*/fuzz-corpus.txt", ":(exclude)*.md", ":(exclude)deploy/release.py"]
# crates.io takes 10 MB.
LARGEST = 10_000_000


def say(text: str) -> None:
    print(f"release: {text}", flush=True)


def run(*command, **options) -> subprocess.CompletedProcess:
    options = {"check": True, "cwd": ROOT, "text": True, **options}
    return subprocess.run([str(word) for word in command], **options)


def output(*command, **options) -> str:
    return run(*command, stdout=subprocess.PIPE, **options).stdout.strip()


def succeeds(*command) -> bool:
    return run(*command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


class Release:
    """What is released."""

    def __init__(self) -> None:
        self.packages = {package["name"]: package for package in self.metadata() if package["publish"] is None}
        self.version = self.packages["longshore"]["version"]
        self.tag = f"v{self.version}"
        self.commit = output("git", "rev-parse", "HEAD")
        self.time = int(output("git", "show", "--no-patch", "--format=%ct", "HEAD"))
        self.changed = output("git", "status", "--porcelain").splitlines()
        # What stops a release, with its cure.
        self.findings: list[str] = []

    @staticmethod
    def metadata() -> list[dict]:
        return json.loads(output("cargo", "metadata", "--format-version=1", "--no-deps", "--locked", "--offline"))["packages"]

    def ours(self, name: str, kinds: tuple) -> list[dict]:
        """What a package needs of the others."""
        return [need for need in self.packages[name]["dependencies"] if need["name"] in self.packages and need["kind"] in kinds]

    def order(self) -> list[str]:
        """Each package after those that it needs."""
        found: list[str] = []

        def visit(name: str) -> None:
            for need in sorted(need["name"] for need in self.ours(name, (None, "build"))):
                visit(need)
            if name not in found:
                found.append(name)

        for name in sorted(self.packages):
            visit(name)
        return found


def state(release: Release) -> None:
    """Whether this commit may be released."""
    found = release.findings
    if release.changed:
        found.append(f"the tree has {len(release.changed)} changes, such as `{release.changed[0].strip()}`; commit or remove them")
    tagged = output("git", "rev-parse", "--verify", "--quiet", f"{release.tag}^{{commit}}", check=False)
    if tagged not in ("", release.commit):
        found.append(f"{release.tag} is another commit ({tagged[:12]}); raise the version in Cargo.toml")
    changes = (ROOT / "CHANGELOG.md").read_text()
    dated = re.search(rf"^## \[{re.escape(release.version)}\] - (\S+)$", changes, re.MULTILINE)
    if not dated or not re.fullmatch(r"\d{4}-\d\d-\d\d", dated[1]):
        found.append(f"CHANGELOG.md has no date for {release.version}; write `## [{release.version}] - YYYY-MM-DD`")
    unreleased = re.search(r"^## \[Unreleased\]$(.*?)^## \[", changes, re.MULTILINE | re.DOTALL)
    if unreleased and re.search(r"^- ", unreleased[1], re.MULTILINE):
        found.append("CHANGELOG.md has changes under [Unreleased]; move them to the version")
    if not release.packages["longshore"]["repository"]:
        found.append("Cargo.toml names no `repository`, so the READMEs' links lead nowhere on crates.io; add it to [workspace.package], and to each crate")
    versions(release)
    trials(release)


def versions(release: Release) -> None:
    """One version everywhere: nothing of it may differ, in a dry run neither."""
    for name, package in release.packages.items():
        if package["version"] != release.version:
            raise SystemExit(f"{name} is {package['version']}, and the program {release.version}; say `version.workspace = true`")
        for need in release.ours(name, (None, "build")):
            if need["req"] != f"^{release.version}":
                raise SystemExit(f"{name} wants {need['name']} {need['req']}, which is {release.version}; mend its Cargo.toml")
        for need in release.ours(name, ("dev",)):
            if need["req"] != "*":
                raise SystemExit(f"{name} tests with {need['name']} {need['req']}; name its path alone, so that it stays out of the package")


def trials(release: Release) -> None:
    """Whether the trials that are too slow for CI were run on this tree."""
    found = release.findings
    log = (ROOT / "docs/ci-full.log").read_text()
    # Each time that it went on after a failure it says of which tree.
    parts = re.findall(r"^commit ([0-9a-f]{40})(.*)$", log, re.MULTILINE)
    if not parts:
        found.append("docs/ci-full.log names no commit; run `just ci-full`")
        return
    for commit, said in parts:
        same = succeeds("git", "diff", "--quiet", commit, release.commit, "--", *RELEASED)
        if "(changed)" in said or not same:
            found.append(f"docs/ci-full.log is of other files than these ({commit[:12]}{', changed' if 'changed' in said else ''}); run `just ci-full`")
            break
    if "\nci-full: every stage has passed\n" not in log:
        found.append("docs/ci-full.log does not end with all its stages; run `just ci-full`")
    if not re.search(r"^stage: \d+ s  upgrade$", log, re.MULTILINE):
        found.append("docs/ci-full.log has no trial of an upgrade; run `just upgrade` against the release before this one (tests/upgrade/from)")


def crates(release: Release) -> None:
    """Each crate's package, built from what is in it."""
    order = release.order()
    places = [part for name in order for part in ("--package", name)]
    say(f"{len(order)} packages, each built from its files and the packages of the others; that takes some twenty minutes")
    run("cargo", "package", "--quiet", "--locked", "--allow-dirty", "--target-dir", BUILDS, *places,
        env=os.environ | {"CARGO_INCREMENTAL": "0", "CARGO_PROFILE_DEV_DEBUG": "false"})
    (MADE / "crates").mkdir(parents=True, exist_ok=True)
    for name in order:
        file = f"{name}-{release.version}.crate"
        shutil.copy2(BUILDS / "package" / file, MADE / "crates" / file)
        size = inside(MADE / "crates" / file, f"{name}-{release.version}")
        say(f"{size / 1000:7.0f} kB  {file}")


def inside(file: Path, top: str) -> int:
    """Looks into a package, and returns its size."""
    with tarfile.open(file) as archive:
        members = {member.name.removeprefix(f"{top}/"): member for member in archive.getmembers()}
        for name in ("Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT", "src/lib.rs"):
            if name not in members or not members[name].isreg() or members[name].size < 100:
                raise SystemExit(f"{file.name}: {name} is not in it as a file; look at `cargo package --list --package {top}`")
        own = archive.extractfile(members["Cargo.toml"])
        if own and re.search(r"^\[dev-dependencies\.longshore", own.read().decode(), re.MULTILINE):
            raise SystemExit(f"{file.name}: a crate of ours is among its dev-dependencies; name its path alone")
    odd = [name for name in members if name.startswith("tests/") or name.endswith((".log", ".rdb"))]
    if odd:
        raise SystemExit(f"{file.name}: {odd[0]} does not belong into it; see `exclude` in Cargo.toml")
    size = file.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{file.name}: {size} bytes are too many for crates.io")
    return size


def target() -> str:
    return re.search(r"^host: (\S+)$", output("rustc", "--version", "--verbose"), re.MULTILINE)[1]


def build(release: Release) -> Path:
    """The program, without stand-ins. The same sources at another place, by the same compiler and linker, give the same bytes."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    moved = {ROOT: "/longshore", home: "/cargo", output("rustc", "--print", "sysroot"): "/rust"}
    say("the program, optimised; that takes some ten minutes")
    run("cargo", "build", "--quiet", "--release", "--locked", "--package", "longshore", "--no-default-features", "--target-dir", BUILDS,
        env=os.environ | {
            "CARGO_INCREMENTAL": "0",
            "CARGO_PROFILE_RELEASE_DEBUG": "false",
            "CARGO_PROFILE_RELEASE_STRIP": "symbols",
            "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(f"--remap-path-prefix={at}={called}" for at, called in moved.items()),
            "SOURCE_DATE_EPOCH": str(release.time),
        })
    return BUILDS / "release" / "longshore"


def program(release: Release) -> None:
    """The archive: its files, packed so that the same files give the same bytes."""
    binary = build(release)
    name = f"longshore-{release.version}-{target()}"
    top = MADE / name
    shutil.rmtree(top, ignore_errors=True)
    for place in ("bin", "share/man/man1", "share/completions"):
        (top / place).mkdir(parents=True)
    shutil.copy2(binary, top / "bin/longshore")
    run(binary, "man", "--dir", top / "share/man/man1", stderr=subprocess.DEVNULL)
    for shell, file in SHELLS.items():
        (top / "share/completions" / file).write_text(output(binary, "completions", shell) + "\n")
    for file in ("LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md", "SECURITY.md"):
        shutil.copy2(ROOT / file, top / file)
    # What git has of them, and nothing that lies beside it.
    for file in output("git", "ls-files", "--", *(f"config/{part}" for part in CONFIG), "deploy").splitlines():
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, top / file)
    archive = MADE / f"{name}.tar.gz"
    pack(top, archive, release.time)
    shutil.rmtree(top)
    try_out(archive, name, release)


def pack(top: Path, archive: Path, time: int) -> None:
    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = time
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with archive.open("wb") as raw, gzip.GzipFile("", "wb", mtime=time, fileobj=raw) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in [top, *sorted(top.rglob("*"))]:
                tar.add(path, path.relative_to(top.parent), recursive=False, filter=plain)


def try_out(archive: Path, name: str, release: Release) -> None:
    """Unpacks it, as its user would, and runs what is in it."""
    tried = MADE / "tried"
    shutil.rmtree(tried, ignore_errors=True)
    tried.mkdir()
    run("tar", "--extract", "--file", archive, "--directory", tried)
    there = tried / name
    line = output(there / "bin/longshore", "--version")
    # Of a tree with changes it says so, if the program is made of them.
    if not re.fullmatch(rf"longshore {re.escape(release.version)} \({release.commit[:12]}(-dirty)? \d{{4}}-\d\d-\d\d\)", line):
        raise SystemExit(f"the program says of itself `{line}`, which is not {release.version} at {release.commit[:12]}")
    defaults = output(there / "bin/longshore", "config", "defaults")
    if defaults != (there / "config/default.toml").read_text().strip():
        raise SystemExit("config/default.toml is not what the program declares; run `just reference`")
    files = sum(1 for path in there.rglob("*") if path.is_file())
    pages = len(list((there / "share/man/man1").iterdir()))
    size = (there / "bin/longshore").stat().st_size
    shutil.rmtree(tried)
    say(f"{archive.stat().st_size / 1000:7.0f} kB  {archive.name}: {files} files, {pages} manual pages; the program has {size / 1e6:.1f} MB: {line}")


def sums() -> None:
    """SHA256SUMS, checked by another program than the one that wrote it."""
    files = sorted(path for pattern in ("*.tar.gz", "crates/*.crate") for path in MADE.glob(pattern))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(MADE)}\n" for path in files]
    (MADE / "SHA256SUMS").write_text("".join(lines))
    run("sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS", cwd=MADE)
    say(f"target/published/SHA256SUMS has {len(files)} files, and `sha256sum --check` agrees")


def commands(release: Release) -> None:
    """What the owner runs."""
    print(f"""
What publishes it, in this order. It takes the owner's tokens for git and crates.io:

    git tag --annotate {release.tag} --message 'Longshore {release.version}'
    git push origin {release.tag}""")
    for name in release.order():
        print(f"    cargo publish --locked --package {name}")
    print(f"""
crates.io takes five new names at once, then one in ten minutes (https://crates.io/docs/rate-limits). What is published stays: a version
can be yanked, not replaced. Beside the tag belong target/published/*.tar.gz and target/published/SHA256SUMS, and the image: `just image`.
""")


def main() -> None:
    parser = argparse.ArgumentParser(prog="just release", description="Makes and checks what a release publishes. Publishes nothing.")
    parser.add_argument("--dry-run", action="store_true", help="go on where something stops a release, and say it")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless some are named")
    args = parser.parse_args()
    wrong = [part for part in args.parts if part not in PARTS]
    if wrong:
        parser.error(f"there is no part `{wrong[0]}`; name some of {', '.join(PARTS)}")
    release = Release()
    say(f"Longshore {release.version} of {release.commit[:12]}{', changed' if release.changed else ''}")
    state(release)
    for finding in release.findings:
        say(f"stops a release: {finding}")
    if release.findings and not args.dry_run:
        raise SystemExit(f"{len(release.findings)} things stop this release; `just release --dry-run` goes on in spite of them")
    parts = args.parts or PARTS
    if not args.parts:
        shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True, exist_ok=True)
    if "crates" in parts:
        crates(release)
    if "program" in parts:
        program(release)
    if parts != ["state"]:
        sums()
    commands(release)
    if release.findings:
        say(f"a dry run: {len(release.findings)} things stop this release")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"release: `{' '.join(map(str, failed.cmd[:4]))} …` ended with {failed.returncode}; nothing is published")
