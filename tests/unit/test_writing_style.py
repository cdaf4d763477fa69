"""The text of the project uses the words of the field, and no word of a private language.

``python tests/unit/test_writing_style.py PATH...`` lists each banned word below PATH with its file and line.
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ACTORS = ("whoever", "somebody", "nobody", "anybody", "everybody")
METAPHORS = (
    *(
        "birth",
        "births",
        "born",
        "life",
        "lives",
        "body",
        "bodies",
        "farewell",
        "welcome",
        "welcomed",
        "welcomes",
    ),
    *("grave", "graves", "bury", "buries", "buried", "hand", "hands", "voice", "voices", "story", "stories"),
    *("house", "door", "doors", "desk", "desks", "shelf", "shelves", "furnish", "furnished", "furnishing"),
    *("mould", "moulds", "keeper", "keepers", "stray", "strays", "crew", "census", "homeless", "borne"),
    *("law", "laws", "mend", "mends", "mended"),
)
NO_ACTORS = {
    "test_what": r"what(?:ever)?_",
    "test_who": r"who(?:se|m|ever)?_",
    "test_it": r"its?_",
    "test_that": r"that_",
}
"""First words of a test name that name no actor, as expressions."""
PHRASES = ("goes on by itself", "come to rest", "comes to rest", "put aside", "takes nothing in")

INSTEAD = {
    "told": "reported, informed, shown (or name the actor)",
    "birth": "start",
    "life": "runtime state, lifetime, while it runs",
    "lives": "runs, is stored",
    "body": "task process",
    "hand": "manual, manually",
    "hands": "passes",
    "voice": "task output",
    "grave": "archive",
    "story": "scenario",
    "desk": "request handler",
    "shelf": "workflow index",
    "mould": "launch fingerprint",
    "keeper": "shim",
    "stray": "orphaned task",
    "law": "invariant, rule",
    "welcome": "restore",
    "furnish": "open resources",
    "crew": "fake agents",
    "census": "session reaper",
    "homeless": "without a host",
    "borne": "tolerated",
    "mend": "restart, repair",
    "come to rest": "become idle",
    "put aside": "quarantine",
    "takes nothing in": "cannot be written",
    "goes on by itself": "continues automatically",
    **dict.fromkeys(NO_ACTORS, "name the actor, the condition and the result"),
}


@dataclass(frozen=True)
class Rule:
    """A word or phrase that no text may hold."""

    name: str
    pattern: re.Pattern[str]
    also_in_code: bool = True
    where: str = ""
    """Expression that a path must match; any path by default."""
    nowhere_below: str = ""
    """Expression of paths in which the word is a technical term."""

    def covers(self, path: str) -> bool:
        """Whether the file at ``path`` must not hold the word."""
        return re.search(self.where, path) is not None and not (
            self.nowhere_below and re.search(self.nowhere_below, path)
        )


def word(name, before="", after="", **rest):
    """Return the rule of a word, alone or in an identifier: ``task_body``, ``TaskBody``, ``BODY``."""
    lower, title, upper = name.lower(), name.capitalize(), name.upper()
    pattern = (
        rf"{before}(?:(?<![A-Za-z]){lower}|(?<![A-Z]){title}|(?<![A-Za-z]){upper}(?![A-Z]))(?![a-z]){after}"
    )
    return Rule(name, re.compile(pattern), **rest)


def phrase(name):
    """Return the rule of several words, which may be over several lines of a comment or in an identifier."""
    return Rule(name, re.compile(r"[\s_]+(?:#\s*)?".join(name.split(" ")), re.IGNORECASE))


def actor_of(name):
    """Return the rule of an indefinite actor. The system user ``nobody`` is allowed, as a user or quoted."""
    if name != "nobody":
        return word(name)
    quoted = r"(?!(?<=[\"'`=])nobody(?! ))"
    return word(name, before=rf"(?<!user )(?<!user ``)(?<!user `){quoted}")


TERM_BEFORE_BODY = "".join(
    rf"(?<!{term}[ _])"
    for term in (
        "request",
        "response",
        "reply",
        "answer",
        "message",
        "HTTP",
        "function",
        "job",
        "publication",
    )
)


def metaphor(name):
    """Return the rule of a metaphor; some words are terms of the field as well."""
    if name in ("body", "bodies"):
        return word(name, before=TERM_BEFORE_BODY + r"(?<!`)(?<!<)(?<!</)", where=r"agent|task|\.md$")
    if name.startswith("welcome"):  # a message of the sign-in between control and agents
        return word(name, nowhere_below=r"sealing|/bus/|sign_in|decisions/0076")
    return word(name)


def first_word_of_a_test(name):
    """Return the rule of a first word that neither a test function nor a test module may have."""
    return Rule(name, re.compile(rf"(?:(?<=def )|(?<=/))test_{NO_ACTORS[name]}"), where="^tests/")


RULES = (
    *(actor_of(name) for name in ACTORS),
    *(metaphor(name) for name in METAPHORS),
    *(phrase(name) for name in PHRASES),
    *(first_word_of_a_test(name) for name in NO_ACTORS),
    word(
        "told",
        before=r"(?<!control )(?<!agent )(?<!user )(?<!rule )",
        after=r"(?![ \n]+by\b)",
        also_in_code=False,
    ),
)

UNREAD = re.compile(
    r"LICENSE|requirements\.lock|.*\.svg|.*_pb2\.pyi?|.*\.(sqlite|bin|gz)|.*/test_writing_style\.py"
)


@dataclass(frozen=True)
class Hit:
    """A banned word at its place."""

    path: str
    line: int
    word: str

    def __str__(self):
        instead = INSTEAD.get(self.word) or INSTEAD.get(self.word.removesuffix("s"), "")
        return f"{self.path}:{self.line}:{self.word}" + (f" ({instead})" if instead else "")


def prose_of(path: str, source: str) -> str:
    """Return the text of a file with blanks in the place of code; each line stays where it is."""
    if not path.endswith((".py", ".pyi")):
        return source
    lines = source.splitlines(keepends=True)
    prose = [re.sub(r"[^\n]", " ", line) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXT_TOKENS:
            _copy_token(lines, prose, token.start, token.end)
    return "".join(prose)


TEXT_TOKENS = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}
FIELD = re.compile(r"\{[^{}]*\}")


def _copy_token(lines, into, start, end):
    """Copy the text of a token. A replacement field of an f-string is code, as in Python 3.12 and later."""
    is_formatted = re.match(r"[rR]?[fF]", lines[start[0] - 1][start[1] :])
    for number in range(start[0] - 1, end[0]):
        line = lines[number]
        first = start[1] if number == start[0] - 1 else 0
        last = end[1] if number == end[0] - 1 else len(line)
        piece = line[first:last]
        while is_formatted and FIELD.search(piece):
            piece = FIELD.sub(lambda found: " " * len(found.group()), piece)
        into[number] = into[number][:first] + piece + into[number][last:]


def hits_in(path: str, source: str) -> Iterator[Hit]:
    """Find the banned words of one file, and of its path, which is line 0."""
    for rule in RULES:
        if rule.covers(path) and rule.also_in_code and rule.pattern.search(path):
            yield Hit(path, 0, rule.name)
    lowered = source.lower()
    for rule in RULES:
        literal = rule.name.split(" ")[0]
        if literal not in lowered or not rule.covers(path):
            continue
        text = source if rule.also_in_code else prose_of(path, source)
        for place in re.finditer(literal, lowered):
            if rule.pattern.match(text, place.start()):
                yield Hit(path, text.count("\n", 0, place.start()) + 1, rule.name)


@cache
def all_hits() -> tuple[Hit, ...]:
    """All banned words of the project, in the order of files and lines."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    paths = sorted(path for path in set(listed.stdout.splitlines()) if not UNREAD.fullmatch(path))
    found = (
        hit for path in paths if (ROOT / path).is_file() for hit in hits_in(path, (ROOT / path).read_text())
    )
    return tuple(sorted(found, key=lambda hit: (hit.path, hit.line)))


