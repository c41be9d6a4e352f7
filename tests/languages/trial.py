"""What the trials have in common: what they say, and the programs of a page of docs/ as a reader copies them."""

import os
import re
import subprocess
from pathlib import Path

from fleet import ROOT

TOOLS = ROOT / "target/languages"


class Trial:
    """Ends at the first thing that is wrong."""

    def __init__(self, name: str):
        self.name, self.passed = name, 0

    def well(self, what: str, holds=True, why: object = "") -> None:
        if not holds:
            raise SystemExit(f"{self.name}: WRONG: {what}: {why}")
        self.passed += 1
        print(f"{self.name}: {what}", flush=True)

    def run(self, *command, cwd: Path, env: dict | None = None) -> str:
        words = [str(word) for word in command]
        said = subprocess.run(words, cwd=cwd, capture_output=True, text=True, env={**os.environ, **(env or {})})
        if said.returncode != 0:
            raise SystemExit(f"{self.name}: {' '.join(words[:4])} ended with {said.returncode}:\n{said.stdout}{said.stderr}")
        return said.stdout


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def programs(page: str, into: Path) -> set[str]:
    """Writes them there; each names its file in its first line. Their names."""
    into.mkdir(parents=True, exist_ok=True)
    names = set()
    for block in re.findall(r"^```(?:python|js)\n(.*?)^```$", read(page), re.M | re.S):
        named = re.match(r"(?:#|//) (\S+\.\w+)\n", block)
        if not named:
            raise SystemExit(f"docs/{page}: a program does not begin with its file's name:\n{block}")
        (into / named[1]).write_text(block)
        names.add(named[1])
    return names
