"""Words that have no place in these files."""

import re

import pytest

from tests.architecture.tree import name_of, project_files

# Written in pieces, so that this file passes its own check.
FORBIDDEN = {
    "a package registry by name of its host": "|".join(
        re.escape(".".join(parts))
        for parts in [
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("deb", "debian", "org"),
            ("proxy", "golang", "org"),
            ("crates", "io"),
        ]
    ),
    "a path of one machine": r"(?<![\w.])/" + r"work(?![\w-])|(?<![\w.])/" + r"root/|(?<![\w.])/" + r"home/\w",
    "a mock of our own code": "unittest" + r"\.mock|from unittest import " + "mock",
}
ALLOWED = {("pyproject.toml", "a mock of our own code"): "the rule that forbids it stands there"}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [name_of(p) for p in project_files() if pattern.search(p.read_text(encoding="utf-8", errors="replace"))]
    assert [name for name in found if (name, what) not in ALLOWED] == []
