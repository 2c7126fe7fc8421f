"""A function is a paragraph, a file is a chapter."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, name_of, python_files

FUNCTION_LINES = 50
FILE_LINES = 400
FILES = sorted(python_files(*PACKAGES, "tests"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_and_files_stay_readable(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    too_long = [
        f"{node.name} has {lines} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not too_long
    assert source.count("\n") <= FILE_LINES
