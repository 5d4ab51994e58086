"""A layered drawing of a graph, second half: coordinates, and the way of every link.

`along` runs from the leaves to the root, `across` within a column; only at the end do they
become x and y. A link runs straight out of its column, bends, and runs straight into its port,
so that labels before a head stand in rows of their own and never cover each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from engine.drawing.layers import Layers, Link, layers_of
from engine.drawing.picture import Arrow, Picture

Direction = Literal["LR", "RL", "TB", "BT"]

SWEEPS: Final = 12
MARGIN: Final = 20.0
GAP: Final = 16.0  # between cards of a column
JOINT_GAP: Final = 10.0  # where at least one of the two is the joint of a long arrow
MIN_BEND: Final = 34.0
MAX_BEND: Final = 110.0
HEAD: Final = 8.0  # the length of an arrowhead
ROW_GAP: Final = 3.0  # between the labels of two operands
PAD: Final = 5.0  # free space on both sides of an arrow's label


class Point(NamedTuple):
    """A place or a size; inside this module x is along and y is across until `turning`."""

    x: float
    y: float


Signs = dict[int, Point]  # the size of the label of each link that ends an arrow, by id


class Stretch(NamedTuple):
    """The part of the way along that belongs to a column."""

    begin: float
    end: float


class Place(NamedTuple):
    middle: Point
    size: Point


class Way(NamedTuple):
    """From start in a curve to unbend, then straight to end; a label on the straight part."""

    start: Point
    controls: tuple[Point, Point]  # of the curve, as Bezier has them
    unbend: Point
    end: Point
    tip: Point  # of the arrowhead, at the card; the end itself between joints
    label: Point
    link: Link


class Arrangement(NamedTuple):
    places: list[Place]  # of the boxes, in the order of the picture
    ways: list[Way]
    size: Point


def arrange(
    picture: Picture, boxes: Sequence[Point], labels: Callable[[Arrow], Point], direction: Direction
) -> Arrangement:
    """Places boxes of these sizes; `labels` tells the size of an arrow's label, (0, 0) for none."""
    layers = layers_of(picture)
    signs = {id(link): upright(labels(link.arrow), direction) for link in layers.links if link.arrow}
    sizes = [
        grown(upright(size, direction), inward, signs)
        for size, inward in zip(boxes, layers.inward, strict=False)
    ]
    sizes = evened(picture, layers, sizes)
    extents = [size.y for size in sizes] + [0.0] * (len(layers.column) - len(sizes))
    attach(layers, extents)
    return Frame(layers, sizes, signs, places_across(layers, extents), direction).layout()


def grown(size: Point, inward: Sequence[Link], signs: Signs) -> Point:
    """The size with room for the labels of all operands beside each other."""
    row = max((signs[id(link)].y for link in inward if id(link) in signs), default=0.0)
    return Point(size.x, max(size.y, (row + ROW_GAP) * len(inward)))


def evened(picture: Picture, layers: Layers, sizes: Sequence[Point]) -> list[Point]:
    """Boxes of one kind in one column, all as long as the longest."""
    keys = [(box.kind, layers.column[slot]) for slot, box in enumerate(picture.boxes)]
    longest: dict[tuple[str, int], float] = {}
    for key, size in zip(keys, sizes, strict=True):
        longest[key] = max(size.x, longest.get(key, 0.0))
    return [Point(longest[key], size.y) for key, size in zip(keys, sizes, strict=True)]


def attach(layers: Layers, extents: Sequence[float]) -> None:
    """Spreads the ports of a head over its side, in the order in which its links arrive."""
    for slot, inward in enumerate(layers.inward):
        inward.sort(key=lambda link: layers.rank[link.tail])
        for i, link in enumerate(inward):
            link.port = extents[slot] * ((i + 0.5) / len(inward) - 0.5)


def places_across(layers: Layers, extents: Sequence[float]) -> list[float]:
    """Where each slot stands across its column: near its neighbours on one side, then on the other."""
    across = [0.0] * len(layers.column)
    for column in layers.columns:
        for slot, place in zip(column, close_places(column, extents), strict=True):
            across[slot] = place
    for sweep in range(SWEEPS):
        rootward = sweep % 2 == 0
        for column in layers.columns if rootward else reversed(layers.columns):
            wishes = [wish(layers, across, slot, rootward) for slot in column]
            for slot, place in zip(column, spread_places(wishes, close_places(column, extents)), strict=True):
                across[slot] = place
    return across


def close_places(column: Sequence[int], extents: Sequence[float]) -> list[float]:
    """The places of the slots of a column packed as closely as may be, from 0."""
    places = [0.0]
    for above, below in pairwise(column):
        space = GAP if extents[above] and extents[below] else JOINT_GAP
        places.append(places[-1] + (extents[above] + extents[below]) / 2 + space)
    return places


