"""The next release of the program, made on the spot: other prompts, tools described otherwise, steps renamed and added.

It is what a deploy brings at worst: a run that the old version began finds none of its model and tool steps under the
names the new version looks for, and a step in front that the old one did not have.
"""

import shutil
from pathlib import Path

from tests.torture.zygote import ROOT

_CHANGES = {
    "prompts/agents/support.md": [("Be the colleague everyone hopes for:", "Be the colleague we all hope for:")],
    "tools/tickets/tool.py": [('"Open ONE ticket for something', '"Open ONE single ticket for something')],
    "bot/agent/toolbox.py": [('name = f"t:{step}:{use.id}"', 'name = f"tool:{step}:{use.id}"')],
    "bot/agent/loop.py": [('name = f"{job.prefix}{step}"', 'name = f"{job.prefix}0{step}"')],
    "bot/desk/work.py": [
        (
            "        heard = await self._hear(rows)\n",
            "        async with self._store.write() as tx:\n"
            '            if await tx.runs.recall(turn.run.id, "welcome") is None:\n'
            '                await tx.runs.record(turn.run.id, "welcome", "done")\n'
            "        heard = await self._hear(rows)\n",
        )
    ],
}


def successor(folder: Path) -> Path:
    """Copy the program into `folder` and change it; the new root. AssertionError when there is nothing to change."""
    for name in ("bot", "tools", "prompts", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in _CHANGES.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{name} no longer holds {old!r} once: name another step to change"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return folder
