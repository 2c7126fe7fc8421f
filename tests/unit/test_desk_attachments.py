"""Files of customers: what is shown to the model, and what preparing them may cost."""

import asyncio
import io
import threading
import time

import pytest
from PIL import Image as Pillow

from bot.desk import attachments
from bot.desk.attachments import AT_ONCE, LONGEST_EDGE, Attachments
from bot.domain.exchange import Document, Image
from bot.domain.incoming import File

LEFT_OUT = ["[Attachment the assistant cannot open: shot]"]


class OneFile:
    """Slack with one file to download."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def download(self, file: File, *, limit: int) -> bytes:
        return self._content


def picture(size: tuple[int, int], kind: str) -> bytes:
    out = io.BytesIO()
    Pillow.new("L", size).save(out, kind)
    return out.getvalue()


def of(media_type: str) -> File:
    return File("F1", "shot", media_type, 1, "https://slack.com/f")


async def test_a_photograph_of_a_telephone_is_shown_small() -> None:
    kept, remarks = await Attachments(OneFile(picture((5712, 4284), "JPEG"))).fetch((of("image/jpeg"),))
    assert isinstance(kept[0], Image)
    assert max(kept[0].width, kept[0].height) == LONGEST_EDGE
    assert remarks == []


@pytest.mark.parametrize(("size", "kind"), [((5000, 4000), "PNG"), ((5000, 4000), "GIF"), ((9000, 9000), "JPEG")])
async def test_a_picture_that_would_fill_the_memory_is_left_out_undecoded(size: tuple[int, int], kind: str) -> None:
    content = picture(size, kind)[:2000]  # what is missing would be missed if it were decoded
    began = time.thread_time()
    assert await Attachments(OneFile(content)).fetch((of("image/png"),)) == ((), LEFT_OUT)
    assert time.thread_time() - began < 0.1


async def test_a_file_that_takes_for_ever_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(attachments, "PREPARING_SECONDS", 0.05)
    monkeypatch.setattr(attachments, "PdfReader", lambda _: let_go.wait(10))
    try:
        assert await Attachments(OneFile(b"%PDF")).fetch((of("application/pdf"),)) == ((), LEFT_OUT)
    finally:
        let_go.set()


async def test_two_files_are_prepared_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    peak: list[int] = []

    def prepare(data: bytes, name: str) -> Document:
        running.append(1)
        peak.append(len(running))
        time.sleep(0.02)
        running.pop()
        return Document("", name, 1)

    monkeypatch.setattr(attachments, "_document", prepare)
    desk = Attachments(OneFile(b"%PDF"))
    shown = await asyncio.gather(*(desk.fetch((of("application/pdf"),)) for _ in range(8)))
    assert all(len(kept) == 1 for kept, _ in shown)
    assert max(peak) == AT_ONCE
