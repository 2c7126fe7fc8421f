"""What is imported is what lies here, and what is installed is what the lock file says."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = {
    canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.+!]+)", LOCK, re.M)
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_comes_from_this_tree_and_not_from_a_namesake(name: str) -> None:
    file = import_module(name).__file__
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


def test_the_lock_file_fits_every_dependency_of_the_project() -> None:
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    for requirement in map(Requirement, wanted):
        pinned = PINS.get(canonicalize_name(requirement.name))
        assert pinned, f"{requirement.name} is not in requirements.lock: run `make lock`"
        assert requirement.specifier.contains(pinned), f"{requirement} is locked at {pinned}: run `make lock`"


def test_everything_in_the_lock_file_has_hashes_and_nothing_names_an_index() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.M)[1:]
    assert blocks
    assert len(blocks) == len(re.findall(r"^\S", LOCK, re.M))
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK
    assert not re.search(r"^\s*-", LOCK.replace("    --hash", ""), re.M)
