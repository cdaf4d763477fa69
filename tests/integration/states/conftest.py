"""What tests of states use."""

import pytest

from tests.support.machines.rendered_states import renderer


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    """Renders a state for a family and returns its low chunks, by state and function."""
    return renderer(tmp_path_factory.mktemp)
