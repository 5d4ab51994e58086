"""exp and expm1 of eight numbers in AVX-512, in the place of their calls: quicker than the vector library.

exp(x) = 2^k exp(r) at the whole number k next to x / ln 2: |r| <= ln 2 / 2, where 13 terms of the Taylor
series are enough. Fused operations keep r exact, and the machine's scaling rounds subnormal results once.
Both begin alike, so that LLVM computes that once for two of the same number.
"""

from __future__ import annotations

from math import factorial
from typing import Final

from engine.compiler.llvm.code import Code, Function, Shape

EIGHT: Final = Shape(8)
LIMIT: Final = 800.0  # from here on the result is inf, or 0
LOG2_E: Final = 1.4426950408889634
LN2: Final = 0.6931471805599453
LN2_REST: Final = 2.3190468138462996e-17
SCALE: Final = "llvm.x86.avx512.mask.scalef.pd.512"


def exponential() -> Function:
    """exp(x) = 2^k (1 + p): within 1 ulp."""
    code = Code()
    k, p = parts(code)
    return definition("exp", code, scaled(code, binary(code, "fadd", p, EIGHT.constant(1.0)), k))


def exponential_less_one() -> Function:
    """exp(x) - 1 = 2 (2^(k-1) p + (2^(k-1) - 1/2)): no sum cancels, and nothing overflows too early."""
    code = Code()
    k, p = parts(code)
    half = scaled(code, EIGHT.constant(0.5), k)
    y = fused(code, half, p, binary(code, "fsub", half, EIGHT.constant(0.5)))
    kind, twice = EIGHT.type, binary(code, "fadd", y, y)
    signed = code.call(kind, "llvm.copysign.v8f64", [f"{kind} {twice}", f"{kind} %x"])  # keeps -0.0
    return definition("expm1", code, signed)


OWN: Final = {"exp": exponential, "expm1": exponential_less_one}


def own_name(atom: str) -> str:
    return f"{atom}.avx512"


def definition(atom: str, code: Code, result: str) -> Function:
    code.do(f"ret {EIGHT.type} {result}")
    return code.function(EIGHT.type, own_name(atom), [f"{EIGHT.type} %x"], "alwaysinline nounwind")


def parts(code: Code) -> tuple[str, str]:
    """k, and p = exp(r) - 1."""
    kind = EIGHT.type
    x = limited(code, limited(code, "%x", "ogt", LIMIT), "olt", -LIMIT)
    k = code.call(kind, "llvm.rint.v8f64", [f"{kind} {binary(code, 'fmul', x, EIGHT.constant(LOG2_E))}"])
    minus = code.let(f"fneg {kind} {k}")
    r = fused(code, minus, EIGHT.constant(LN2_REST), fused(code, minus, EIGHT.constant(LN2), x))
    total = EIGHT.constant(1.0 / factorial(13))
    for n in range(12, 1, -1):
        total = fused(code, total, r, EIGHT.constant(1.0 / factorial(n)))
    return k, fused(code, binary(code, "fmul", total, r), r, r)


def scaled(code: Code, x: str, k: str) -> str:
    """x 2^k."""
    kind = EIGHT.type
    arguments = [f"{kind} {x}", f"{kind} {k}", f"{kind} zeroinitializer", "i8 -1", "i32 4"]
    return code.call(kind, SCALE, arguments)


def binary(code: Code, name: str, x: str, y: str) -> str:
    return code.let(f"{name} {EIGHT.type} {x}, {y}")


def limited(code: Code, x: str, beyond: str, limit: float) -> str:
    """x, or the limit where x is beyond it; nan stays."""
    test = code.let(f"fcmp {beyond} {EIGHT.type} {x}, {EIGHT.constant(limit)}")
    return code.let(f"select <8 x i1> {test}, {EIGHT.type} {EIGHT.constant(limit)}, {EIGHT.type} {x}")


def fused(code: Code, x: str, y: str, z: str) -> str:
    """x y + z, rounded once."""
    return code.call(EIGHT.type, "llvm.fma.v8f64", [f"{EIGHT.type} {factor}" for factor in (x, y, z)])
