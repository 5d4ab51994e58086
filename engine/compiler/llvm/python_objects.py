"""Python's objects as machine code sees them: where things lie in them, and the functions that make them.

Numbers are read and results are made by functions of Python's stable interface. Lists, tuples and arrays are
read at fixed offsets, which hold on ordinary 64-bit builds; elsewhere arguments are taken apart in Python.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Final

TYPE: Final = 8  # offsets in bytes: of the type in any object
LENGTH: Final = 16  # of a list or tuple
ITEMS: Final = 24  # where those of a tuple begin, where a pointer to those of a list is
DATA: Final = 16  # of an array: its memory,
DIMENSIONS: Final = 24  # how many there are,
SHAPE: Final = 32
DTYPE: Final = 56
FLAGS: Final = 64
OTHERWISE: Final = ITEMS  # of the tuple that machine code has for itself
READY: Final = 0x101  # C-contiguous and aligned
WRITEABLE: Final = 0x400
NEW_ARRAY: Final = 94  # the place of PyArray_NewFromDescr in NumPy's table of functions, fixed by its ABI
FUNCTIONS: Final = """PyFloat_AsDouble PyFloat_FromDouble PyErr_Occurred PyErr_NoMemory PyTuple_New
    PyTuple_SetItem PyList_New PyList_SetItem PyMem_RawMalloc PyMem_RawFree PyEval_SaveThread
    PyEval_RestoreThread Py_IncRef Py_DecRef
    PyObject_Vectorcall""".split()


@cache
def functions() -> dict[str, int]:
    """The addresses of the functions of Python and NumPy that machine code calls."""
    found = {name: ctypes.cast(ctypes.pythonapi[name], ctypes.c_void_p).value for name in FUNCTIONS}
    return {name: where for name, where in found.items() if where is not None} | {"new_array": array_maker()}


@cache
def number_types() -> tuple[type, ...]:
    """What is read as a number: Python's own and NumPy's that fit into a double."""
    numpy = sys.modules["numpy"]
    sized = [getattr(numpy, f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
    return (float, int, bool, numpy.float64, numpy.float32, *sized)


def word(x: object, offset: int) -> int:
    return ctypes.c_int64.from_address(id(x) + offset).value


@cache
def offsets_hold() -> bool:
    """Whether objects lie in memory as this module says."""
    if object.__basicsize__ != 16 or sys.maxsize != 2**63 - 1 or sys.byteorder != "little":
        return False
    item = 1.5
    one, pair = [item], (item, item)
    items = ctypes.c_int64.from_address(word(one, ITEMS)).value
    return (
        word(one, TYPE) == id(list)
        and (word(one, LENGTH), items) == (1, id(item))
        and (word(pair, LENGTH), word(pair, ITEMS)) == (2, id(item))
        and array_offsets_hold()
    )


def array_offsets_hold() -> bool:
    numpy = sys.modules["numpy"]
    array = numpy.zeros((2, 3))
    if numpy.ndarray.__basicsize__ < FLAGS + 4:
        return False
    shape = (ctypes.c_int64 * 2).from_address(word(array, SHAPE))
    return (
        word(array, DATA) == array.ctypes.data
        and word(array, DIMENSIONS) & 0xFFFFFFFF == 2
        and tuple(shape) == (2, 3)
        and word(array, DTYPE) == id(numpy.dtype("float64"))
        and word(array, FLAGS) & 0xFFFFFFFF == array.flags.num
    )


def array_maker() -> int:
    """The address of NumPy's function that makes an array."""
    core = "numpy._core" if "numpy._core" in sys.modules else "numpy.core"  # NumPy 2, NumPy 1
    capsule = sys.modules[f"{core}._multiarray_umath"]._ARRAY_API
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = pointer(capsule, None)
    return int(ctypes.c_void_p.from_address(table + NEW_ARRAY * ctypes.sizeof(ctypes.c_void_p)).value or 0)


class Definition(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


FASTCALL: Final = 0x82  # with keywords


def function_at(address: int, otherwise: Callable[..., Any], *needed: Any) -> Any:
    """Machine code as a function of Python, which keeps alive what it needs; what it refuses goes to another
    one, which the code finds at OTHERWISE."""
    definition = Definition(b"compiled", address, FASTCALL, None)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(definition), (otherwise, definition, *needed), None)


def is_machine_code(function: Any) -> bool:
    return isinstance(getattr(function, "__self__", None), tuple)


def or_else(function: Any, otherwise: Callable[..., Any]) -> Any:
    """The same machine code with another function for what it refuses."""
    return function_at(function.__self__[1].address, otherwise, function)
