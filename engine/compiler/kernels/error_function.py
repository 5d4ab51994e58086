"""erf and erfc as kernels, for languages whose library has none; within 4 ulp.

Rational approximations of FreeBSD's s_erf.c: Copyright (C) 1993 by Sun Microsystems, Inc. All rights
reserved. Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and
distribute this software is freely granted, provided that this notice is preserved.
"""

from math import exp, fabs
from typing import Final

from engine.kernels.special import horner

ERX: Final = 0.845062911510467529297  # erf(1), rounded to single precision
EFX: Final = 1.28379167095512586316e-01  # 2/sqrt(pi) - 1
# Highest power first. erf(x) / x - 1 on |x| < 0.84375, in x^2
P: Final = (
    -2.37630166566501626084e-05,
    -5.77027029648944159157e-03,
    -2.84817495755985104766e-02,
    -3.25042107247001499370e-01,
    1.28379167095512558561e-01,
)
Q: Final = (
    -3.96022827877536812320e-06,
    1.32494738004321644526e-04,
    5.08130628187576562776e-03,
    6.50222499887672944485e-02,
    3.97917223959155352819e-01,
    1.0,
)
# erf(x) - ERX on 0.84375 <= x < 1.25, in x - 1
PA: Final = (
    -2.16637559486879084300e-03,
    3.54783043256182359371e-02,
    -1.10894694282396677476e-01,
    3.18346619901161753674e-01,
    -3.72207876035701323847e-01,
    4.14856118683748331666e-01,
    -2.36211856075265944077e-03,
)
QA: Final = (
    1.19844998467991074170e-02,
    1.36370839120290507362e-02,
    1.26171219808761642112e-01,
    7.18286544141962662868e-02,
    5.40397917702171048937e-01,
    1.06420880400844228286e-01,
    1.0,
)
# log(x erfc(x)) + x^2 + 0.5625 on 1.25 <= x < 1/0.35, in 1 / x^2
RA: Final = (
    -9.81432934416914548592e00,
    -8.12874355063065934246e01,
    -1.84605092906711035994e02,
    -1.62396669462573470355e02,
    -6.23753324503260060396e01,
    -1.05586262253232909814e01,
    -6.93858572707181764372e-01,
    -9.86494403484714822705e-03,
)
SA: Final = (
    -6.04244152148580987438e-02,
    6.57024977031928170135e00,
    1.08635005541779435134e02,
    4.29008140027567833386e02,
    6.45387271733267880336e02,
    4.34565877475229228821e02,
    1.37657754143519042600e02,
    1.96512716674392571292e01,
    1.0,
)
# the same on 1/0.35 <= x < 28
RB: Final = (
    -4.83519191608651397019e02,
    -1.02509513161107724954e03,
    -6.37566443368389627722e02,
    -1.60636384855821916062e02,
    -1.77579549177547519889e01,
    -7.99283237680523006574e-01,
    -9.86494292470009928597e-03,
)
SB: Final = (
    -2.24409524465858183362e01,
    4.74528541206955367215e02,
    2.55305040643316442583e03,
    3.19985821950859553908e03,
    1.53672958608443695994e03,
    3.25792512996573918826e02,
    3.03380607434824582924e01,
    1.0,
)


def tail(x: float) -> float:
    """erfc(x) for x >= 1.25."""
    if x >= 28.0:
        return 0.0
    s = 1.0 / (x * x)
    ratio = horner(s, RA) / horner(s, SA) if x < 1.0 / 0.35 else horner(s, RB) / horner(s, SB)
    cut = x * 134217729.0
    z = cut - (cut - x)  # x to 26 bits, whose square is exact
    return exp(-z * z - 0.5625) * exp((z - x) * (z + x) + ratio) / x


def erf(x: float) -> float:
    y = fabs(x)
    if y < 0.84375:
        if y < 1e-8:
            return x + EFX * x
        z = x * x
        return x + x * (horner(z, P) / horner(z, Q))
    if y < 1.25:
        s = ERX + horner(y - 1.0, PA) / horner(y - 1.0, QA)
    elif y < 6.0:
        s = 1.0 - tail(y)
    else:
        s = 1.0 if y >= 6.0 else x
    return s if not x < 0.0 else -s


def erfc(x: float) -> float:
    y = fabs(x)
    if y < 0.84375:
        z = x * x
        ratio = horner(z, P) / horner(z, Q)
        return 1.0 - (x + x * ratio) if x < 0.25 else 0.5 - (x - 0.5 + x * ratio)
    if y < 1.25:
        s = horner(y - 1.0, PA) / horner(y - 1.0, QA)
        return 1.0 - ERX - s if x > 0.0 else 1.0 + (ERX + s)
    if x > 0.0:
        return tail(x)
    return 2.0 - tail(y) if x < 0.0 else x
