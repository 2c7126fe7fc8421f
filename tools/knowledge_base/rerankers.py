"""The rerankers there are, by the word that chooses one: the setting RERANKER."""

from pathlib import Path

from tools.knowledge_base.cross_encoder import CrossEncoder
from tools.knowledge_base.reranking import SECONDS, Reranker, RerankerUnavailableError
from tools.knowledge_base.voyage_reranker import VoyageReranker

_CHOICES = "voyage:MODEL, or the path of a folder with model.onnx and vocab.txt"


def open_reranker(setting: str, *, voyage_key: str = "", seconds: float = SECONDS) -> Reranker | None:
    """The reranker of this setting; None when it is empty: the order stays that of the search.

    `seconds`: after which it gives up. Raises RerankerUnavailableError, whose message is for the person who chose.
    """
    kind, _, name = setting.partition(":")
    if not setting:
        return None
    if kind == "voyage" and name:
        return VoyageReranker(name, voyage_key, seconds=seconds)
    if Path(setting).is_dir():
        return CrossEncoder(Path(setting), seconds=seconds)
    raise RerankerUnavailableError(f"{setting!r} is none of {_CHOICES}.")
