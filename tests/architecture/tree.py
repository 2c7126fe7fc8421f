"""The files of this project, as the checks of its shape see them."""

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "tools", "prompts")
_NOT_OURS = {".git", ".venv", "data", "dist", "screenshots", "__pycache__"}


@cache
def project_files() -> tuple[Path, ...]:
    """All text files that are, or are about to be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    in_git = listed.returncode == 0 and (ROOT / ".git").exists()
    names = (ROOT / name for name in listed.stdout.split("\0") if name) if in_git else _walk(ROOT)
    return tuple(path for path in names if path.is_file() and _is_text(path))


def python_files(*folders: str) -> Iterator[Path]:
    """The Python files below these top-level folders."""
    return (p for p in project_files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in folders)


def name_of(path: Path) -> str:
    """A file's path as people write it."""
    return path.relative_to(ROOT).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            hidden_cache = path.name.endswith("_cache") or path.name in {".hypothesis", "deskhand.egg-info"}
            if path.name not in _NOT_OURS and not hidden_cache:
                yield from _walk(path)
        elif path.name != ".env":
            yield path


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)
