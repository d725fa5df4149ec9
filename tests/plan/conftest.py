"""A fixture that the tests of plans share."""
import pytest

from mmresizemix.plan import run_stage


@pytest.fixture(autouse=True)
def quick_polling(monkeypatch):
    """Look at a stage's process more often than a user needs, since the stages of these tests end at once."""
    monkeypatch.setattr(run_stage, 'POLL_SECONDS', 0.02)
