"""pgvector's `halfvec` for SQLAlchemy, and how many rows with one are written at once: PostgreSQL's COPY, in binary.

As text a vector of 384 numbers is 4 kB to make here and to read there; in binary it is the bytes that are stored.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)

Value = str | int | NDArray[np.floating]


class HalfVec(UserDefinedType[NDArray[np.floating]]):
    """A column of vectors of 16-bit numbers."""

    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: object) -> str:
        """As SQL names it."""
        return f"halfvec({self.dimensions})"


def text_of(vector: NDArray[np.floating]) -> str:
    """A vector as PostgreSQL reads it."""
    return "[" + ",".join(map("{:.6g}".format, vector.tolist())) + "]"


async def copy_rows(
    connection: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]]
) -> None:
    """Write rows into a table, within the caller's transaction. Names must be ours: they are not quoted."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    block = b"".join((_HEADER, *map(_packed, rows), _END))
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    async with driver.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(block)


def _packed(row: Sequence[Value]) -> bytes:
    fields = [_field(value) for value in row]
    return struct.pack(">h", len(fields)) + b"".join(struct.pack(">i", len(field)) + field for field in fields)


def _field(value: Value) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, int):
        return struct.pack(">i", value)
    return struct.pack(">HH", len(value), 0) + np.asarray(value, ">f2").tobytes()
