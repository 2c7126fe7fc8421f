"""The desk of the stories, with people and models who mean ill."""

from tests.scenarios.conftest import claude, desk, no_proxy, offline, template

__all__ = ["claude", "desk", "no_proxy", "offline", "template"]
