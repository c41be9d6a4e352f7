"""Builds the documentation's site with mdBook, and checks every link in it: `build.py MDBOOK OUT`.

The pages lie where they are read in the repository. They are copied with the same paths, so that their links hold in both places. What a link
names that is no page, such as an example, is copied too. A link to a directory leads to its README, or to a list of its files.
"""

import html
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import kinds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Pages that stand in no file: what they are made of is generated already.
MADE = {Path("docs/kinds.md"): lambda: kinds.page(ROOT)}
# In text, not in a block of code: a target that is neither an address elsewhere nor a place on the same page.
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s#]+)((?:#[^)\s]*)?\))")
FENCE = re.compile(r"^ *(```|~~~)")


def tracked():
    """What belongs to the repository."""
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return {Path(name) for name in said.stdout.split("\0") if name}


def listed():
    """The pages, in their order."""
    summary = (HERE / "SUMMARY.md").read_text()
    return [(HERE / target).resolve().relative_to(ROOT) for _, target, _ in LINK.findall(summary)]


class Site:
    def __init__(self, src):
        self.src, self.pages, self.files, self.problems = src, listed(), tracked(), []
        self.lists = {}

    def copy(self, path):
        place = self.src / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, place)

    def target(self, page, target):
        """Where a link of a page leads in the site, relative to the page."""
        path = Path(ROOT, page.parent, target).resolve()
        if not path.is_relative_to(ROOT) or not path.exists():
            self.problems.append(f"{page}: {target} is not there")
            return target
        path = path.relative_to(ROOT)
        if (ROOT / path).is_dir():
            if path / "README.md" in self.pages:
                return target.rstrip("/") + "/index.html"
            self.list(path)
            return target.rstrip("/") + "/files.html"
        if path.suffix == ".md":
            if path not in self.pages:
                self.problems.append(f"{page}: {target} is a page that SUMMARY.md does not list")
            elif path.name == "README.md":
                return target.removesuffix("README.md") + "index.html"
        elif path in self.files:
            self.copy(path)
        else:
            self.problems.append(f"{page}: {target} does not belong to the repository")
        return target

    def list(self, folder):
        """A page with the files below a directory, each to be read."""
        if folder in self.lists:
            return
        below = sorted(path for path in self.files if path.is_relative_to(folder) and (ROOT / path).is_file())
        self.lists[folder] = below
        rows = []
        for path in below:
            self.copy(path) if path.suffix != ".md" else self.copy_as_text(path)
            name = path.relative_to(folder).as_posix()
            shown = name + ".txt" if path.suffix == ".md" else name
            rows.append(f'<li><a href="{html.escape(shown)}">{html.escape(name)}</a></li>')
        page = f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{folder}</title><h1>{folder}</h1><ul>{''.join(rows)}</ul>"
        place = self.src / folder / "files.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(page)

    def copy_as_text(self, path):
        """A page of a directory's own: mdBook would leave it out."""
        place = self.src / f"{path}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, place)

    def write(self, page):
        lines, in_code = [], False
        text = MADE[page]() if page in MADE else (ROOT / page).read_text()
        for line in text.splitlines():
            if FENCE.match(line):
                in_code = not in_code
            if not in_code:
                line = LINK.sub(lambda link: link[1] + self.target(page, link[2]) + link[3], line)
            lines.append(line)
        place = self.src / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("\n".join(lines) + "\n")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src") and value and tag != "link":
                self.links.append(value)


def broken(out):
    """Links of the built site that lead nowhere in it."""
    pages = {path: Page(path.read_text()) for path in out.rglob("*.html")}
    for path, page in pages.items():
        if path.name in ("print.html", "404.html", "toc.html"):
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if place.is_dir():
                place /= "index.html"
            if not place.exists():
                yield f"{path.relative_to(out)}: {link} is not there"
            elif parts.fragment and place in pages and unquote(parts.fragment) not in pages[place].ids:
                yield f"{path.relative_to(out)}: {link} has no such place"


def main(mdbook, out):
    shutil.rmtree(out, ignore_errors=True)
    src = out / "src"
    src.mkdir(parents=True)
    site = Site(src)
    for page in site.pages:
        site.write(page)
    summary = (HERE / "SUMMARY.md").read_text()
    relative = lambda link: link[1] + (HERE / link[2]).resolve().relative_to(ROOT).as_posix() + link[3]
    (src / "SUMMARY.md").write_text(LINK.sub(relative, summary))
    shutil.copyfile(HERE / "book.toml", out / "book.toml")
    problems = site.problems
    if not problems:
        subprocess.run([mdbook, "build", str(out)], check=True, env={**os.environ, "MDBOOK_LOG": "warn"})
        problems = list(broken(out / "html"))
    if problems:
        sys.exit("\n".join(["the site has links that lead nowhere:", *problems]))
    print(f"{len(site.pages)} pages in {out / 'html' / 'index.html'}")


main(sys.argv[1], Path(sys.argv[2]).resolve())
