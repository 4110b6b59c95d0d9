"""What every test of a sink may ask for."""

import pytest

from tests.edge.sinks.around import Around


@pytest.fixture
def around() -> Around:
    return Around()
