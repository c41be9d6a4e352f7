#!/usr/bin/env python3
"""Would a test of the queue notice a slip in a Lua script? `scripts.py [--every N] [FILE…]` changes one thing at a time in the scripts
that are named, as in `part/breaker.lua`, or in those that decide, and runs the queue's tests that come to its line (reach.py). A script
stands as text in each program of tests, so a mutant of the same length takes its place there, and nothing is built again. A mutant that no
test fails for survives: then a test is missing, or explained.txt says why nothing is. What happened to each is in target/mutants/scripts.txt."""

import argparse
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.dont_write_bytecode = True

from lua import Mutant, mutants_of, same_length
from reach import Reach

ROOT = Path(__file__).resolve().parents[2]
LUA = ROOT / "crates/queue/lua"
PLACE = ROOT / "target/mutants"

# What decides when a provider may be called, how a job ends, and which job a key stands for.
DECIDE = [
    "part/breaker.lua", "part/limiter.lua", "part/hold.lua", "part/call.lua", "part/call_report.lua", "part/reach.lua", "part/key.lua",
    "acquire_call.lua", "report_call.lua", "tokens.lua", "claim.lua", "settle.lua",
]  # fmt: skip

# Of these it is known that they are about something else, and take long.
LEFT_OUT = ("link", "sentinel", "cluster")

# How many histories are made at random for a mutant: those that were found before are run each time.
HISTORIES = 12


# Tests that take longer, in seconds, are run last.
QUICK = 5.0

# So many tests that failed for mutants before are run ahead of all others.
MOST_FIRST = 8


