#!/usr/bin/env python3
"""Would a test of the queue notice a slip in a Lua script? `scripts.py [--every N] [FILE…]` changes one thing at a time in the scripts
that are named, as in `part/breaker.lua`, or in those that decide, and runs the queue's tests. A script stands as text in each program of
tests, so a mutant of the same length takes its place there, and nothing is built again. A mutant that no test fails for survives: then a
test is missing, or explained.txt says why nothing is. What happened to each is in target/mutants/scripts.txt."""

import argparse
import errno
import json
import mmap
import os
import re
import shutil
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


def built(names: list[str]) -> list[Path]:
    """The programs of the queue's tests, these or all, each as a copy that may be written into; the histories made at random last."""
    choice = [word for name in names for word in ("--test", name)] or ["--tests"]
    said = subprocess.run(
        ["cargo", "test", "--quiet", "--package", "longshore-queue", *choice, "--no-run", "--message-format", "json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    programs = []
    for line in said.splitlines():
        artifact = json.loads(line)
        if artifact.get("executable") and artifact["target"]["kind"] == ["test"] and artifact["target"]["name"] not in LEFT_OUT:
            copy = PLACE / "programs" / artifact["target"]["name"]
            shutil.copy(artifact["executable"], copy)
            programs.append(copy)
    return sorted(programs, key=lambda program: (program.name == "model", program.name))


class Program:
    """One program of tests, whose scripts can be changed."""

    def __init__(self, path: Path):
        self.path = path
        self.seconds = 0.0
        # None takes that long, however busy the machine is.
        self.most = 300.0
        self.left_out: list[str] = []

    def places(self, script: bytes) -> list[int]:
        """Where this script stands in it: as often as it is a part of others."""
        with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found, at = [], text.find(script)
            while at >= 0:
                found.append(at)
                at = text.find(script, at + len(script))
            return found

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

    def find_out(self):
        """Leaves out what fails without a mutant: some tests count what goes out in a second, and want a machine that is not busy."""
        while failed := self.run():
            test = failed.removeprefix(f"{self.path.name} ")
            if " " in test or len(self.left_out) == 3:
                raise SystemExit(f"without a mutant: {failed}")
            self.left_out.append(test)
        self.most = 30 + 10 * self.seconds

    def run(self) -> str | None:
        """Runs it up to the first test that fails. Says which, or None where all pass."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
            variables = {**os.environ, "TMPDIR": scratch, "CARGO_MANIFEST_DIR": str(ROOT / "crates/queue"), "LONGSHORE_MODEL_CASES": str(HISTORIES)}
            began = time.monotonic()
            process = subprocess.Popen(
                [self.path, "--test-threads", "6", "--exact", *(word for test in self.left_out for word in ("--skip", test))], cwd=ROOT / "crates/queue", env=variables, text=True, errors="replace",
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            late = threading.Timer(self.most, os.killpg, (process.pid, signal.SIGKILL))
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
                ended = f"{self.path.name} took longer than {self.most:.0f} s"
            late.cancel()
            end(process)
            self.seconds = time.monotonic() - began
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


def survived() -> set[tuple[str, str, str]]:
    """Those that survived when they were tried last."""
    found: dict[tuple[str, str, str], bool] = {}
    lines = (PLACE / "scripts.txt").read_text().splitlines()
    for said, before, after in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        found[said.split(":")[0], before[4:].strip(), after[4:].strip()] = said.endswith("SURVIVED")
    return {mutant for mutant, still in found.items() if still}


def survives(programs: list[Program], script: str, mutant: str) -> str | None:
    """Tries a mutant. Says what failed for it, or None where nothing did. What failed comes first the next time."""
    script, mutant = script.encode(), mutant.encode()
    for program in list(programs):
        places = program.places(script)
        if not places:
            continue
        program.write(places, mutant)
        try:
            failed = program.run()
        finally:
            program.write(places, script)
        if failed:
            programs.remove(program)
            programs.insert(0, program)
            return failed
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant")
    parser.add_argument("--lines", metavar="FROM-TO", help="only mutants of these lines")
    parser.add_argument("--again", action="store_true", help="only those that survived when they were tried last")
    parser.add_argument("--tests", metavar="NAME,…", help="only these programs of tests")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    first, last = (int(n) for n in options.lines.split("-")) if options.lines else (1, 10**6)
    (PLACE / "programs").mkdir(parents=True, exist_ok=True)
    programs = [Program(path) for path in built(options.tests.split(",") if options.tests else [])]
    print(f"{len(programs)} programs of tests, without a mutant:", flush=True)
    for program in programs:
        program.find_out()
        print(f"  {program.path.name} {program.seconds:.1f} s{''.join(f', without {test}' for test in program.left_out)}", flush=True)
    # The histories made at random come last, and the quick ones first.
    programs.sort(key=lambda program: (program.path.name == "model", program.seconds))
    compiler, why, only = Compiler(), explained(), survived() if options.again else set()
    counts: dict[str, Counter] = defaultdict(Counter)
    log = open(PLACE / "scripts.txt", "a", encoding="utf-8")
    try:
        for file in options.files or DECIDE:
            file = file.removeprefix(f"{LUA.relative_to(ROOT)}/")
            script = (LUA / file).read_text()
            mine = list(programs)
            for mutant in mutants_of(script)[:: options.every]:
                if not first <= mutant.line <= last or (options.again and (file, *mutant.named) not in only):
                    continue
                ended = try_one(mine, compiler, script, mutant, why.get((file, *mutant.named)))
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


def try_one(programs: list[Program], compiler: Compiler, script: str, mutant: Mutant, reason: str | None) -> str:
    text = same_length(script, mutant)
    if text is None or not compiler.takes(text):
        return "unviable"
    if reason:
        return "explained"
    failed = survives(programs, script, text)
    if failed is None:
        return "SURVIVED"
    return f"{'late' if 'took longer' in failed or 'did not come' in failed else 'caught'}: {failed}"


if __name__ == "__main__":
    sys.exit(main())
