"""What the story of a desk that is killed stands on."""

from tests.scenarios.conftest import claude, no_proxy, template

__all__ = ["claude", "no_proxy", "template"]
