"""What is in a file, as the model can be shown it: a picture, a PDF, or text. Pure, and slow: see `bot.desk.workshop`.

What a file is, its first bytes tell; its name and what Slack says of it only count for text, which has no such mark.
Nothing is unpacked that a header says is too large. Everything raised for a file that cannot be shown is an
`UnreadableFileError` whose words the model reads.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import ImageOps
from pypdf import PdfReader, PdfWriter

from bot.agent.context import TextFile
from bot.domain.exchange import Document, Image
from bot.domain.hidden import visible

MOST_BYTES = 10_000_000
"""Per file; the model's own limit for pictures."""
MOST_PAGES = 10
"""Of a PDF, the others are left out; keeps the worst case of a step affordable."""
LONGEST_EDGE = 1568
"""Pixels; larger pictures are scaled down (the model would do it too, and charge for more)."""
MOST_PIXELS = 32_000_000
"""As the header tells, before anything is decoded; a telephone's JPEG has 24 million."""
MOST_DECODED_PIXELS = 16_000_000
"""Held in memory at once; a JPEG is decoded at a fraction of its size, the other formats whole."""
MOST_PNG = 3_500_000
"""Bytes; in the request it takes a third more, and some of the model's vendors take 5 MB."""
MOST_TEXT = 12_000
"""Characters of a text file: the beginning, and the end, where logs tell what went wrong."""
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""Whatever a file calls itself: a PostScript one would be handed to Ghostscript."""
_COARSE = {"P": "RGBA", "1": "L"}
"""What pictures of few colours become before they are scaled down: else whole lines of a screenshot are left out."""
_HEAD = 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PHOTOS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")


class UnreadableFileError(Exception):
    """A file the model cannot be shown; says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as the model is shown it."""

    content: Image | Document | TextFile
    remark: str = ""
    """What of it is left out."""

    @property
    def weight(self) -> int:
        """Bytes of the request that it takes."""
        return len(self.content.text.encode() if isinstance(self.content, TextFile) else self.content.data)


def open_file(data: bytes, name: str, *, is_text: bool) -> Opened:
    """`is_text`: whether name or media type say that it is text."""
    head = data[:_HEAD]
    if head.startswith(b"%PDF") or (b"%PDF-" in head and not is_text):
        return _document(data, name)
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8")) or head[:4] + head[8:12] == b"RIFFWEBP":
        return _image(data, name)
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTOS:
        raise UnreadableFileError("a HEIC photo; PNG or JPEG works")
    if is_text:
        return _text(data, name)
    raise UnreadableFileError("not what it says it is")


@contextmanager
def _parsing() -> Iterator[None]:
    """Whatever a parser raises becomes an UnreadableFileError."""
    try:
        yield
    except UnreadableFileError:
        raise
    except MemoryError as error:
        raise UnreadableFileError("takes too much memory to open") from error
    except Exception as error:  # of a foreign file it may be anything: SyntaxError, struct.error, KeyError, …
        raise UnreadableFileError("broken") from error


def _image(data: bytes, name: str) -> Opened:
    """A picture of at most LONGEST_EDGE pixels as PNG or JPEG, the right way up, without what else was in the file."""
    with _parsing():
        picture: Pillow.Image = Pillow.open(io.BytesIO(data), formats=_FORMATS)
        _guard(picture, MOST_PIXELS)
        moves = getattr(picture, "is_animated", False)
        picture.draft(None, (LONGEST_EDGE, LONGEST_EDGE))
        _guard(picture, MOST_DECODED_PIXELS)
        if picture.mode in _COARSE:
            picture = picture.convert(_COARSE[picture.mode])
        picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
        upright = ImageOps.exif_transpose(picture)
        content, media_type = _written(upright)
    shown = Image(media_type, base64.b64encode(content).decode(), upright.width, upright.height)
    return Opened(shown, f"Of the animation {name} only the first picture is shown" if moves else "")


def _written(picture: Pillow.Image) -> tuple[bytes, str]:
    """A picture's bytes and media type: PNG for what may be seen through, on white and as JPEG where that is large."""
    if picture.mode in ("RGBA", "LA"):
        picture = picture.convert("RGBA")
        content = _saved(picture, "PNG")
        if len(content) <= MOST_PNG:
            return content, "image/png"
        picture = Pillow.alpha_composite(Pillow.new("RGBA", picture.size, "white"), picture)
    if picture.mode.startswith("I"):  # of a scanner: 16 bits of grey, which conversion would cut off at 255
        picture = picture.point(lambda grey: grey / 256).convert("L")
    return _saved(picture.convert("RGB"), "JPEG"), "image/jpeg"


def _saved(picture: Pillow.Image, kind: str) -> bytes:
    picture.info.clear()  # comments and profiles would be written as well
    out = io.BytesIO()
    picture.save(out, kind, quality=85)
    return out.getvalue()


def _guard(picture: Pillow.Image, most: int) -> None:
    if picture.width * picture.height > most:
        raise UnreadableFileError("too many pixels")


def _document(data: bytes, name: str) -> Opened:
    with _parsing():
        reader = PdfReader(io.BytesIO(data))
        is_locked = reader.is_encrypted
        pages = 0 if is_locked else len(reader.pages)
        content = data if pages <= MOST_PAGES else _beginning(reader)
    if is_locked:
        raise UnreadableFileError("protected by a password")
    if not pages or len(content) > MOST_BYTES:
        raise UnreadableFileError("too large" if pages else "without pages")
    shown = min(pages, MOST_PAGES)
    remark = f"Of {name} only the first {shown} of {pages} pages are shown" if shown < pages else ""
    return Opened(Document(base64.b64encode(content).decode(), name, shown), remark)


def _beginning(reader: PdfReader) -> bytes:
    writer = PdfWriter()
    for page in reader.pages[:MOST_PAGES]:
        writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _text(data: bytes, name: str) -> Opened:
    text = _decoded(data)
    if len(text) <= MOST_TEXT:
        return Opened(TextFile(name, text))
    first = MOST_TEXT * 2 // 3
    left_out = len(text) - MOST_TEXT
    cut = f"{text[:first]}\n(… {left_out} characters are left out …)\n{text[first - MOST_TEXT :]}"
    return Opened(TextFile(name, cut), f"The middle of {name} is left out, {left_out} characters")


def _decoded(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else what Windows writes in the West; text has no zeros."""
    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise UnreadableFileError("not text")
    return visible(text)
