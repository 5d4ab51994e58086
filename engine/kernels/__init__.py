"""The values of the primitives, as kernels: small functions of floats that never raise for one.

Kernels are written in a small subset of Python (assignments, `if`, bounded loops, atoms of `math`),
which is run as it is and translated for compiled code. They carry no derivative, so they may branch.
`x != x` asks for nan, `x - x != 0.0` for nan or inf; a division stands only where the divisor is
known not to be 0.
"""
