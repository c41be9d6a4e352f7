"""Mutants of a Lua script: the script with one small change each, of the kind that a slip of the hand makes."""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<comment>--.*)|(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|(?P<word>[A-Za-z_][\w.]*(?::\w+)?)|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<sign>\.\.\.?|[=~<>]=|[-+*/%<>=#(){}\[\],;.:])|(?P<space>\s+)""",
    re.ASCII,
)

# What stands in place of what.
SIGNS = {
    "==": ["~="],
    "~=": ["=="],
    "<": ["<=", ">="],
    "<=": ["<", ">"],
    ">": [">=", "<="],
    ">=": [">", "<"],
    "+": ["-"],
    "-": ["+"],
    "*": ["/"],
    "/": ["*"],
    "%": ["+"],
}
WORDS = {"and": ["or"], "or": ["and"], "not": [""], "true": ["false"], "false": ["true"], "math.min": ["math.max"], "math.max": ["math.min"]}

# A line that is a statement by itself, and that the lines around it do without.
STATEMENT = re.compile(r"^\s*(?:if .* then .* end|return\b.*|break|[A-Za-z_][\w.:]*\(.*\)|(?!local\b)[A-Za-z_][^=(]*? = [^=].*)$")


@dataclass(frozen=True)
class Mutant:
    """One line of a script, changed."""

    line: int
    before: str
    after: str

    @property
    def named(self) -> tuple[str, str]:
        return self.before.strip(), self.after.strip()


def tokens(line: str):
    """The parts of a line: what they are, from where to where."""
    at = 0
    while at < len(line):
        found = TOKEN.match(line, at)
        if not found:
            raise ValueError(f"not understood: {line[at:]}")
        yield found.lastgroup, found.group(), at, found.end()
        at = found.end()


def is_whole(code: str) -> bool:
    """Whether what is opened in this line is closed in it."""
    depth = 0
    for kind, text, _, _ in tokens(code):
        if kind == "sign" and text in "([{":
            depth += 1
        if kind == "sign" and text in ")]}":
            depth -= 1
        if depth < 0:
            return False
    words = [text for kind, text, _, _ in tokens(code) if kind == "word"]
    opened = sum(word in ("if", "do", "function") for word in words)
    return depth == 0 and opened == words.count("end")


def mutants_of(script: str) -> list[Mutant]:
    """All mutants of a script, in the order of its lines."""
    found = []
    for number, line in enumerate(script.split("\n"), 1):
        for after in dict.fromkeys(changed(line)):
            if after != line:
                found.append(Mutant(number, line, after))
    return found


def changed(line: str):
    """The line with one thing changed, for each thing that can be."""
    parts = list(tokens(line))
    code = [part for part in parts if part[0] not in ("space", "comment")]
    if not code:
        return
    end = code[-1][3]
    whole = line[:end]
    if STATEMENT.match(whole) and is_whole(whole):
        indent = len(line) - len(line.lstrip())
        yield line[:indent] + line[end:]
    # A condition that compares nothing is turned round as a whole.
    condition = re.match(r"^(\s*(?:if|elseif) )(.*?)( then\b.*)$", whole)
    if condition and not re.search(r"[=~<>]=|[<>]| and | or |\bnot ", condition[2]):
        yield f"{condition[1]}not ({condition[2]}){condition[3]}{line[end:]}"
    index = False
    for n, (kind, text, start, stop) in enumerate(code):
        before, behind = line[:start], line[stop:]
        index = n > 1 and code[n - 1][1] == "[" and code[n - 2][1] in ("KEYS", "ARGV")
        if kind == "sign" and text in SIGNS:
            sign_of_number = text == "-" and (n == 0 or code[n - 1][1] in ("(", ",", "=", "return", "and", "or", "{"))
            others = [""] if sign_of_number else SIGNS[text]
            # What holds until a millisecond may as well hold in it.
            if len(others) == 2 and "now" in compared(code, n):
                others = others[1:]
            for other in others:
                yield before + other + behind
        elif kind == "word" and text in WORDS:
            for other in WORDS[text]:
                yield before + other + behind
        elif kind == "number" and not index:
            yield before + slipped(text) + behind


def compared(code: list, at: int) -> set[str]:
    """The words of both sides of the comparison at this place."""
    ends = ("and", "or", "not", "if", "elseif", "then", "return", ",", "=", "while", "do")
    words = set()
    for step in (-1, 1):
        n = at + step
        while 0 <= n < len(code) and code[n][1] not in ends:
            words.add(code[n][1])
            n += step
    return words


def slipped(number: str) -> str:
    """Another number. One more of many is no slip that anybody would see."""
    if not number.isdigit():
        return str(float(number) * 2)
    return str(int(number) * 2 if len(number) > 2 else int(number) + 1)


def same_length(script: str, mutant: Mutant) -> str | None:
    """The mutated script, as many bytes long as the script: it takes its place in a program that is built already. What is too
    long is taken off a comment."""
    lines = script.split("\n")
    lines[mutant.line - 1] = mutant.after
    more = len("\n".join(lines).encode()) - len(script.encode())
    if more <= 0:
        lines[mutant.line - 1] += " " * -more
        return "\n".join(lines)
    for n, line in enumerate(lines):
        if line.startswith("--") and line.isascii() and len(line) > more + 4:
            lines[n] = line[:-more]
            return "\n".join(lines)
    return None
