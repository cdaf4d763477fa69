"""A page of the tutorial or a how-to as a test sees it: files to write, commands to run, what they print.

    ```{code-block} yaml            a file, written before the commands that follow
    :caption: workflows/hello.yaml

    ```console                      commands, each on a line with `$ `; the rest shows what they print

HTML comments right before a block of commands say what is checked; a reader does not see them.

    <!-- expect: TEXT -->           the block must print this
    <!-- until: REGEX -->           the last command is repeated until it prints this
    <!-- exit: 1 -->                the last command must end with this code; all others with 0
    <!-- learn: REGEX -->           what its groups find in the page stands for what they find in reality
    <!-- run by PATH -->           not run here: that test does
    <!-- not run: REASON -->        no test can run it; ``test_pages_are_run.py`` counts these
    <!-- page needs: VARIABLE -->   where this is not set in the environment, the page is skipped
    <!-- page breaks: its cluster --> the page restarts daemons: it is run on a cluster of its own
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"
TUTORIALS = sorted(DOCS.glob("tutorial/*.md"))
HOW_TOS = [*sorted(DOCS.glob("howto/*.md")), DOCS / "install.md"]

_NOTE = re.compile(r"<!-- (expect|until|exit|learn|run by|not run|page needs|page breaks):? (\S.*) -->")


@dataclass
class Fence:
    """Any fenced block, as it stands in the page, with the comments before it."""

    line: int
    language: str
    body: list[str]
    notes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A file that the page shows."""

    path: str
    text: str


@dataclass
class Commands:
    """A block of commands, with what the page shows of their output."""

    line: int
    commands: list[str]
    sample: str
    notes: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str) -> list[str]:
        """Return what the comments of this name say."""
        return self.notes.get(name, [])

    @property
    def exit_code(self) -> int:
        """What the last command must end with."""
        return int((self.note("exit") or ["0"])[0])


Block = Written | Commands


def read_page(path: Path) -> list[Block]:
    """Return what a test does with a page, in order: its files and its commands."""
    return [block for fence in fences(path) if (block := _block(fence))]


def fences(path: Path) -> Iterator[Fence]:
    """Yield all fenced blocks of a page, in order."""
    return _fences(path.read_text().splitlines())


def needs(path: Path) -> list[str]:
    """Return the environment variables without which the page cannot be run."""
    return [value for name, value in _NOTE.findall(path.read_text()) if name == "page needs"]


def breaks_its_cluster(path: Path) -> bool:
    """Return whether the page does to its cluster what others that use it would not bear."""
    return any(name == "page breaks" for name, _ in _NOTE.findall(path.read_text()))


def _fences(lines: list[str]) -> Iterator[Fence]:
    notes: dict[str, list[str]] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("```"):
            end = next(i for i in range(number + 1, len(lines)) if lines[i] == "```")
            yield Fence(number + 1, line.removeprefix("```"), lines[number + 1 : end], notes)
            notes, number = {}, end
        elif line.startswith("<!--"):
            found = _NOTE.fullmatch(line)
            assert found, f"line {number + 1}: what is {line}?"
            notes.setdefault(found[1], []).append(found[2])
        elif line.strip():
            notes = {}
        number += 1


def _block(fence: Fence) -> Block | None:
    if fence.language == "console":
        commands = [each[2:] for each in fence.body if each.startswith("$ ")]
        printed = [each for each in fence.body if not each.startswith("$ ")]
        return Commands(fence.line, commands, "\n".join(printed), fence.notes)
    if fence.body and fence.body[0].startswith(":caption: "):
        return Written(fence.body[0].removeprefix(":caption: "), "\n".join(fence.body[1:]) + "\n")
    return None


class Lessons:
    """What names in the page are called in reality: ids, pids, ports."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def learn(self, pattern: str, sample: str, real: str) -> None:
        """Note what the groups of ``pattern`` find in both texts, occurrence by occurrence."""
        shown, found = (re.findall(pattern, text) for text in (sample, real))
        assert shown, f"the page itself shows nothing like {pattern}"
        assert len(found) >= len(shown), f"nothing like {pattern} in:\n{real}"
        for before, after in zip(shown, found, strict=False):
            pairs = zip(_groups(before), _groups(after), strict=True)
            self.known |= dict(pairs)

    def apply(self, command: str) -> str:
        """Return the command with real names."""
        if not self.known:
            return command
        names = "|".join(re.escape(name) for name in sorted(self.known, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{names})(?!\w)", lambda found: self.known[found[0]], command)


def _groups(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found
