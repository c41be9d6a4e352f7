"""The programs of a page of docs/, as a reader copies them: each names its file in its first line."""

import re
from pathlib import Path

from fleet import ROOT


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def programs(page: str, into: Path) -> list[str]:
    """Writes them there. Their names."""
    into.mkdir(parents=True, exist_ok=True)
    names = []
    for block in re.findall(r"^```(?:python|js|ts)\n(.*?)^```$", read(page), re.M | re.S):
        named = re.match(r"(?:#|//) (\S+\.\w+)\n", block)
        if not named:
            raise SystemExit(f"docs/{page}: a program does not begin with its file's name:\n{block}")
        (into / named[1]).write_text(block)
        names.append(named[1])
    return names
