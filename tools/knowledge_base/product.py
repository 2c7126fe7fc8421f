"""Products of one vector with many rows of 8-bit numbers, the way that is fastest here.

onnxruntime makes them out of whole numbers. The vector becomes two rows of seven bits, the second for what the first
rounds away: processors without VNNI add two products in 16 bits, which full-range numbers would overflow. Reading the
matrix is what takes most of the time, so a second row costs little. Where onnxruntime is missing numpy makes the
products, which takes twice as long.
"""

import logging
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.knowledge_base.embedder import Vectors
from tools.knowledge_base.tensors import product_model

logger = logging.getLogger(__name__)

Numbers = NDArray[np.int8]
_BLOCK = 512
"""Rows made 32 bits wide at a time; they stay in the processor's cache."""
_STEPS = 63
"""Of the vector's numbers on each side of zero, which is `_ZERO`."""
_FINER = 2 * _STEPS
"""Steps of the second row in one of the first."""
_ZERO = 64
_WIDTH = 32
"""Of the matrix that shows whether the runtime copies what it is given."""


class Product(Protocol):
    """A matrix that can be multiplied with a vector. Threads may share it."""

    def __call__(self, vector: Vectors) -> Vectors:
        """One number for each row."""
        ...


def product_of(numbers: Numbers) -> Product:
    """The product with these rows (n by d). Takes 30 ms for ten thousand articles."""
    if not numbers.size:
        return PlainProduct(numbers)
    try:
        return QuickProduct(np.ascontiguousarray(numbers.T), keep=not _are_copied())
    except Exception as error:  # noqa: BLE001 - missing, or a runtime that refuses: it has no common base for its errors
        logger.info("knowledge.plain_product", extra={"fields": {"error": type(error).__name__}})
        return PlainProduct(numbers)


class PlainProduct:
    """By numpy, exact."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def __call__(self, vector: Vectors) -> Vectors:
        """A block at a time is made 32 bits wide."""
        made = np.empty(len(self._numbers), np.float32)
        wide = np.empty((min(_BLOCK, len(self._numbers)), self._numbers.shape[1]), np.float32)
        for start in range(0, len(self._numbers), _BLOCK):
            block = self._numbers[start : start + _BLOCK]
            wide[: len(block)] = block
            np.dot(wide[: len(block)], vector, out=made[start : start + _BLOCK])
        return made


class QuickProduct:
    """By onnxruntime, in whole numbers."""

    def __init__(self, columns: Numbers, *, keep: bool) -> None:
        """`columns`: d by n; `keep`: the runtime goes on reading them where they are."""
        import onnxruntime  # noqa: PLC0415 — 40 MB that only processes with an embedder need; some systems have no wheel

        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena, options.log_severity_level = False, 3
        options.add_external_initializers(["matrix"], [onnxruntime.OrtValue.ortvalue_from_numpy(columns)])
        width, rows = columns.shape
        model = product_model(2, width, rows, _ZERO)
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._columns = columns if keep else None

    def __call__(self, vector: Vectors) -> Vectors:
        """The vector in steps, the product, and back."""
        step = max(float(np.abs(vector).max(initial=0.0)), 1e-12) / _STEPS
        coarse = np.rint(vector / step)
        fine = np.rint((vector / step - coarse) * _FINER)
        question = (np.stack((coarse, fine)) + _ZERO).astype(np.uint8)
        (sums,) = self._session.run(["sums"], {"question": question})
        made: Vectors = sums[1].astype(np.float32)
        made /= _FINER
        made += sums[0]
        made *= step
        return made


@cache
def _are_copied() -> bool:
    """Whether the runtime, on this processor, lays the numbers out in memory of its own: seen, not believed."""
    columns, vector = np.ones((_WIDTH, _WIDTH), np.int8), np.ones(_WIDTH, np.float32)
    product = QuickProduct(columns, keep=True)
    before = product(vector)
    columns[:] = 0
    return bool((product(vector) == before).all())
