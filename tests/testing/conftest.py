"""What the tests of `engagelab_async.testing` share."""

import pytest

from engagelab_async import EngageLab
from engagelab_async.testing import FakeEngageLab


@pytest.fixture
def fake() -> FakeEngageLab:
    """A platform inside the test."""
    return FakeEngageLab()


@pytest.fixture
def client(fake: FakeEngageLab) -> EngageLab:
    """A client of `fake`."""
    return fake.client()
