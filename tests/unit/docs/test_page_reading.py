"""How tests read pages: what is a command, what is a file, what a comment asks for."""

import pytest

from tests.support.documents.page_reader import (
    Commands,
    Lessons,
    Written,
    breaks_its_cluster,
    fences,
    needs,
    read_page,
)

PAGE = """# A page

<!-- page needs: SOMETHING -->

```{code-block} yaml
:caption: folder/hello.yaml
name: hello
```

<!-- expect: CONFIGURED -->
<!-- learn: id: (\\w+) -->
```console
$ create it
id: 2oD
$ show 2oD
```

Words.

```console
$ end 2oD
```

```yaml
$ not: a command
```
"""


@pytest.fixture
def page(tmp_path):
    """A page with a file and two blocks of commands."""
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_files_and_commands_come_in_the_order_of_the_page(page):
    assert [type(block) for block in read_page(page)] == [Written, Commands, Commands]


def test_a_block_with_a_caption_is_a_file(page):
    assert read_page(page)[0] == Written("folder/hello.yaml", "name: hello\n")


def test_commands_are_distinguished_from_their_output(page):
    block = read_page(page)[1]
    assert (block.commands, block.sample) == (["create it", "show 2oD"], "id: 2oD")


def test_comments_belong_to_the_block_that_follows_them(page):
    _, first, second = read_page(page)
    assert (first.note("expect"), second.notes) == (["CONFIGURED"], {})


def test_a_page_may_need_a_variable(page):
    assert needs(page) == ["SOMETHING"]


def test_every_fenced_block_is_seen_with_its_language_and_line(page):
    found = [(fence.line, fence.language) for fence in fences(page)]
    assert found == [(5, "{code-block} yaml"), (12, "console"), (20, "console"), (24, "yaml")]


def test_a_page_that_restarts_daemons_says_so(page):
    assert not breaks_its_cluster(page)
    page.write_text("<!-- page breaks: its cluster -->\n" + page.read_text())
    assert breaks_its_cluster(page)


def test_a_block_that_no_test_can_run_has_its_reason(page):
    page.write_text("<!-- not run: it takes a site -->\n```console\n$ ls\n```\n")
    (block,) = read_page(page)
    assert block.note("not run") == ["it takes a site"]


def test_a_comment_that_asks_for_nothing_known_is_refused(page):
    page.write_text("<!-- exepct: RUNNING -->\n```console\n$ ls\n```\n")
    with pytest.raises(AssertionError, match="line 1"):
        read_page(page)


def test_names_of_a_page_are_replaced_by_the_actual_names():
    lessons = Lessons()
    lessons.learn(r"id: (\w+) on (\w+)", "id: 2oD on flp1", "id: 7xQ on flp3")
    assert lessons.apply("show 2oD on flp1") == "show 7xQ on flp3"


def test_names_are_replaced_as_whole_words_and_once():
    lessons = Lessons()
    lessons.learn(r"pid (\d+)", "pid 12 pid 13", "pid 13 pid 12")
    assert lessons.apply("kill 12 13 123") == "kill 13 12 123"


def test_a_pattern_without_a_match_fails():
    with pytest.raises(AssertionError, match="nothing like"):
        Lessons().learn(r"id: (\w+)", "id: 2oD", "error")
