"""Texts to vectors: the port, and what every embedder shares.

Two texts that mean the same lie close together, so the product of their vectors (their cosine) says how well a passage
fits a question even when they share no word. A vector belongs to a text and an embedder, to nothing else: it is kept
under the text's digest and the embedder's name, and made only once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""n by d, each row of length 1."""


Bounds = tuple[float, float]
UNKNOWN: tuple[Bounds, Bounds] = ((-1.0, 1.0), (-1.0, 1.0))


class EmbedderUnavailableError(Exception):
    """This embedder cannot work here; the message says why and what to do."""


class Embedder(Protocol):
    """Makes vectors. Threads may share one."""

    @property
    def name(self) -> str:
        """Changes with whatever changes the vectors."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes it was trained for; empty: many, its cosines may be trusted in all of them."""
        ...

    @property
    def bounds(self) -> tuple[Bounds, Bounds]:
        """Cosines between which the lines of the bands `weak` and `strong` may lie; `UNKNOWN` without experience."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each passage or title, in order. Blocks: minutes for many texts, so call it in a thread."""
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The vector of a question; some embedders treat it differently from a passage, all cut it short."""
        ...


def vector_of(embedder: Embedder, question: str) -> NDArray[np.float32]:
    """The question's vector, looked at before it is used; EmbedderUnavailableError when there is none to be had."""
    with _told(embedder):
        vector = embedder.embed_query(question)
    if vector.shape != (embedder.dimensions,) or not np.isfinite(vector).all():
        raise EmbedderUnavailableError(f"{embedder.name} gave something that is no vector of its own.")
    return vector


def vectors_of(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """One vector for each text; EmbedderUnavailableError when that is not what comes. Blocks, as `embed` does."""
    with _told(embedder):
        made = embedder.embed(texts)
    if made.shape != (len(texts), embedder.dimensions):
        raise EmbedderUnavailableError(f"{embedder.name} gave {made.shape} for {len(texts)} texts.")
    return made


@contextmanager
def _told(embedder: Embedder) -> Iterator[None]:
    """Whatever goes wrong inside becomes an EmbedderUnavailableError."""
    try:
        yield
    except EmbedderUnavailableError:
        raise
    except Exception as error:  # whatever somebody else's runtime raises
        raise EmbedderUnavailableError(f"{embedder.name} broke ({type(error).__name__}).") from error


def text_digest(text: str) -> str:
    """The key under which the vector of this very text is kept: its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
