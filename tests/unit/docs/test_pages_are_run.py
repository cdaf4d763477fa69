"""Each command on a page of tutorial or how-to that a reader may type is run by a test.

A page shows commands in ``console`` blocks only, and ``tests/integration/docs/test_tutorial.py`` runs those,
in order. What it does not run says in a comment which test does (``run by``), or why none can (``not run``).
"""

import itertools
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer

from salt_o2.cli.app import app
from tests.support.documents.page_reader import DOCS, HOW_TOS, TUTORIALS, Commands, fences, read_page

ROOT = DOCS.parent
PAGES = [*TUTORIALS, *HOW_TOS]
DATA = {"yaml", "json", "xml", "python", "text", "ini", "mermaid", "{toctree}", "{code-block} yaml"}
"""Languages of blocks that readers do not type into a shell."""
FILES = {"{code-block} yaml", "{code-block} python", "{code-block} sh"}
"""With a caption these are files, which the test writes before it runs what follows."""
PROGRAM = re.compile(
    r"^\s*(\$ |(sudo )?(coconut|salt(-\w+)?|o2-device|make|pip|vagrant|systemctl|git|python3?) )"
)
PROGRAMS = {"coconut", "salt", "salt-run", "salt-call", "make"}
MOST_THAT_NO_TEST_RUNS = 6
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def has_caption(fence):
    return bool(fence.body) and fence.body[0].startswith(":caption: ")


@pages
def test_every_command_of_a_page_stands_in_a_block_that_tests_read(page):
    for fence in fences(page):
        place = f"{page.name}:{fence.line}"
        if fence.language == "console" or (fence.language in FILES and has_caption(fence)):
            continue
        assert fence.language in DATA, (
            f"{place}: a block of commands is a console block, and this says {fence.language}"
        )
        typed = [line for line in fence.body if PROGRAM.match(line)]
        assert typed == [], f"{place}: commands stand in console blocks"


@pages
def test_every_block_of_commands_has_a_command(page):
    for block in read_page(page):
        assert not isinstance(block, Commands) or block.commands, f"{page.name}:{block.line}"


@pages
def test_a_command_that_another_test_runs_is_named_in_that_test(page):
    for block in read_page(page):
        for told in block.note("run by") if isinstance(block, Commands) else ():
            text = (ROOT / told).read_text()
            for command in block.commands:
                words = [
                    word
                    for word in re.findall(r"[\w.-]{4,}", command)
                    if word not in PROGRAMS and word in text
                ]
                assert words, f"{page.name}:{block.line}: {told} knows nothing of {command}"


def test_few_commands_are_run_by_no_test_and_each_says_why():
    reasons = [
        reason
        for page in PAGES
        for block in read_page(page)
        if isinstance(block, Commands)
        for reason in block.note("not run")
    ]
    assert len(reasons) <= MOST_THAT_NO_TEST_RUNS
    assert all(len(reason.split()) > 3 for reason in reasons)


INLINE = [
    pytest.param(code, id=f"{page.stem}: {code[:50]}")
    for page in [*PAGES, *DOCS.glob("explanation/*.md")]
    for code in dict.fromkeys(re.findall(r"`((?:coconut|salt-run o2\.)[^`\n]*)`", page.read_text()))
]


@pytest.mark.parametrize("code", INLINE)
def test_a_command_inside_a_sentence_exists(code):
    program, *words = shlex.split(code.replace("<", "").replace(">", ""))
    if program == "salt-run":
        assert re.match(r"o2\.", words[0])
        assert words[0].removeprefix("o2.") in runner_functions() | {"*"}
    else:
        check_coconut(words)


def runner_functions():
    files = (ROOT / "runners").glob("o2*.py")
    return {
        name for file in files for name in re.findall(r"^def ([a-z]\w*)\(", file.read_text(), re.MULTILINE)
    }


def check_coconut(words):
    command = typer.main.get_command(app)
    words = list(words)
    while words and hasattr(command, "get_command") and not words[0].startswith("-"):
        command = command.get_command(None, words.pop(0))
        assert command is not None
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    for word in itertools.takewhile(lambda word: word != "--", words):
        assert set(options(word)) <= known | {"--json", "--help"}


def options(word):
    """The options that a word of a command line is: -tw are two."""
    if word.startswith("--"):
        return [word.partition("=")[0]]
    return [f"-{letter}" for letter in word[1:]] if word.startswith("-") else []


def test_the_interpreter_that_runs_the_pages_is_the_one_that_runs_the_tests():
    """A reader activates .venv; the tests give the page a .venv that is theirs."""
    assert (Path(sys.prefix) / "bin" / "activate").exists()
