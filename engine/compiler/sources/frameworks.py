"""A compiled function as one of JAX or PyTorch: called alike, on their arrays, to be transformed by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

from engine.batch import axes_of_pieces
from engine.compiler.calls.signature import Signature
from engine.compiler.sources.python import python_source
from engine.compiler.specialisation import Specialisation
from engine.compiler.tape.names import array_of
from engine.trees import walk

Function = Callable[..., Any]


class Framework(NamedTuple):
    """How a library makes an array of a number, a row of arrays, a stack of them, a mapped function."""

    array: Function
    join: Function
    stack: Function
    mapped: Callable[[Function, Sequence[Any], Sequence[Any]], Function]


def of_jax() -> Framework:
    jax, numpy = imported("jax"), imported("jax.numpy")
    return Framework(numpy.asarray, numpy.concatenate, numpy.stack, lambda f, *axes: jax.vmap(f, *axes))


def of_torch() -> Framework:
    torch = imported("torch")

    def array(x: Any) -> Any:
        return torch.as_tensor(x, dtype=torch.float64)

    def mapped(f: Function, in_axes: Sequence[Any], out_axes: Sequence[Any]) -> Function:
        return torch.func.vmap(f, in_axes, out_axes)  # type: ignore[no-any-return]

    return Framework(array, torch.cat, torch.stack, mapped)


FRAMEWORKS: Final = {"jax": of_jax, "torch": of_torch}


def imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        library = name.partition(".")[0]
        raise ImportError(f"to_{library} needs {library}: pip install {library}") from None


def framework_function(namespace: str, latest: Specialisation, signature: Signature) -> Function:
    """The function of arguments in the structure that was compiled. Raises Untranslatable, ImportError."""
    library, results = FRAMEWORKS[namespace](), latest.results
    scope: dict[str, Any] = {}
    exec(python_source(latest.tape, namespace, "f", latest.options.dtype), scope)
    sizes = input_sizes(latest.tape.inputs)

    def pieces(*args: Any) -> tuple[Any, ...]:
        """The numbers and arrays of the results."""
        inputs = [joined(x, name, size, library) for x, (name, size) in zip(args, sizes.items(), strict=True)]
        outputs = scope["f"](*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(
            outputs[place] if shape is None else library.stack(outputs[place]).reshape(shape)
            for place, shape in results.cuts
        )

    def function(*args: Any) -> Any:
        if signature.batch is None:
            return results.tree.assemble(pieces(*args))
        in_axes = signature.batch.axes(len(args) + len(signature.statics))
        traced = [axis for i, axis in enumerate(in_axes) if i not in signature.statics]
        out_axes = axes_of_pieces(results.skeleton, signature.batch.out_axes)
        stacked = library.mapped(pieces, tuple(traced), tuple(out_axes))(*args)
        reduce = signature.batch.reduce
        return results.tree.assemble([getattr(x, reduce)(0) for x in stacked] if reduce else stacked)

    return function


def input_sizes(inputs: Sequence[str]) -> dict[str, int | None]:
    """How many numbers each argument has; None for one that is a single number."""
    counts = Counter(map(array_of, inputs))
    return {name: None if name in inputs else count for name, count in counts.items()}


def joined(arg: Any, name: str, size: int | None, library: Framework) -> Any:
    """The numbers of an argument in a row. Raises ValueError for another count of them: JAX would not."""
    pieces = [library.array(part) for part, split in walk(arg) if split is None]
    if size is None:  # a number, or an array of them, element by element
        return pieces[0]
    row = library.join([piece.reshape(-1) for piece in pieces])
    if len(row) != size:
        raise ValueError(f"the function was compiled for {size} numbers in {name}, got {len(row)}")
    return row
