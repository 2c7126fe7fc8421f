"""The folder of prompts as evaluations know it: its digest, and a whole copy of it put in its place for one process."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import prompts
from bot.config import SettingsError

OWN = Path(str(prompts.__file__)).parent
"""The folder that is in use."""
_KINDS = (".md", ".toml")


def digest_of(folder: Path = OWN) -> str:
    """The same for the same texts, wherever they lie and whenever they were written."""
    total = hashlib.sha256()
    for path in sorted(_texts(folder), key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def check_folder(folder: Path) -> None:
    """SettingsError when a folder is none of prompts."""
    if not (folder / "agents" / "support.md").is_file():
        raise SettingsError([f"--compare: {folder} has no agents/support.md, so it is no folder of prompts."])


@contextmanager
def in_place_of_ours(folder: Path, environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The environment for a process of ours that reads these texts; a text that is missing there is ours.

    Prompts are a package that is read where they are needed, so another folder of them needs another process.
    """
    with TemporaryDirectory() as home:
        place = Path(home) / "prompts"
        shutil.copytree(OWN, place, ignore=shutil.ignore_patterns("__pycache__"))
        for path in _texts(folder):
            target = place / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        paths = [home, str(OWN.parent), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
        yield {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def command(arguments: Sequence[str]) -> list[str]:
    """`deskhand …` in a process that looks for packages in PYTHONPATH before the working directory."""
    return [sys.executable, "-P", "-m", "bot", *arguments]


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _KINDS and path.is_file())
