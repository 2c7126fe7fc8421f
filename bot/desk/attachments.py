"""Screenshots and PDFs for the model, within its limits; for anything else a friendly remark."""

import asyncio
import base64
import io
import logging

from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from pypdf import PdfReader
from pypdf.errors import PyPdfError

import prompts
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
MOST_PIXELS = 64_000_000
"""Before scaling; a guard against decompression bombs."""
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


class UnreadableFileError(Exception):
    """A file the model cannot be shown."""


class Attachments:
    """Fetches and prepares files."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._sentences = prompts.sentences()

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
        return await asyncio.to_thread(_document if is_pdf else _image, data, _name(file))


def _image(data: bytes, name: str) -> Image:
    """A picture of at most LONGEST_EDGE pixels as PNG or JPEG."""
    try:
        picture = Pillow.open(io.BytesIO(data))
        if picture.width * picture.height > MOST_PIXELS:
            raise UnreadableFileError(name)
        picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
        out, has_alpha = io.BytesIO(), picture.mode in ("RGBA", "LA", "P")
        picture.convert("RGBA" if has_alpha else "RGB").save(out, "PNG" if has_alpha else "JPEG", quality=85)
    except (UnidentifiedImageError, OSError, ValueError, Pillow.DecompressionBombError) as error:
        raise UnreadableFileError(name) from error
    media_type = "image/png" if has_alpha else "image/jpeg"
    return Image(media_type, base64.b64encode(out.getvalue()).decode(), picture.width, picture.height)


def _document(data: bytes, name: str) -> Document:
    try:
        pages = len(PdfReader(io.BytesIO(data)).pages)
    except (PyPdfError, OSError, ValueError, RecursionError) as error:
        raise UnreadableFileError(name) from error
    if not 0 < pages <= MOST_PAGES:
        raise UnreadableFileError(name)
    return Document(base64.b64encode(data).decode(), name, pages)


def _name(file: File) -> str:
    return " ".join(file.name.split())[:80] or "file"
