"""The LLVM backend: a tape as machine code. `jit` takes it where llvmlite is installed (extra `jit`)."""

from engine.compiler.llvm.executable import llvm

__all__ = ["llvm"]
