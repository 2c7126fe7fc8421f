"""Every module has its place in the layers that import-linter checks, or a reason to stand outside."""

import tomllib

from tests.architecture.tree import PACKAGES, ROOT, name_of, python_files

UNLAYERED = {
    "prompts": "texts; imports nothing of ours",
}
ENVIRONMENT_READERS = {"bot/__main__.py", "bot/config.py", "bot/desk/workshop.py", "bot/evals/inspection.py"}
"""The first only sets what numpy reads, the last what Inspect reads; the workshop hands on where Python lies."""


def layered_modules() -> set[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return {name.strip() for layer in layers for name in layer.replace("|", ":").split(":")}


def top_modules() -> set[str]:
    inside_bot = {p.relative_to(ROOT / "bot").parts[0].removesuffix(".py") for p in python_files("bot")} - {"__init__"}
    return {f"bot.{name}" for name in inside_bot} | set(PACKAGES) - {"bot"}


def test_every_module_is_in_a_layer_or_says_why_not() -> None:
    assert top_modules() - layered_modules() - UNLAYERED.keys() == set()


def test_no_exception_outlives_its_module() -> None:
    assert UNLAYERED.keys() <= top_modules() - layered_modules()


def test_modules_outside_the_layers_import_nothing_of_ours() -> None:
    sources = [path.read_text(encoding="utf-8") for path in python_files("prompts")]
    assert sources
    for source in sources:
        assert not [line for line in source.splitlines() if line.startswith(("from bot", "import bot", "from tools"))]


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        name_of(p) for p in python_files(*PACKAGES) if "os.environ" in (s := p.read_text("utf-8")) or "getenv(" in s
    }
    assert readers == ENVIRONMENT_READERS
