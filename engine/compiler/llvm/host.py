"""The machine we are on: LLVM's description of it, its mathematical library, and linking against both."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final, final

LIBRARIES: Final = ("libm.so.6", "libmvec.so.1")  # glibc's; the second has functions of several numbers
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
def process() -> Any:
    """llvmlite, able to find the functions of this process: it looks there once it has made an engine."""
    llvm = binding()
    llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine(optimise=False))
    for name in LIBRARIES:
        with suppress(RuntimeError):  # not on this system
            llvm.load_library_permanently(name)
    return llvm


@cache
def address(symbol: str) -> int | None:
    """Where a C function is, if it is anywhere."""
    found: int | None = process().address_of_symbol(symbol)
    return found


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


def accumulators() -> int:
    """How many sums of 64 bytes registers hold, beside what is added to them."""
    features = binding().get_host_cpu_features()
    if features.get("avx512f", False):
        return 16
    return 5 if features.get("avx2", False) or features.get("neon", False) else 2


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
