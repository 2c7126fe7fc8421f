"""The embedder that comes with the package: all-MiniLM-L6-v2 with 8-bit weights, on one processor core.

Each text is a batch of its own. Activations are quantised by the range of the whole batch, so in company a text would
get a slightly different vector each time; alone it always gets the same, and on a single core it takes no longer.
Threads of the runtime never spin: they would take the cores away from the event loop and from numpy.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.embedder import EmbedderUnavailableError, Vectors
from tools.knowledge_base.wordpiece import WordPiece

if TYPE_CHECKING:
    import onnxruntime

HERE = Path(__file__).parent / "model"
MODEL_SHA256 = "40792a2ffb92daea3d512843dbc61fabaacf00ba012e3efad4486befa129ca24"
"""Of minilm_int8.onnx; its first figures are a part of the embedder's name."""
_VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_DIMENSIONS = 384
_BOUNDS = (0.38, 0.42), (0.50, 0.56)
"""Over six help centres, a line at 0.40 refused 88 to 99 % of 400 off-topic questions and lost 0 to 3 % of those that
an article answers; from 0.50 on hardly any is off the subject."""
_QUERY_TOKENS = 48
"""More of a question bring nothing but time: of 2,078 public questions 48 find what 64 find, within .0003 of recall."""
_PASSAGE_TOKENS = 256
"""What the model was trained for."""


class MiniLM:
    """English; 22 million weights; about 2 ms a question, 10 ms a passage."""

    dimensions = _DIMENSIONS
    languages = frozenset({"en"})
    bounds = _BOUNDS

    def __init__(self, folder: Path = HERE, *, sha256: str = MODEL_SHA256, workers: int = 1) -> None:
        """`workers`: texts embedded side by side. Raises EmbedderUnavailableError when it cannot be loaded."""
        self.name = f"minilm-int8-{sha256[:12]}"
        self._workers = workers
        try:
            self._session = open_session(_checked(folder / "minilm_int8.onnx", sha256))
            vocabulary = _checked(folder / "vocab.txt", _VOCABULARY_SHA256)
            self._tokens = WordPiece(vocabulary.read_text(encoding="utf-8").splitlines())
        except OSError as error:
            raise EmbedderUnavailableError(f"{error.filename}: {error.strerror}. Install the package anew.") from None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        if self._workers == 1 or len(texts) == 1:
            made = [self._one(text, _PASSAGE_TOKENS) for text in texts]
        else:
            with ThreadPoolExecutor(self._workers) as pool:
                made = list(pool.map(lambda text: self._one(text, _PASSAGE_TOKENS), texts))
        return np.stack(made) if made else np.zeros((0, _DIMENSIONS), np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of the question's first 48 tokens."""
        return self._one(text, _QUERY_TOKENS)

    def _one(self, text: str, tokens: int) -> NDArray[np.float32]:
        ids = np.array([self._tokens.encode(text, tokens)], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        (made,) = self._session.run(["embedding"], given, shrinking() if ids.shape[1] > _QUERY_TOKENS else None)
        vector: NDArray[np.float32] = made[0]
        return vector


def open_session(model: Path) -> "onnxruntime.InferenceSession":
    """A model ready to run; EmbedderUnavailableError where the runtime is missing or refuses it.

    Opened by its path: handed over as bytes it would take 30 MB more.
    """
    try:
        import onnxruntime  # noqa: PLC0415 — 40 MB that only processes with an embedder need; some systems have no wheel
    except ImportError:
        raise EmbedderUnavailableError("onnxruntime is not installed. `pip install onnxruntime`.") from None
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own classes have no common base but this
        raise EmbedderUnavailableError(f"onnxruntime refuses the model ({type(error).__name__}).") from error


def shrinking() -> Any:
    """For a run on a long text: the memory it takes is given back, while that of short ones is kept and used again.

    Questions always come; without memory of their own they would scatter it over 10 MB of holes that others left.
    """
    import onnxruntime  # noqa: PLC0415 — as above

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path, sha256: str) -> Path:
    if digest_of(path) != sha256:
        raise EmbedderUnavailableError(f"{path.name} is damaged (wrong SHA-256). Install the package anew.")
    return path
