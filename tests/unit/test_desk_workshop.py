"""Where files are opened: a file can keep its parser busy or ask for all memory, and nobody else notices."""

import asyncio
import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image as Pillow

from bot.desk import workshop
from bot.desk.opening import MOST_BYTES, Opened, UnreadableFileError
from bot.desk.workshop import AT_ONCE, Patience, Workshop
from bot.domain.exchange import Document, Image
from tests.fakes.pdf_bomb import bomb_pdf

LONG = 30.0
"""Seconds; as long as a crowded machine may need."""


def png() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


def python(script: str) -> Workshop:
    """A workshop whose opener does something else."""
    return Workshop([sys.executable, "-c", script])


async def opened(shop: Workshop, data: bytes = b"", patience: Patience | None = None) -> Opened:
    return await shop.open(data, "a.pdf", patience or Patience(LONG), is_text=False)


async def why(shop: Workshop, data: bytes = b"", patience: Patience | None = None) -> str:
    with pytest.raises(UnreadableFileError) as left_out:
        await opened(shop, data, patience)
    return str(left_out.value)


def is_there(pid: str) -> bool:
    return Path("/proc", pid).exists()


async def test_a_file_is_opened_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "FILE_SECONDS", LONG)
    shown = (await opened(Workshop(), png())).content
    assert isinstance(shown, Image)
    assert (shown.media_type, shown.width, shown.height) == ("image/jpeg", 40, 30)
    assert await why(Workshop(), b"MZ\x90\0") == "not what it says it is"


async def test_while_a_bomb_is_defused_other_files_are_opened_and_everything_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workshop, "FILE_SECONDS", LONG)
    bomb, shop = bomb_pdf(2_000_000), Workshop()
    assert len(bomb) < 1_000
    defusing = asyncio.ensure_future(opened(shop, bomb))
    await opened(shop, png())
    assert not defusing.done()
    defusing.cancel()
    assert await why(shop, bomb, Patience(0.1)) == "takes too long to open"


async def test_a_small_table_is_a_pdf_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "FILE_SECONDS", LONG)
    shown = (await opened(Workshop(), bomb_pdf(10))).content
    assert isinstance(shown, Document)
    assert shown.pages == 1


async def test_who_sends_many_bombs_waits_for_them_once(tmp_path: Path) -> None:
    shop, patience = python("import time; time.sleep(600)"), Patience(0.1)
    for _ in range(10):
        assert await why(shop, b"", patience) == "takes too long to open"
    assert patience.seconds <= 0


async def test_waiting_for_other_peoples_files_is_not_counted() -> None:
    slow, clock = python("import time; time.sleep(600)"), asyncio.get_running_loop().time
    freed: list[float] = []

    async def theirs() -> None:
        await why(slow, b"", Patience(0.3))
        freed.append(clock())

    mine = Patience(0.1)
    await asyncio.gather(*(theirs() for _ in range(AT_ONCE)), why(slow, b"", mine))
    assert 0.1 - mine.seconds <= clock() - min(freed)


async def test_a_turn_that_is_given_up_leaves_no_process_behind(tmp_path: Path) -> None:
    pipe = tmp_path / "pid"
    os.mkfifo(pipe)
    shop = python(f"import os, time; open({str(pipe)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    opening = asyncio.ensure_future(opened(shop, bytes(1_000_000), Patience(600.0)))
    pid = await asyncio.to_thread(pipe.read_text)
    assert is_there(pid)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not is_there(pid)


async def test_two_files_are_opened_at_once_and_no_more(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import sys; log = open({!r}, 'a', 1); log.write('+\\n'); sys.stdin.buffer.read(); log.write('-\\n')"
    shop = python(script.format(str(log)))
    await asyncio.gather(*(why(shop) for _ in range(6)))
    at_once, peaks = 0, []
    for sign in log.read_text().split():
        at_once += 1 if sign == "+" else -1
        peaks.append(at_once)
    assert len(peaks) == 12
    assert max(peaks) <= AT_ONCE


@pytest.mark.parametrize(
    "script",
    [
        "import os; os.abort()",
        "print('{')",
        "",
        f"print('[' * {2 * MOST_BYTES + 1})",
        "import os; os.close(0); os.close(1)",
    ],
)
async def test_a_process_that_falls_over_a_file_leaves_it_out(script: str) -> None:
    assert await why(python(script), bytes(1_000_000)) == "cannot be opened"


async def test_where_no_process_can_be_started_the_file_is_left_out(tmp_path: Path) -> None:
    assert await why(Workshop([str(tmp_path / "nothing")])) == "cannot be opened at the moment"


@pytest.mark.skipif(sys.platform != "linux", reason="not every system bounds memory")
async def test_a_process_has_bounded_memory_and_time_even_when_nobody_ends_it() -> None:
    script = (
        "import resource\nfrom bot.desk.opening_process import bound, CPU_SECONDS\nbound()\n"
        "assert resource.getrlimit(resource.RLIMIT_CPU) == (CPU_SECONDS, CPU_SECONDS)\n"
        'try: bytearray(2**30)\nexcept MemoryError: print(\'{"why": "bounded"}\')'
    )
    assert await why(Workshop([sys.executable, "-c", script])) == "bounded"


async def test_a_process_that_opens_a_file_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    script = "import json, os; print(json.dumps({'why': ' '.join(sorted(set(os.environ)))}))"
    names = (await why(python(script))).split()
    assert "PYTHONPATH" in names
    assert not {"SLACK_BOT_TOKEN", "HOME"} & set(names)
    assert os.environ["SLACK_BOT_TOKEN"]
