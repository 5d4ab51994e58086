"""A tape as an ONNX graph: nodes for its rows, between the arguments and the structure of the results."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, final

from engine.build_info import __version__
from engine.compiler.backend import Layout
from engine.compiler.calls.results import Results
from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.lowering import lowered
from engine.compiler.sources.onnx_rows import NATIVE, Functions, Nodes, Term
from engine.compiler.sources.parameters import arguments
from engine.compiler.tape.names import array_of, stem
from engine.compiler.tape.tape import Tape
from engine.trees import Piece

IR: Final = 10  # the version of the file format that came with the operators
BATCH: Final = "examples"


def onnx_model(tape: Tape, layout: Layout, results: Results, dtype: str = "float64") -> Any:
    """The model. Raises Untranslatable with all operations that ONNX lacks, ImportError without onnx."""
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise ImportError("to_onnx needs onnx: pip install 'chainrule[onnx]'") from None
    functions = Functions(onnx)
    try:
        return model(tape, Graph(functions, tape, layout, dtype), results)
    except Untranslatable:
        lowered(tape, NATIVE, "ONNX")  # names all that is missing, not the first
        raise


def model(tape: Tape, graph: Graph, results: Results) -> Any:
    terms = graph.nodes.tape(tape, graph.read(tape))
    for i, piece in results.tree.offsets():
        if piece.scalars:
            graph.write(terms[i : i + len(piece.scalars)], piece)
    return graph.model()


@final
class Graph:
    """The parts of a graph as they are made. All names between inputs and outputs are generated.

    names    how each input of the tape is read: w[3] of a parameter w
    mapped   whether it differs from example to example
    """

    def __init__(self, functions: Functions, tape: Tape, layout: Layout, dtype: str) -> None:
        self.functions = functions
        self.onnx = functions.onnx
        self.layout = layout
        self.parameters, self.names = arguments(tape)
        self.mapped = [block.batched for block in layout.blocks for _ in range(block.size)]
        types = self.onnx.TensorProto
        kind = types.FLOAT if dtype == "float32" else types.DOUBLE
        self.nodes = Nodes(functions, stem("v", self.parameters), kind)
        self.prefix = stem("result", self.parameters)
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def described(self, name: str, shape: Sequence[int], mapped: bool) -> Any:
        dimensions = [BATCH, *shape] if mapped else shape
        return self.onnx.helper.make_tensor_value_info(name, self.nodes.kind, dimensions)

    def read(self, tape: Tape) -> list[Term]:
        """Declares the inputs; the single numbers in them."""
        uses = tape.uses()
        terms: list[Term] = []
        for parameter in self.parameters:
            start = len(terms)
            own = [name for name in self.names[start:] if array_of(name) == parameter]
            single = own == [parameter]
            self.inputs.append(self.described(parameter, () if single else (len(own),), self.mapped[start]))
            for k in range(len(own)):
                picked = not single and uses[start + k] > 0
                name = (
                    self.nodes.node("Gather", parameter, self.nodes.index(k), axis=-1)
                    if picked
                    else parameter
                )
                terms.append(Term(self.nodes, name, mapped=self.mapped[start]))
        return terms

    def write(self, terms: Sequence[Term], piece: Piece) -> None:
        """A number or an array of the result, of all examples or reduced."""
        names = [self.repeated(term) for term in terms]
        value = names[0]
        if piece.shape is not None:
            columns = [self.nodes.node("Unsqueeze", name, self.nodes.indices(-1)) for name in names]
            front = (-1,) if self.layout.mapped else ()
            value = self.nodes.node("Concat", *columns, axis=-1)
            value = self.nodes.node("Reshape", value, self.nodes.indices(*front, *piece.shape))
        reduce = self.layout.reduce
        if reduce is not None:
            value = self.nodes.node(f"Reduce{reduce.capitalize()}", value, self.nodes.indices(0), keepdims=0)
        output = self.nodes.node("Identity", value, output=f"{self.prefix}{len(self.outputs)}")
        stacked = self.layout.mapped and reduce is None
        self.outputs.append(self.described(output, piece.shape or (), stacked))

    def repeated(self, term: Term) -> str:
        """A value of each example, also where it is the same for all of them."""
        if term.mapped or not self.layout.mapped:
            return term.number()
        batch = array_of(self.names[self.mapped.index(True)])
        return self.nodes.node("Expand", term.number(), self.nodes.node("Shape", batch, start=0, end=1))

    def model(self) -> Any:
        helper = self.onnx.helper
        return helper.make_model(
            helper.make_graph(self.nodes.made, "chainrule", self.inputs, self.outputs),
            functions=self.functions.protos,
            opset_imports=self.functions.opsets(),
            ir_version=IR,
            producer_name="chainrule",
            producer_version=__version__,
        )
