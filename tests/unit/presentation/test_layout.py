"""Tables are wrapped into the width of a terminal, and no text is lost."""

import pytest

from salt_o2.presentation.layout import NARROWEST, fit_tables, table

LONG = "the agent does not report, but its processes answer"
WIDE = table(("HOST", "WHY", "REASON"), [("flp1", LONG, "x"), ("flp2", "", LONG)])


def widest(text):
    return max(map(len, text.split("\n")))


def words(text):
    """The words of a text, without the ruled lines of tables."""
    return sorted("".join(sign for sign in text if sign not in "+|-").split())


def test_a_table_that_fits_is_left_as_it_is():
    assert fit_tables(WIDE, widest(WIDE)) == WIDE


def test_a_wide_table_is_wrapped_at_words():
    assert fit_tables(WIDE, 50).split("\n") == [
        "+------+--------------------+--------------------+",
        "| HOST | WHY                | REASON             |",
        "+------+--------------------+--------------------+",
        "| flp1 | the agent does not | x                  |",
        "|      | report, but its    |                    |",
        "|      | processes answer   |                    |",
        "| flp2 |                    | the agent does not |",
        "|      |                    | report, but its    |",
        "|      |                    | processes answer   |",
        "+------+--------------------+--------------------+",
    ]


def test_text_around_and_between_tables_stays():
    text = f"before\n{WIDE}\nbetween\n\n{WIDE}\nafter {LONG}"
    fitted = fit_tables(text, 50).split("\n")
    assert (fitted[0], fitted[-1]) == ("before", f"after {LONG}")
    assert fitted.count("between") == 1
    assert words(fit_tables(text, 50)) == words(text)


def test_a_table_that_cannot_fit_stays_as_it_is():
    many = table([f"COLUMN{number}" for number in range(9)], [[LONG] * 9])
    assert fit_tables(many, 60) == many


def test_a_cell_that_looks_like_a_border_does_not_end_the_table():
    odd = table(("A", "B"), [("a | b", LONG), ("+---+", "|")])
    fitted = fit_tables(odd, 40)
    assert widest(fitted) <= 40
    assert "a | b" in fitted
    assert "+---+" in fitted


def test_a_line_that_is_no_table_is_not_wrapped():
    text = f"| {LONG} | {LONG} | {LONG} |"
    assert fit_tables(text, 40) == text


@pytest.mark.parametrize("rows", [[], [("flp1", LONG)]])
def test_a_table_without_rows_is_wrapped_like_any_other(rows):
    head = table(("HOST", LONG), rows)
    assert widest(fit_tables(head, 40)) <= 40


CELLS = ("", "a", "ab ba", "a" * 30, "a b " * 10, "a | b", "+--+", "- " * 20)
TABLES = [table(("A", "B", "C"), [(first, second, "ab")]) for first in CELLS for second in CELLS] + [
    table(("A", "B", "C"), [CELLS[:3], CELLS[3:6], CELLS[5:8]])
]


@pytest.mark.parametrize("width", [20, 46, 50, 60, 80, 200])
def test_every_table_fits_or_stays_and_keeps_its_letters(width):
    for text in TABLES:
        fitted = fit_tables(text, width)
        assert fitted == text or widest(fitted) <= width
        assert widest(fitted) <= width or width < 3 * NARROWEST + 10
        assert fitted.count("a") == text.count("a")
        assert fitted.count("b") == text.count("b")
