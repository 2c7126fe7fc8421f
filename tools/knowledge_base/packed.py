"""Many texts that are seldom read, in one block of memory.

As objects of their own each would take 100 bytes more, and they would lie scattered among what is thrown away once an
index is built.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np


class Packed:
    """Texts by their place."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._edges = np.fromiter(accumulate(map(len, parts), initial=0), np.int64, len(parts) + 1)
        self._block = b"".join(parts)

    def some(self, places: Sequence[int]) -> tuple[str, ...]:
        """The texts at these places."""
        cuts = ((int(self._edges[place]), int(self._edges[place + 1])) for place in places)
        return tuple(self._block[start:end].decode("utf-8", "surrogatepass") for start, end in cuts)
