"""Which tests come to which lines of a script: so a mutant is tried by those only that come to its line. What a test comes to is written by
the script itself, into the log of the test's Redis."""

import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lua import tokens

# So many tests at once, while it is looked where they come to.
AT_ONCE = 4

# So many lines from a mutant on tell which tests try it best.
NEAR = 8

# So many of these go before those that together come to all that follows.
RAREST = 6

# A test that takes longer than that, in seconds, is left out.
LONGEST = 300

# A line that begins so is the rest of a statement, or ends a block.
NO_BEGINNING = ("end", "else", "elseif", "until", "and", "or", ")", "}", "]", "..", "=", ",", "+", "-", "*", "/")
# After a line that ends so, its statement goes on.
GOES_ON = ("=", ",", "and", "or", "not", "..", "+", "-", "*", "/", "==", "~=", "<", ">", "<=", ">=", "return")

LOGGED = "redis.z%d = (function(log, seen) return function(n) if not seen[n] then seen[n] = 1 log(3, '~%d~' .. n) end end end)(redis.log, {}) "


def traced(script: str, name: int) -> str | None:
    """The script, each statement of which writes the name and its line into the log, once a call: as long as the script, and without
    its comments, for want of room. None where there is not enough of it."""
    lines, depth, goes_on, first = [], 0, False, True
    for number, line in enumerate(script.split("\n"), 1):
        code = [part for part in tokens(line) if part[0] not in ("space", "comment")]
        if not code:
            lines.append("")
            continue
        start, text = code[0][2], line[: code[-1][3]]
        if depth == 0 and not goes_on and code[0][1] not in NO_BEGINNING:
            text = f"{text[:start]}{LOGGED % (name, name) if first else ''}redis.z{name}({number}) {text[start:]}"
            first = False
        for kind, sign, _, _ in code:
            if kind == "sign":
                depth += (sign in "([{") - (sign in ")]}")
        goes_on = code[-1][1] in GOES_ON
        lines.append(text)
    text = "\n".join(lines)
    room = len(script.encode()) - len(text.encode())
    return text + "\n" * room if room >= 0 else None


def beginning(script: str, line: int) -> int:
    """The line of a statement that is run where this line is: itself, or the nearest one before that is not further in."""
    lines, marked = script.split("\n"), traced(script, 0).split("\n")
    indent = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    for number in range(line, 0, -1):
        text = lines[number - 1]
        if f"redis.z0({number}) " in marked[number - 1] and len(text) - len(text.lstrip()) <= indent:
            return number
    return 0


class Reach:
    """The tests that come to each line of some scripts, and how long each takes."""

    def __init__(self, place: Path, scripts: list[str], programs: list):
        self.scripts, self.place = scripts, place
        self.traced = [traced(script, name) for name, script in enumerate(scripts)]
        self.server = place / "redis-server"
        self.server.write_text('#!/bin/sh\nexec redis-server "$@" --logfile "$MUTANT_LOG"\n')
        self.server.chmod(0o755)
        # Program, test, seconds, and of each script the lines.
        self.tests: list[tuple[str, str, float, list[set[int]]]] = []
        for program in programs:
            key = "".join((program.path.name, program.made, *scripts))
            kept = place / f"reach-{program.path.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
            if not kept.exists():
                kept.write_text(json.dumps(self.look(program)))
            for name, test, seconds, reached in json.loads(kept.read_text()):
                self.tests.append((name, test, seconds, [set(lines) for lines in reached]))

    def look(self, program) -> list:
        """What the tests of one program come to."""
        places = [program.places(script.encode()) for script in self.scripts]
        if not any(places):
            return []
        try:
            for at, text in zip(places, self.traced, strict=True):
                if text:
                    program.write(at, text.encode())
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found = pool.map(lambda test: self.look_at(program, test), program.names())
                return [row for row in found if row]
        finally:
            for at, script in zip(places, self.scripts, strict=True):
                program.write(at, script.encode())

    def look_at(self, program, test: str):
        log = self.place / f"{program.path.name}-{test.replace(':', '-')}.log"
        log.unlink(missing_ok=True)
        began = time.monotonic()
        failed = program.run([test], LONGEST, {"LONGSHORE_TEST_REDIS_SERVER": str(self.server), "MUTANT_LOG": str(log)})
        seconds = time.monotonic() - began
        logged = log.read_text(errors="replace") if log.exists() else ""
        log.unlink(missing_ok=True)
        reached = [sorted({int(n) for n in re.findall(rf"~{name}~(\d+)$", logged, re.MULTILINE)}) for name in range(len(self.scripts))]
        of_each = ", ".join(str(len(lines)) for lines in reached)
        print(f"  {program.path.name} {test} {seconds:.1f} s, lines: {of_each}{', FAILED' if failed else ''}", flush=True)
        return (program.path.name, test, seconds, reached) if not failed else None

    def of(self, script: str, line: int) -> dict[tuple[str, str], float]:
        """The tests that come to this line of a script, and how long each takes; all tests where that is not known. First those that go on
        from there as few others do: they try what is decided there. Then those that together come to all that follows it."""
        which = self.scripts.index(script)
        at = beginning(script, line) if self.traced[which] else None
        found = [(name, test, seconds, reached[which]) for name, test, seconds, reached in self.tests if not at or at in reached[which]]
        rare = [0.0] * len(found)
        for near in range(line, line + NEAR):
            for comes in (True, False):
                alike = [n for n, row in enumerate(found) if (near in row[3]) == comes]
                for n in alike:
                    rare[n] += 1 / len(alike)
        order = sorted(range(len(found)), key=lambda n: -rare[n])
        chosen = order[:RAREST]
        left = {number for row in found for number in row[3] if number > line}.difference(*(found[n][3] for n in chosen))
        while left:
            chosen.append(max(order, key=lambda n: len(left & found[n][3])))
            left -= found[chosen[-1]][3]
        return {found[n][:2]: found[n][2] for n in dict.fromkeys(chosen + order)}
