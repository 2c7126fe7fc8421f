"""A model of one node, written by hand: rows of 8-bit numbers times a vector.

The runtime that embeds questions also has the fastest product of 8-bit numbers there is on this machine: it lays the
matrix out for the processor once, and is then six times as fast as making the numbers 32 bits wide for numpy. It only
takes models, so here is the smallest one, in the few fields of the ONNX format (protobuf: number of the field and kind,
length, content) that it needs.
"""

UINT8, INT8, INT32 = 2, 3, 6
"""ONNX's names for kinds of numbers."""
_OPSET, _FORMAT = 14, 8
_ELSEWHERE = 1
"""The numbers of the matrix are no part of the model; they are handed over in memory."""


def product_model(questions: int, width: int, rows: int, zero: int) -> bytes:
    """`question` (`questions` by `width`, unsigned) times `matrix` (`width` by `rows`) is `sums`.

    `zero`: what stands for 0 in the question.
    """
    inputs = (_text(1, name) for name in ("question", "matrix", "zero"))
    node = _message(1, *inputs, _text(2, "sums"), _text(4, "MatMulInteger"))
    about = (("location", "memory"), ("offset", "0"), ("length", str(width * rows)))
    where = [_message(13, _text(1, key), _text(2, value)) for key, value in about]
    matrix = _tensor("matrix", INT8, (width, rows), *where, _number(14, _ELSEWHERE))
    nothing = _tensor("zero", UINT8, (), _field(9, bytes([zero])))
    ends = _value(11, "question", UINT8, (questions, width)), _value(12, "sums", INT32, (questions, rows))
    graph = _message(7, node, _text(2, "product"), matrix, nothing, *ends)
    return _number(1, _FORMAT) + graph + _message(8, _number(2, _OPSET))


def _tensor(name: str, kind: int, shape: tuple[int, ...], *content: bytes) -> bytes:
    sizes = (_number(1, size) for size in shape)
    return _message(5, *sizes, _number(2, kind), _text(8, name), *content)


def _value(field: int, name: str, kind: int, shape: tuple[int, ...]) -> bytes:
    sizes = _message(2, *(_message(1, _number(1, size)) for size in shape))
    return _message(field, _text(1, name), _message(2, _message(1, _number(1, kind), sizes)))


def _message(field: int, *parts: bytes) -> bytes:
    return _field(field, b"".join(parts))


def _text(field: int, text: str) -> bytes:
    return _field(field, text.encode())


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    made = bytearray()
    while value >> 7:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
