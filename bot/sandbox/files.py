"""Files of the workspace: what people attach, and what the app uploads in two steps."""

import mimetypes
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.sandbox.wire import Json, SlackError
from bot.sandbox.workspace import Workspace

_BYTES_PER_UPLOAD = 32 * 1024 * 1024


@dataclass
class StoredFile:
    """A file: Slack's description of it, and its bytes."""

    meta: Json
    content: bytes


@dataclass
class _Upload:
    name: str
    length: int
    content: bytes | None = None


@dataclass
class Files:
    """Every file by id. `base_url` is set once the server knows its port."""

    workspace: Workspace
    base_url: str = ""
    stored: dict[str, StoredFile] = field(default_factory=dict)
    _uploads: dict[str, _Upload] = field(default_factory=dict)

    def add(self, name: str, mimetype: str, content: bytes, user: str, file_id: str = "") -> Json:
        """Store a file and return Slack's description of it."""
        file_id = file_id or self.workspace.make_id("F")
        mimetype = mimetype or mimetypes.guess_type(name)[0] or "application/octet-stream"
        now = int(self.workspace.clock())
        extension = name.rsplit(".", 1)[-1].lower() if "." in name else "binary"
        path = f"{self.base_url}/files/{file_id}/{quote(name)}"
        meta: Json = {
            "id": file_id,
            "created": now,
            "timestamp": now,
            "name": name,
            "title": name,
            "mimetype": mimetype,
            "filetype": extension,
            "pretty_type": extension.upper(),
            "user": user,
            "user_team": self.workspace.company.team.id,
            "editable": False,
            "size": len(content),
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": path,
            "url_private_download": f"{path}?download=1",
            "permalink": f"https://{self.workspace.company.team.domain}.slack.com/files/{user}/{file_id}/{quote(name)}",
            "file_access": "visible",
        }
        self.stored[file_id] = StoredFile(meta, content)
        return meta

    def get(self, file_id: str) -> StoredFile:
        """The stored file, or `file_not_found`."""
        if file_id not in self.stored:
            raise SlackError("file_not_found")
        return self.stored[file_id]

    def forget(self, file_id: str) -> None:
        """Delete a file everywhere. A message keeps a tombstone of it; one that held nothing else goes with it."""
        del self.stored[file_id]
        for channel in self.workspace.channels.values():
            for message in list(channel.messages.values()):
                shown = message.get("files", [])
                if all(file["id"] != file_id for file in shown):
                    continue
                left = [file if file["id"] != file_id else {"id": file_id, "mode": "tombstone"} for file in shown]
                if all(file.get("mode") == "tombstone" for file in left) and message.get("user") == self._app:
                    self.workspace.delete(channel.id, message["ts"])
                else:
                    self.workspace.edit(channel.id, message["ts"], {"files": left})

    @property
    def _app(self) -> str:
        return self.workspace.company.app.user_id

    def announce_upload(self, name: str, length: int) -> Json:
        """First step of an upload: a place to send the bytes to."""
        if not 0 < length <= _BYTES_PER_UPLOAD:
            raise SlackError("file_upload_size_restricted" if length > 0 else "invalid_arguments")
        file_id = self.workspace.make_id("F")
        self._uploads[file_id] = _Upload(name, length)
        return {"ok": True, "upload_url": f"{self.base_url}/upload/v1/{file_id}", "file_id": file_id}

    def receive(self, file_id: str, content: bytes) -> bool:
        """Second step: the bytes; False if the upload is unknown or the length differs."""
        upload = self._uploads.get(file_id)
        if upload is None or len(content) != upload.length:
            return False
        upload.content = content
        return True

    def complete(self, file_id: str, title: str, user: str) -> Json:
        """Last step: make the file real."""
        upload = self._uploads.pop(file_id, None)
        if upload is None or upload.content is None:
            raise SlackError("file_not_found")
        meta = self.add(upload.name, "", upload.content, user, file_id)
        meta["title"] = title or upload.name
        return meta
