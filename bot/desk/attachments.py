"""Screenshots, PDFs and text files for the model, within its limits; for anything else a remark that names it."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.agent.context import Attachment, TextFile
from bot.desk.opening import MOST_BYTES, Opened, UnreadableFileError
from bot.desk.workshop import Patience, Workshop
from bot.domain.errors import PermanentError
from bot.domain.hidden import one_line
from bot.domain.incoming import File
from bot.domain.redaction import Redactor
from bot.ports.slack import Files

logger = logging.getLogger(__name__)

MOST_FILES = 5
"""Per message."""
MOST_TEXT_BYTES = 1_000_000
"""Of a text file; larger ones are no logs that somebody wants read."""
TURN_FILES, TURN_BYTES = 10, 20_000_000
"""Of all messages of a turn; the vendor takes 32 MB with everything else."""
_BINARY = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
_TEXT = frozenset(
    {
        "application/json", "application/x-ndjson", "application/xml", "application/yaml", "application/x-yaml",
        "application/toml", "application/csv", "application/javascript", "application/x-sh", "application/sql",
    }
)  # fmt: skip
_VAGUE = frozenset({"application/octet-stream", "binary/octet-stream", "application/unknown", ""})
_TEXT_ENDINGS = (
    "txt",
    "log",
    "csv",
    "tsv",
    "json",
    "jsonl",
    "ndjson",
    "md",
    "xml",
    "yaml",
    "yml",
    "toml",
    "ini",
    "conf",
)
_ENDINGS = ("png", "jpg", "jpeg", "gif", "webp", "pdf", *_TEXT_ENDINGS)
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('<>[]{}"`', " "))


@dataclass(slots=True)
class Room:
    """What is left of what the files of one turn may take."""

    files: int = TURN_FILES
    size: int = TURN_BYTES
    patience: Patience = field(default_factory=Patience)


class Opening(Protocol):
    """Opens files, see `Workshop`."""

    def open(self, data: bytes, name: str, patience: Patience, *, is_text: bool) -> Awaitable[Opened]:
        """UnreadableFileError when there is nothing that the model could be shown."""
        ...


class Attachments:
    """Fetches and prepares files."""

    def __init__(self, files: Files, workshop: Opening | None = None) -> None:
        self._files = files
        self._workshop = workshop or Workshop()

    async def fetch(
        self, files: tuple[File, ...], room: Room | None = None, redactor: Redactor | None = None
    ) -> tuple[tuple[Attachment, ...], list[str]]:
        """What the model can see, and remarks (for model and customer) about what was left out.

        `room`: what is left for this message; it gets smaller. `redactor`: goes over text; pictures and PDFs are shown
        as they are.
        """
        room = room or Room()
        kept: list[Attachment] = []
        unreadable: list[str] = []
        cuts: list[str] = []
        allowed = min(MOST_FILES, max(room.files, 0))
        for file in files[:allowed]:
            try:
                opened = await self._one(file, room)
            except (UnreadableFileError, PermanentError) as error:
                why = str(error) if isinstance(error, UnreadableFileError) else "cannot be fetched"
                fields = {"media_type": file.media_type, "bytes": file.size, "why": why}
                logger.info("file.left_out", extra={"fields": fields})
                unreadable.append(f"{_name(file)} ({why})")
                continue
            kept.append(_discreet(opened.content, redactor or Redactor()))
            cuts += [f"[{opened.remark}]"] if opened.remark else []
        left = len(files) - allowed
        further = [f"[{left} further attachments were left out]"] if left > 0 else []
        remarks = [f"[Attachment the assistant cannot open: {', '.join(unreadable)}]"] if unreadable else []
        return tuple(kept), [*remarks, *cuts, *further]

    async def _one(self, file: File, room: Room) -> Opened:
        readable, is_text = _readable(file)
        limit = min(MOST_TEXT_BYTES if is_text else MOST_BYTES, room.size)
        if readable.size > limit:
            raise UnreadableFileError("too large")
        data = await self._files.download(readable, limit=limit)
        opened = await self._workshop.open(data, _name(file), room.patience, is_text=is_text)
        if opened.weight > room.size:
            raise UnreadableFileError("too large beside the other files")
        room.files -= 1
        room.size -= opened.weight
        return opened


def _discreet(content: Attachment, redactor: Redactor) -> Attachment:
    return replace(content, text=redactor.redact(content.text)) if isinstance(content, TextFile) else content


def _readable(file: File) -> tuple[File, bool]:
    """The file to fetch, and whether it is text; of pictures we cannot read, what Slack made of them."""
    media_type = file.media_type.partition(";")[0].strip().lower()
    ending = file.name.rpartition(".")[2].lower()
    if media_type in _BINARY:
        return file, False
    if media_type.startswith("text/") or media_type in _TEXT:
        return file, True
    if media_type in _VAGUE and ending in _ENDINGS:
        return file, ending in _TEXT_ENDINGS
    if media_type.startswith("image/") and file.preview:
        return replace(file, url=file.preview, media_type="image/jpeg", size=0), False
    kind = (
        "a HEIC photo; PNG or JPEG works"
        if media_type in ("image/heic", "image/heif")
        else "no screenshot, PDF or text"
    )
    raise UnreadableFileError(kind)


def _name(file: File) -> str:
    return one_line(file.name.translate(_NOT_IN_NAMES), 80) or "file"
