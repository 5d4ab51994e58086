"""A tape as an ONNX graph in float64: one standard operator for each row."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, final

from engine.build_info import __version__
from engine.compiler.backend import Layout
from engine.compiler.calls.results import Results
from engine.compiler.sources.onnx_formulas import COMPARISONS, NATIVE, native
from engine.compiler.sources.python import arguments
from engine.compiler.tape.names import array_of, stem
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.trees import Piece

OPSET: Final = 22  # not the newest, which ONNX Runtime 1.31 refuses
IR: Final = 10  # the version of the file format that came with it
BATCH: Final = "examples"


def onnx_model(tape: Tape, layout: Layout, results: Results) -> Any:
    """The model. Raises Untranslatable with all operations that ONNX lacks, ImportError without onnx."""
    try:
        onnx = import_module("onnx")
    except ImportError:
        raise ImportError("to_onnx needs onnx: pip install 'chainrule[onnx]'") from None
    program = program_of(native(tape), layout)
    graph, prefix = Graph(onnx, program.parameters), stem("result", program.parameters)
    values = computed(graph, program, read(graph, program))
    for i, piece in results.tree.offsets():
        if piece.scalars:
            output = written(graph, program, values, i, piece)
            graph.result(output, f"{prefix}{len(graph.outputs)}", piece.shape or (), program.stacked)
    return graph.model()


class Program(NamedTuple):
    """A tape, with what its arguments are called and which slots differ from example to example."""

    tape: Tape
    layout: Layout
    parameters: list[str]
    names: list[str]  # of the inputs: w[3] of a parameter w
    mapped: list[bool]

    @property
    def stacked(self) -> bool:
        """Whether the results have the examples in front."""
        return self.layout.mapped and self.layout.reduce is None

    def numbers(self) -> set[int]:
        """The slots that are needed as numbers, not only as the condition of a select."""
        needed = set(self.tape.outputs)
        for _, (primitive, operands, _) in self.tape.operations():
            needed.update(operands[primitive.name == "select" :])
        return needed


def program_of(tape: Tape, layout: Layout) -> Program:
    mapped = [block.batched for block in layout.blocks for _ in range(block.size)]
    for entry in tape.entries[len(mapped) :]:
        mapped.append(any(mapped[i] for i in entry.operands))
    return Program(tape, layout, *arguments(tape), mapped)


@final
class Graph:
    """The parts of a graph as they are made. All names between inputs and outputs are generated."""

    def __init__(self, onnx: Any, parameters: Sequence[str]) -> None:
        self.onnx = onnx
        self.stem = stem("v", parameters)
        self.types = onnx.TensorProto
        self.inputs: list[Any] = []
        self.nodes: list[Any] = []
        self.outputs: list[Any] = []
        self.constants: dict[str, Any] = {}

    def name(self) -> str:
        return f"{self.stem}{len(self.nodes) + len(self.constants)}"

    def node(self, operator: str, *names: str, output: str = "", **attributes: Any) -> str:
        """The name of what an operator makes of named values."""
        output = output or self.name()
        self.nodes.append(self.onnx.helper.make_node(operator, names, [output], **attributes))
        return output

    def constant(self, kind: int, numbers: Sequence[float], shape: Sequence[int]) -> str:
        """The name of a tensor; equal ones are one."""
        key = repr((kind, numbers, shape))
        made = self.constants.get(key)
        if made is None:
            made = self.onnx.helper.make_tensor(self.name(), kind, shape, numbers)
            self.constants[key] = made
        return str(made.name)

    def number(self, x: float) -> str:
        return self.constant(self.types.DOUBLE, [x], ())

    def index(self, k: int) -> str:
        return self.constant(self.types.INT64, [k], ())

    def indices(self, *ks: int) -> str:
        return self.constant(self.types.INT64, ks, (len(ks),))

    def described(self, name: str, shape: Sequence[int], mapped: bool) -> Any:
        dimensions = [BATCH, *shape] if mapped else shape
        return self.onnx.helper.make_tensor_value_info(name, self.types.DOUBLE, dimensions)

    def result(self, value: str, name: str, shape: Sequence[int], mapped: bool) -> None:
        self.node("Identity", value, output=name)
        self.outputs.append(self.described(name, shape, mapped))

    def model(self) -> Any:
        helper = self.onnx.helper
        constants = list(self.constants.values())
        graph = helper.make_graph(self.nodes, "chainrule", self.inputs, self.outputs, constants)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph,
            opset_imports=[opset],
            ir_version=IR,
            producer_name="chainrule",
            producer_version=__version__,
        )


def read(graph: Graph, program: Program) -> list[str]:
    """Declares the inputs; the values of the single numbers in them."""
    used = {i for _, entry in program.tape.operations() for i in entry.operands} | set(program.tape.outputs)
    values: list[str] = []
    for parameter in program.parameters:
        start = len(values)
        own = [name for name in program.names[start:] if array_of(name) == parameter]
        single = own == [parameter]
        graph.inputs.append(graph.described(parameter, () if single else (len(own),), program.mapped[start]))
        for k in range(len(own)):
            picked = not single and start + k in used
            values.append(graph.node("Gather", parameter, graph.index(k), axis=-1) if picked else parameter)
    return values


def computed(graph: Graph, program: Program, values: list[str]) -> list[str]:
    """The values of all slots. Conditions are truth values, and numbers where they are needed as such."""
    numbers, truths = program.numbers(), {}
    for slot, (primitive, operands, number) in enumerate(program.tape.entries):
        names = [values[i] for i in operands]
        if primitive is CONSTANT:
            values.append(graph.number(number))
        elif primitive.name in COMPARISONS:
            truths[slot] = graph.node(COMPARISONS[primitive.name], *names)
            values.append(graph.node("Cast", truths[slot], to=graph.types.DOUBLE) if slot in numbers else "")
        elif primitive.name == "select":
            truth = truths.get(operands[0]) or graph.node("Cast", names[0], to=graph.types.BOOL)
            values.append(graph.node("Where", truth, *names[1:]))
        elif primitive is not INPUT:
            attributes: dict[str, Any] = {"fmod": 1} if primitive.name == "fmod" else {}
            values.append(graph.node(NATIVE[primitive.name], *names, **attributes))
    return values


def written(graph: Graph, program: Program, values: Sequence[str], start: int, piece: Piece) -> str:
    """A number or an array of the result, of all examples or reduced."""
    slots = program.tape.outputs[start : start + len(piece.scalars)]
    names = [repeated(graph, program, values[i], program.mapped[i]) for i in slots]
    value = names[0]
    if piece.shape is not None:
        columns = [graph.node("Unsqueeze", name, graph.indices(-1)) for name in names]
        front = (-1,) if program.layout.mapped else ()
        value = graph.node("Concat", *columns, axis=-1)
        value = graph.node("Reshape", value, graph.indices(*front, *piece.shape))
    if program.layout.reduce is None:
        return value
    return graph.node(f"Reduce{program.layout.reduce.capitalize()}", value, graph.indices(0), keepdims=0)


def repeated(graph: Graph, program: Program, value: str, mapped: bool) -> str:
    """A value of each example, also where it is the same for all of them."""
    if mapped or not program.layout.mapped:
        return value
    batch = array_of(program.names[program.mapped.index(True)])
    return graph.node("Expand", value, graph.node("Shape", batch, start=0, end=1))
