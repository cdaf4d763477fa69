"""The garbage collector stands still while very much is made, and goes on afterwards."""

import gc

import pytest

from salt_o2.workflow.expansion.gc_pause import collector_paused


def test_collection_is_paused_inside_and_resumes_after_the_outermost_block():
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collection_resumes_after_an_error():
    with pytest.raises(ValueError, match="x"), collector_paused():
        raise ValueError("x")
    assert gc.isenabled()


def test_collection_that_was_disabled_stays_disabled():
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
