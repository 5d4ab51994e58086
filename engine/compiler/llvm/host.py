"""The machine we are on: LLVM's description of it, its mathematical library, and linking against both."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, final

VECTOR_LIBRARY: Final = "libmvec.so.1"  # glibc's, on x86-64 and AArch64
# The calling convention of a vector function: its prefix, how many doubles it takes, what the CPU must have
CONVENTIONS: Final = (("_ZGVeN8", 8, "avx512f"), ("_ZGVdN4", 4, "avx2"), ("_ZGVnN2", 2, "neon"))


@cache
def binding() -> Any:
    """llvmlite, initialised. Raises ImportError."""
    module = importlib.import_module("llvmlite.binding")
    module.initialize_native_target()
    module.initialize_native_asmprinter()
    return module


def machine(optimise: bool) -> Any:
    """A target machine. Its fast mode is several times quicker to compile with, and half as fast to run."""
    llvm = binding()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=features.flatten() if features else "",
        opt=2 if optimise else 0,
        jit=True,
    )


@cache
def libraries() -> tuple[ctypes.CDLL, ...]:
    """Where functions are looked up: this process, with libm in it; the vector library if there is one."""
    found = [ctypes.CDLL(None)]
    for name in (VECTOR_LIBRARY, "libm.so.6", "libSystem.dylib"):
        try:
            found.append(ctypes.CDLL(name))
        except OSError:
            continue
    return tuple(found)


@cache
def address(symbol: str) -> int | None:
    """Where a C function is, if it is anywhere."""
    for library in libraries():
        try:
            return ctypes.cast(library[symbol], ctypes.c_void_p).value
        except AttributeError:
            continue
    return None


@cache
def vector_function(atom: str, arity: int) -> tuple[str, int] | None:
    """The name and width of the widest function for several numbers at once that this CPU can run."""
    features = binding().get_host_cpu_features()
    for prefix, width, feature in CONVENTIONS:
        symbol = f"{prefix}{'v' * arity}_{atom}"
        if features.get(feature, False) and address(symbol) is not None:
            return symbol, width
    return None


@cache
def has_avx512() -> bool:
    features = binding().get_host_cpu_features()
    return bool(features.get("avx512f", False) and features.get("fma", False))


@final
class Linked:
    """Machine code in memory, for as long as this object lives. `addresses` has its exported functions."""

    def __init__(
        self, source: str, exports: Iterable[str], imports: Mapping[str, int], optimise: bool
    ) -> None:
        llvm = binding()
        module = llvm.parse_assembly(source)
        if optimise:
            passes().run(module, builder())
        self.engine = llvm.create_mcjit_compiler(module, machine(optimise))
        for function in module.functions:
            if function.name in imports:
                self.engine.add_global_mapping(function, imports[function.name])
        self.engine.finalize_object()
        self.addresses = {name: int(self.engine.get_function_address(name)) for name in exports}


@cache
def passes() -> Any:
    """The few that matter: tapes are straight lines, kernels have variables in memory."""
    manager = binding().create_new_module_pass_manager()
    manager.add_always_inliner_pass()
    manager.add_sroa_pass()
    manager.add_simplify_cfg_pass()
    manager.add_instruction_combine_pass()
    manager.add_simplify_cfg_pass()
    manager.add_global_dead_code_eliminate_pass()
    return manager


@cache
def builder() -> Any:
    options = binding().create_pipeline_tuning_options(speed_level=2)
    return binding().create_pass_builder(machine(True), options)
