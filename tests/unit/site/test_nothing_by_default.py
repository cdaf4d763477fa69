"""A site has nothing of what it has not asked for; the test integration writes into one folder."""

import asyncio

import pytest

from salt_o2.core.errors import TaskError
from salt_o2.integration import simulated as equipment
from salt_o2.site.settings import Site


@pytest.fixture
def records(monkeypatch, tmp_path):
    """The one folder of the test integration, here one of the test's own."""
    monkeypatch.setattr(equipment, "RECORDS", tmp_path / "records")
    return tmp_path / "records"


def record(name):
    return asyncio.run(equipment.Test().call("record", ["word"], {"test_record": name}))


@pytest.mark.finding("1.7")
def test_a_site_has_no_integration_by_default():
    assert Site().integrations == ()


@pytest.mark.finding("1.7")
@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../x", "a/b", "..", ".hidden", "", "x\n", "a b"])
def test_a_template_writes_no_file_of_its_choice(records, tmp_path, name):
    if name:
        with pytest.raises(TaskError):
            record(name)
    else:
        assert record(name) == "word"
    assert list(tmp_path.rglob("*")) == []


def test_a_word_is_appended_to_a_file_of_the_one_folder(records):
    assert record("said") == "word"
    assert record("said") == "word"
    assert (records / "said").read_text() == "word\nword\n"


def test_a_link_in_the_place_of_the_file_is_not_followed(records, tmp_path):
    records.mkdir()
    (tmp_path / "victim").write_text("")
    (records / "said").symlink_to(tmp_path / "victim")
    with pytest.raises(TaskError):
        record("said")
    assert (tmp_path / "victim").read_text() == ""


def test_a_folder_that_is_a_link_is_not_used(records, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    records.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TaskError):
        record("said")
    assert list((tmp_path / "elsewhere").iterdir()) == []
