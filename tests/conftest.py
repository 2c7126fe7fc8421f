"""For all tests."""

from bot.memory import settle


def pytest_collection_finish() -> None:
    """Libraries alone are a million objects; looking through them again and again took a fifth of the suite's time."""
    settle()
