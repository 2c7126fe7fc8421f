"""Screenshots and PDFs for the model, within its limits; for anything else a friendly remark."""

import asyncio
import base64
import io
import logging
from concurrent.futures import ThreadPoolExecutor

from PIL import Image as Pillow
from pypdf import PdfReader

from bot.domain.errors import PermanentError
from bot.domain.exchange import Document, Image
from bot.domain.incoming import File
from bot.ports.slack import Files

logger = logging.getLogger(__name__)

MOST_FILES = 5
"""Per message."""
MOST_BYTES = 10_000_000
"""Per file; the model's own limit for pictures."""
MOST_PAGES = 10
"""Of a PDF; keeps the worst case of a step affordable."""
LONGEST_EDGE = 1568
"""Pixels; larger pictures are scaled down (the model would do it too, and charge for more)."""
MOST_PIXELS = 32_000_000
"""As the header tells, before anything is decoded; a telephone's JPEG has 24 million."""
MOST_DECODED_PIXELS = 16_000_000
"""Held in memory at once; a JPEG is decoded at a fraction of its size, the other formats whole."""
AT_ONCE = 2
"""Files prepared at the same time."""
PREPARING_SECONDS = 10.0
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""Whatever a file calls itself: a PostScript one would be handed to Ghostscript."""


class UnreadableFileError(Exception):
    """A file the model cannot be shown."""


class Workshop:
    """Where files are prepared: a few threads, the same for every workspace."""

    def __init__(self) -> None:
        self.turnstile = asyncio.Semaphore(AT_ONCE)
        self.threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="attachments")


class Attachments:
    """Fetches and prepares files."""

    def __init__(self, files: Files, workshop: Workshop | None = None) -> None:
        self._files = files
        self._workshop = workshop or Workshop()

    async def fetch(self, files: tuple[File, ...]) -> tuple[tuple[Image | Document, ...], list[str]]:
        """What the model can see, and remarks (for model and customer) about what was left out."""
        kept: list[Image | Document] = []
        unreadable: list[str] = []
        for file in files[:MOST_FILES]:
            try:
                kept.append(await self._one(file))
            except (UnreadableFileError, PermanentError):
                logger.info("file.left_out", extra={"fields": {"media_type": file.media_type, "bytes": file.size}})
                unreadable.append(_name(file))
        remarks = []
        if unreadable:
            remarks.append(f"[Attachment the assistant cannot open: {', '.join(unreadable)}]")
        if len(files) > MOST_FILES:
            remarks.append(f"[{len(files) - MOST_FILES} further attachments were left out]")
        return tuple(kept), remarks

    async def _one(self, file: File) -> Image | Document:
        is_pdf = file.media_type == "application/pdf"
        if not is_pdf and file.media_type not in _IMAGES:
            raise UnreadableFileError(file.media_type)
        data = await self._files.download(file, limit=MOST_BYTES)
        prepare = _document if is_pdf else _image
        try:
            async with self._workshop.turnstile, asyncio.timeout(PREPARING_SECONDS):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._workshop.threads, prepare, data, _name(file))
        except TimeoutError:
            raise UnreadableFileError(_name(file)) from None


def _image(data: bytes, name: str) -> Image:
    """A picture of at most LONGEST_EDGE pixels as PNG or JPEG."""
    try:
        picture = Pillow.open(io.BytesIO(data), formats=_FORMATS)
        _guard(picture, MOST_PIXELS)
        picture.draft(None, (LONGEST_EDGE, LONGEST_EDGE))
        _guard(picture, MOST_DECODED_PIXELS)
        picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
        out, has_alpha = io.BytesIO(), picture.mode in ("RGBA", "LA", "P")
        picture.convert("RGBA" if has_alpha else "RGB").save(out, "PNG" if has_alpha else "JPEG", quality=85)
    except Exception as error:  # a parser of foreign files raises anything: SyntaxError, struct.error, …
        raise UnreadableFileError(name) from error
    media_type = "image/png" if has_alpha else "image/jpeg"
    return Image(media_type, base64.b64encode(out.getvalue()).decode(), picture.width, picture.height)


def _guard(picture: Pillow.Image, most: int) -> None:
    if picture.width * picture.height > most:
        raise UnreadableFileError("too large")


def _document(data: bytes, name: str) -> Document:
    try:
        pages = len(PdfReader(io.BytesIO(data)).pages)
    except Exception as error:  # a parser of foreign files raises anything: DependencyError, KeyError, …
        raise UnreadableFileError(name) from error
    if not 0 < pages <= MOST_PAGES:
        raise UnreadableFileError(name)
    return Document(base64.b64encode(data).decode(), name, pages)


def _name(file: File) -> str:
    return " ".join(file.name.split())[:80] or "file"