def wish(layers: Layers, across: Sequence[float], slot: int, rootward: bool) -> float:
    """The place at which the links of the slot on that side would be straight, on average."""
    if rootward:
        places = [across[link.head] + link.port for link in layers.outward[slot]]
    else:
        places = [across[link.tail] - link.port for link in layers.inward[slot]]
    return sum(places) / len(places) if places else across[slot]


def spread_places(wishes: Sequence[float], stack: Sequence[float]) -> list[float]:
    """The places nearest to the wishes, by least squares, in the order of the stack and at least as far
    apart. Exact and linear: pool adjacent violators."""
    pools: list[tuple[float, int]] = []  # mean, members
    for want, offset in zip(wishes, stack, strict=True):
        mean, members = want - offset, 1
        while pools and pools[-1][0] >= mean:
            last, count = pools.pop()
            members += count
            mean += (last - mean) * count / members
        pools.append((mean, members))
    means = [mean for mean, members in pools for _ in range(members)]
    return [mean + offset for mean, offset in zip(means, stack, strict=True)]


class Frame:
    """Everything in its place along and across, and how that becomes x and y."""

    def __init__(
        self,
        layers: Layers,
        sizes: Sequence[Point],
        signs: Signs,
        across: Sequence[float],
        direction: Direction,
    ) -> None:
        halves = [size.y / 2 for size in sizes] + [0.0] * (len(across) - len(sizes))
        top = min(a - half for a, half in zip(across, halves, strict=True)) - MARGIN
        bottom = max(a + half for a, half in zip(across, halves, strict=True)) + MARGIN
        self.layers, self.sizes, self.signs, self.direction = layers, sizes, signs, direction
        self.across = [a - top for a in across]
        self.stretches = self.column_stretches()
        self.extent = Point(self.stretches[0].end + MARGIN, bottom - top)
        self.turn = turning(direction, self.extent.x)

    def column_stretches(self) -> list[Stretch]:
        """Gives each column its stretch along; between columns is room to bend."""
        columns = self.layers.columns
        stretches = [Stretch(0.0, 0.0)] * len(columns)
        begin = MARGIN
        for c in range(len(columns) - 1, -1, -1):
            inward = [link for slot in columns[c] for link in self.layers.inward[slot]]
            begin += self.bend(inward) if inward else 0.0
            ends = [link for link in inward if link.arrow]
            label = HEAD + 2 * PAD + max(self.signs[id(link)].x for link in ends) if ends else 0.0
            cards = [self.sizes[slot].x for slot in columns[c] if slot < len(self.sizes)]
            stretches[c] = Stretch(begin, begin + label + max(cards, default=0.0))
            begin = stretches[c].end
        return stretches

    def bend(self, inward: Sequence[Link]) -> float:
        """The room between two columns: the more, the steeper the steepest link."""
        rises = (self.across[link.tail] - self.across[link.head] - link.port for link in inward)
        return min(MAX_BEND, MIN_BEND + max(abs(rise) for rise in rises) / 4)

    def place(self, slot: int) -> Place:
        """At the end of its column, where its arrows leave."""
        along = self.stretches[self.layers.column[slot]].end - self.sizes[slot].x / 2
        return Place(self.turn(along, self.across[slot]), upright(self.sizes[slot], self.direction))

    def way(self, link: Link) -> Way:
        turn = self.turn
        begin, end = self.stretches[self.layers.column[link.head]]
        start = self.stretches[self.layers.column[link.tail]].end
        half = (start + begin) / 2
        high, low = self.across[link.tail], self.across[link.head] + link.port
        tip = end - self.sizes[link.head].x if link.arrow else end
        stop = tip - HEAD if link.arrow else end
        sign = self.signs[id(link)].x if link.arrow else 0.0
        return Way(
            start=turn(start, high),
            controls=(turn(half, high), turn(half, low)),
            unbend=turn(begin, low),
            end=turn(stop, low),
            tip=turn(tip, low),
            label=turn(stop - PAD - sign / 2, low),
            link=link,
        )

    def layout(self) -> Arrangement:
        places = [self.place(slot) for slot in range(len(self.sizes))]
        ways = [self.way(link) for link in self.layers.links]
        return Arrangement(places, ways, upright(self.extent, self.direction))


def turning(direction: Direction, length: float) -> Callable[[float, float], Point]:
    """The map from (along, across) to (x, y)."""
    match direction:
        case "LR":
            return Point
        case "RL":
            return lambda along, across: Point(length - along, across)
        case "TB":
            return lambda along, across: Point(across, along)
        case "BT":
            return lambda along, across: Point(across, length - along)


def upright(size: Point, direction: Direction) -> Point:
    """(along, across) as (width, height), or the other way round."""
    return size if direction in ("LR", "RL") else Point(size.y, size.x)
