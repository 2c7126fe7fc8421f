"""The embedders there are, by the word that chooses one: the setting EMBEDDER."""

from pathlib import Path

from tools.knowledge_base.embedder import Embedder, EmbedderUnavailableError
from tools.knowledge_base.fastembed import FastEmbed
from tools.knowledge_base.minilm import MiniLM
from tools.knowledge_base.onnx_folder import OnnxFolder
from tools.knowledge_base.voyage import Voyage

NONE, OWN = "none", "minilm"
_CHOICES = "minilm, none, fastembed:MODEL, voyage:MODEL, or the path of a folder with model.onnx and vocab.txt"


def open_embedder(setting: str, *, voyage_key: str = "", workers: int = 1) -> Embedder | None:
    """The embedder of this setting; None for `none`: then words alone are searched.

    `workers`: texts embedded side by side where the work is done on this machine. Raises EmbedderUnavailableError,
    whose message is for the person who chose.
    """
    kind, _, name = setting.partition(":")
    if setting in ("", OWN):
        return MiniLM(workers=workers)
    if setting == NONE:
        return None
    if kind == "fastembed" and name:
        return FastEmbed(name)
    if kind == "voyage" and name:
        return Voyage(name, voyage_key)
    if Path(setting).is_dir():
        return OnnxFolder(Path(setting), workers=workers)
    raise EmbedderUnavailableError(f"EMBEDDER: {setting!r} is none of {_CHOICES}.")