def test_the_project_has_no_banned_word():
    found = [str(hit) for hit in all_hits()]
    listed = "\n".join(found[:200])
    assert not found, f"{len(found)} banned words:\n{listed}"


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("salt_o2/agent/a.py", '"""Ask whoever is there."""\n', ["whoever"]),
        ("salt_o2/agent/a.py", "# what a process\n# goes on\n# by itself does\n", ["goes on by itself"]),
        ("salt_o2/agent/a.py", "class TaskBody:\n    NOBODY = 1\n", ["nobody", "body"]),
        ("salt_o2/agent/a.py", "def test_devices_come_to_rest():\n    pass\n", ["come to rest"]),
        ("salt_o2/agent/a.py", "told = [lifetime, lifecycle, handler, HANDLERS, lawful]\n", []),
        ("salt_o2/agent/a.py", 'f"{told} {told:>{told}}"\n', []),
        ("salt_o2/agent/a.py", 'f"{life} is what agents are told"\n', ["told", "life"]),
        ("salt_o2/agent/a.py", '"the agent told control"\n"is told by control"\n"was told so"\n', ["told"]),
        ("salt_o2/agent/a.py", '"the request body; user nobody; `nobody`"\nowner = "nobody"\n', []),
        ("salt_o2/agent/a.py", 'error = "nobody answers"\n', ["nobody"]),
        ("salt_o2/site/a.py", "def ask(url, body): ...\n", []),
        ("salt_o2/sealing/a.py", "class Welcome: ...\n", []),
        ("docs/howto/a.md", "Somebody gives it a hand.\n", ["somebody", "hand"]),
        ("docs/howto/by-hand.md", "", ["hand"]),
        ("tests/unit/test_mould.py", "", ["mould"]),
        ("tests/unit/test_a.py", "def test_what_is_given_wins(): ...\n", ["test_what"]),
        ("tests/unit/test_a.py", "def test_whatever_ends_a_task(): ...\n", ["test_what"]),
        ("tests/unit/test_a.py", "def test_it_ends():\n    its = test_it_ends\n", ["test_it"]),
        ("tests/unit/test_a.py", "async def test_that_a_task_ends(): ...\n", ["test_that"]),
        ("tests/unit/test_whose_fault.py", "def test_who_asks_is_shown(): ...\n", ["test_who", "test_who"]),
        ("tests/unit/test_a.py", "def test_whole_trees_iterate(): ...\n", []),
        ("pillar/a.sls", "# ports that nobody else may reach\n", ["nobody"]),
    ],
)
def test_words_are_found_in_prose_and_in_names(path, text, words):
    assert sorted(hit.word for hit in hits_in(path, text)) == sorted(words)


def test_a_hit_names_file_line_and_word():
    (hit,) = hits_in("docs/a.md", "one\ntwo\nthe grave of a task\n")
    assert str(hit) == "docs/a.md:3:grave (archive)"


if __name__ == "__main__":
    below = tuple(sys.argv[1:]) or ("",)
    print(*(hit for hit in all_hits() if hit.path.startswith(below)), sep="\n")
