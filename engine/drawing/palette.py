"""Colours of a picture. Blue is negative and orange positive, a pair that every kind of colour vision
keeps apart; numbers carry their signs besides. Every ink stands at least 4.5 : 1 on its ground."""

from __future__ import annotations

from typing import Final, NamedTuple


class Palette(NamedTuple):
    paper: str
    card: str
    chip: str  # behind the symbol of an operation
    border: str
    ink: str
    faint: str  # captions, constants
    wire: str  # where no gradient flows
    tints: dict[str, str]  # behind a gradient, by tone
    inks: dict[str, str]  # the gradient itself, by sign
    lines: dict[str, str]  # arrows, by tone


def tones(negative: str, positive: str, zero: str, nan: str) -> dict[str, str]:
    """Four strengths of each sign, weakest first, and what has none."""
    by_strength = {f"n{i}": c for i, c in enumerate(negative.split(), 1)}
    by_strength |= {f"p{i}": c for i, c in enumerate(positive.split(), 1)}
    return by_strength | {"zero": zero, "nan": nan}


LIGHT: Final = Palette(
    paper="#ffffff",
    card="#ffffff",
    chip="#e9edf3",
    border="#b9c2ce",
    ink="#17202b",
    faint="#5c6878",
    wire="#c3cad4",
    tints=tones("#e9f3fb #cfe5f6 #a6d0ef #74b6e6", "#fdf1e5 #fbdfc3 #f7c492 #f2a35c", "#f3f5f8", "#f3d9ee"),
    inks={"n": "#083b66", "p": "#6b2b00", "zero": "#5c6878", "nan": "#7a1a63"},
    lines=tones("#a9c9e4 #6fabd9 #3288c8 #0b66ad", "#ecc197 #e49a57 #d9771f #bd5200", "#c3cad4", "#b0479a"),
)

DARK: Final = Palette(
    paper="#12161c",
    card="#1b2129",
    chip="#2b3440",
    border="#475362",
    ink="#eef2f7",
    faint="#9ba8b8",
    wire="#4a5563",
    tints=tones("#1c2a38 #1c3a56 #1a4d7a #175f9f", "#33281d #4d3419 #6b4315 #8a520f", "#222932", "#4d2444"),
    inks={"n": "#d5eaff", "p": "#ffe3c6", "zero": "#9ba8b8", "nan": "#f7c4e8"},
    lines=tones("#3f6285 #4480b6 #4b9be0 #7cc2ff", "#7d5a35 #a87036 #d68a38 #ffb066", "#4a5563", "#cc79b8"),
)

FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
WIDTHS: Final = {"1": 1.5, "2": 2.0, "3": 2.7, "4": 3.5}  # of lines, by strength


def rules(palette: Palette) -> dict[str, str]:
    """The colours as style rules: selector and declarations."""
    found = {
        ".paper,.patch": f"fill:{palette.paper}",
        ".card": f"fill:{palette.card};stroke:{palette.border}",
        ".chip": f"fill:{palette.chip}",
        ".frame": f"stroke:{palette.border}",
        ".root .frame": f"stroke:{palette.ink}",
        "text": f"fill:{palette.ink}",
        "text.faint,.constant text,text.sign": f"fill:{palette.faint}",
    }
    for tone, colour in palette.lines.items():
        found[f".line.{tone}"] = f"stroke:{colour}"
        found[f".head.{tone}"] = f"fill:{colour}"
    for tone, colour in palette.tints.items():
        found[f".tint.{tone},.swatch.{tone}"] = f"fill:{colour}"
        found[f"text.{tone}"] = f"fill:{palette.inks[tone if tone in palette.inks else tone[0]]}"
    return found


def sheet(found: dict[str, str]) -> str:
    """The rules as text, every selector below `.chainrule`."""
    lines = []
    for selectors, declarations in found.items():
        scoped = ",".join(f".chainrule {selector}" for selector in selectors.split(","))
        lines.append(f"{scoped}{{{declarations}}}\n")
    return "".join(lines)


SHAPES: Final = {
    "text": f"font-family:{FONT};font-variant-numeric:tabular-nums",
    ".value": "font-size:14px;font-weight:500",
    ".label": "font-size:14px;font-weight:600",
    ".symbol": "font-size:19px",
    ".small,.sign": "font-size:11.5px",
    ".line": "fill:none;stroke-width:1.5",
    ".folded": "stroke-dasharray:2 4",
    ".frame": "fill:none",
    ".root .frame": "stroke-width:2",
    ".constant .frame": "stroke-dasharray:3 3",
} | {f".line.n{i},.line.p{i}": f"stroke-width:{w}" for i, w in WIDTHS.items()}

DARK_PAGE: Final = "@media (prefers-color-scheme:dark){\n" + sheet(rules(DARK)) + "}\n"
FITTING: Final = ".chainrule{max-width:100%;height:auto}\n"  # no page has to scroll sideways
STYLE: Final = FITTING + sheet(SHAPES) + sheet(rules(LIGHT)) + DARK_PAGE