def built(names: list[str]) -> list["Program"]:
    """The programs of the queue's tests, these or all, each as a copy that may be written into."""
    choice = [word for name in names for word in ("--test", name)] or ["--tests"]
    said = subprocess.run(
        ["cargo", "test", "--quiet", "--package", "longshore-queue", *choice, "--no-run", "--message-format", "json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    programs = []
    for line in said.splitlines():
        artifact = json.loads(line)
        if artifact.get("executable") and artifact["target"]["kind"] == ["test"] and artifact["target"]["name"] not in LEFT_OUT:
            made = Path(artifact["executable"])
            copy = PLACE / "programs" / artifact["target"]["name"]
            # Without what a debugger needs it is small: it is searched and loaded often.
            subprocess.run(["strip", "--strip-debug", "-o", copy, made], check=True)
            programs.append(Program(copy, f"{made.name} {made.stat().st_mtime_ns}"))
    return sorted(programs, key=lambda program: program.path.name)


class Program:
    """One program of tests, whose scripts can be changed."""

    def __init__(self, path: Path, made: str):
        self.path = path
        # Another text where it was built anew.
        self.made = made
        self.found: dict[bytes, list[int]] = {}

    def places(self, script: bytes) -> list[int]:
        """Where this script stands in it: as often as it is a part of others."""
        if script not in self.found:
            text, at = self.path.read_bytes(), -1
            self.found[script] = []
            while (at := text.find(script, at + 1)) >= 0:
                self.found[script].append(at)
        return self.found[script]

    def write(self, places: list[int], script: bytes):
        for _ in range(200):
            try:
                with open(self.path, "r+b") as file:
                    for at in places:
                        file.seek(at)
                        file.write(script)
                return
            except OSError as error:
                # One that was killed a moment ago has not quite gone.
                if error.errno != errno.ETXTBSY:
                    raise
                time.sleep(0.05)
        raise SystemExit(f"{self.path} still runs")

    def names(self) -> list[str]:
        """Its tests."""
        said = subprocess.run([self.path, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return re.findall(r"^(\S+): test$", said, re.MULTILINE)

    def run(self, tests: list[str], most: float = 300.0, variables: dict[str, str] | None = None) -> str | None:
        """Runs these tests up to the first that fails. Says which, or None where all pass."""
        with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as scratch:
            of_queue = {"TMPDIR": scratch, "CARGO_MANIFEST_DIR": str(ROOT / "crates/queue"), "LONGSHORE_MODEL_CASES": str(HISTORIES)}
            process = subprocess.Popen(
                [self.path, "--test-threads", "6", "--exact", *tests], cwd=ROOT / "crates/queue", env={**os.environ, **of_queue, **(variables or {})},
                text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
            )  # fmt: skip
            late = threading.Timer(most, os.killpg, (process.pid, signal.SIGKILL))
            late.start()
            ended = None
            for line in process.stdout:
                failed = re.match(r"test (\S+)(?: - should panic)? \.\.\. FAILED", line)
                if failed:
                    ended = f"{self.path.name} {failed[1]}"
                if failed or line.startswith("test result: ok"):
                    break
            else:
                ended = f"{self.path.name} did not come to its end"
            # Tests that still run would go on with the servers that they have started.
            if ended:
                end(process)
            process.wait()
            if not late.is_alive():
                ended = f"{self.path.name} took longer than {most:.0f} s"
            late.cancel()
            end(process)
            return ended


def end(process: subprocess.Popen):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Compiler:
    """A Redis that says whether it would take a script."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="mutants-")
        self.socket = f"{self.dir.name}/redis"
        self.server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.dir.name], stdout=subprocess.DEVNULL
        )
        while not Path(self.socket).exists():
            time.sleep(0.02)

    def takes(self, script: str) -> bool:
        said = subprocess.run(
            ["redis-cli", "-s", self.socket, "-x", "SCRIPT", "LOAD"], input="#!lua\n" + script, stdout=subprocess.PIPE, text=True, check=False
        ).stdout
        return re.fullmatch(r"[0-9a-f]{40}\s*", said) is not None

    def close(self):
        self.server.terminate()
        self.server.wait()
        self.dir.cleanup()


def explained() -> dict[tuple[str, str, str], str]:
    """What explained.txt says: of each mutant that may survive, why."""
    found, file, before, after = {}, None, None, None
    for line in (Path(__file__).parent / "explained.txt").read_text().splitlines():
        if line.startswith("== "):
            file = line[3:]
        elif line.startswith("- "):
            before = line[2:].strip()
        elif line.startswith("+"):
            after = line[1:].strip()
        elif line.startswith("  ") and after is not None:
            found[file, before, after] = line.strip()
    return found


def tried() -> dict[tuple[str, str, str], bool]:
    """Those that were tried: whether they survived when they were last."""
    found: dict[tuple[str, str, str], bool] = {}
    log = PLACE / "scripts.txt"
    lines = log.read_text().splitlines() if log.exists() else []
    for said, before, after in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        found[said.split(":")[0], before[4:].strip(), after[4:].strip()] = said.endswith("SURVIVED")
    return found


class Trial:
    """Tries mutants of one script."""

    def __init__(self, programs: list[Program], script: str, reach: Reach, most: int):
        self.programs = {program.path.name: program for program in programs}
        self.script, self.reach, self.most = script, reach, most
        # The tests that failed for mutants, the last one first: mutants of lines near by often fail the same.
        self.failed: list[tuple[str, str]] = []

    def survives(self, line: int, mutant: str) -> str | None:
        """Tries a mutant of this line. Says what failed for it, or None where nothing did."""
        tests = self.reach.of(self.script, line)
        first = [test for test in self.failed if test in tests][:MOST_FIRST]
        rest = [test for test in tests if test not in first]
        quick, slow = [test for test in rest if tests[test] < QUICK], [test for test in rest if tests[test] >= QUICK]
        if self.most:
            quick, slow = quick[: self.most], []
        for group in (first[:2], first[2:], quick, slow):
            failed = self.fails(group, tests, mutant)
            if failed:
                return failed
        return None

    def fails(self, group: list[tuple[str, str]], tests: dict[tuple[str, str], float], mutant: str) -> str | None:
        for name in dict.fromkeys(name for name, _ in group):
            program, mine = self.programs[name], [test for of, test in group if of == name]
            places = program.places(self.script.encode())
            program.write(places, mutant.encode())
            try:
                while mine:
                    failed = program.run(mine, 60 + 8 * sum(tests[name, test] for test in mine))
                    if not failed:
                        break
                    test = failed.removeprefix(f"{name} ")
                    if (name, test) not in tests:
                        return failed
                    # A test that wants a machine which is not busy fails at times without a mutant: the first time it is asked again.
                    if (name, test) in self.failed or program.run([test], 60 + 8 * tests[name, test]):
                        self.failed = [(name, test), *(other for other in self.failed if other != (name, test))]
                        return failed
                    mine.remove(test)
            finally:
                program.write(places, self.script.encode())
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant")
    parser.add_argument("--lines", metavar="FROM-TO", help="only mutants of these lines")
    parser.add_argument("--rest", action="store_true", help="only those that were not tried yet")
    parser.add_argument("--again", action="store_true", help="only those that survived when they were tried last")
    parser.add_argument("--explained", action="store_true", help="only those that are explained, as if they were not: to see whether the reasons hold")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="only so many quick tests a mutant, and those that failed lately: to look ahead")
    parser.add_argument("--tests", metavar="NAME,…", help="only these programs of tests")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    first, last = (int(n) for n in options.lines.split("-")) if options.lines else (1, 10**6)
    (PLACE / "programs").mkdir(parents=True, exist_ok=True)
    programs = built(options.tests.split(",") if options.tests else [])
    files = [file.removeprefix(f"{LUA.relative_to(ROOT)}/") for file in options.files or DECIDE]
    scripts = {file: (LUA / file).read_text() for file in files}
    print("which tests come to which lines:", flush=True)
    reach = Reach(PLACE, list(scripts.values()), programs)
    compiler, why, before = Compiler(), explained(), tried()
    counts: dict[str, Counter] = defaultdict(Counter)
    log = open(PLACE / "scripts.txt", "a", encoding="utf-8")
    try:
        for file, script in scripts.items():
            trial = Trial(programs, script, reach, options.most)
            for mutant in mutants_of(script)[:: options.every]:
                named = (file, *mutant.named)
                if not first <= mutant.line <= last or (options.again and not before.get(named)) or (options.rest and named in before):
                    continue
                if options.explained and named not in why:
                    continue
                ended = try_one(trial, compiler, mutant, None if options.explained else why.get(named))
                counts[file][ended.split(":")[0]] += 1
                print(f"{file}:{mutant.line}: {ended}\n  - {mutant.named[0]}\n  + {mutant.named[1]}", file=log, flush=True)
                if ended == "SURVIVED":
                    print(f"{file}:{mutant.line}: {ended}\n  - {mutant.named[0]}\n  + {mutant.named[1]}", flush=True)
            print(f"{file}: {', '.join(f'{n} {ended}' for ended, n in counts[file].items())}", flush=True)
    finally:
        compiler.close()
    whole = sum(counts.values(), Counter())
    print(f"{sum(whole.values())} mutants: {', '.join(f'{n} {ended}' for ended, n in whole.items())}")
    return 1 if whole["SURVIVED"] else 0


def try_one(trial: Trial, compiler: Compiler, mutant: Mutant, reason: str | None) -> str:
    text = same_length(trial.script, mutant)
    if text is None or not compiler.takes(text):
        return "unviable"
    if reason:
        return "explained"
    failed = trial.survives(mutant.line, text)
    if failed is None:
        return "SURVIVED"
    return f"{'late' if 'took longer' in failed or 'did not come' in failed else 'caught'}: {failed}"


if __name__ == "__main__":
    sys.exit(main())
