"""A layered drawing of a graph, first half: which column each box stands in, and in which order.

After Sugiyama, Tagawa and Toda (1981): columns by distance to the root, long arrows cut into
links from column to column, crossings reduced by barycentres. Everything is iterative.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Final

from engine.drawing.picture import Arrow, Picture

ROUNDS: Final = 24  # sweeps against crossings in a small graph
EFFORT: Final = 200_000  # links visited in all those sweeps, in a large one
BENDS: Final = 50_000  # joints of long arrows; the longest go without when that is not enough


class Link:
    """A piece of an arrow between two slots. The last piece carries the arrow; a piece that several
    arrows share carries all that flows back along it."""

    __slots__ = ("tail", "head", "flow", "arrow", "folded", "port")

    def __init__(self, tail: int, head: int, arrow: Arrow | None = None) -> None:
        self.tail = tail
        self.head = head
        self.arrow = arrow
        self.flow = arrow.flow if arrow else 0.0
        self.folded = arrow.folded if arrow else False  # all that runs along it begins or ends in the fold
        self.port = 0.0  # where it meets its head, from the head's middle


class Layers:
    """Slots are boxes, in the order of the picture, and then the joints of long arrows."""

    def __init__(self, column: list[int]) -> None:
        self.column = column  # of each slot, counted from the root
        self.links: list[Link] = []
        self.inward: list[list[Link]] = []  # of each slot, in argument order
        self.outward: list[list[Link]] = []
        self.columns: list[list[int]] = []  # slots in the order they stand
        self.rank: list[int] = []  # of each slot within its column


def layers_of(picture: Picture) -> Layers:
    layers = Layers(distances(picture))
    cut_into_links(layers, picture.arrows)
    join(layers)
    set_first_order(layers, len(picture.boxes) - 1)
    untangle(layers)
    return layers


def distances(picture: Picture) -> list[int]:
    """The longest way of each box to the root: operands stand just before whoever uses them first."""
    column = [0] * len(picture.boxes)
    for arrow in sorted(picture.arrows, key=lambda a: -a.head):
        column[arrow.tail] = max(column[arrow.tail], column[arrow.head] + 1)
    return column


def cut_into_links(layers: Layers, arrows: Sequence[Arrow]) -> None:
    """Cuts the arrows into links; arrows from the same tail share their way as long as they can."""
    column = layers.column
    reach = [0] * len(column)
    for arrow in arrows:
        reach[arrow.tail] = max(reach[arrow.tail], column[arrow.tail] - column[arrow.head] - 1)
    longest = len(column) if sum(reach) <= BENDS else BENDS // len(column)
    joints: dict[tuple[int, int], int] = {}
    for arrow in arrows:
        piece = Link(arrow.tail, arrow.head, arrow)
        layers.links.append(piece)
        stops = range(column[arrow.head] + 1, column[arrow.tail]) if reach[arrow.tail] <= longest else ()
        for stop in stops:
            if (arrow.tail, stop) in joints:
                piece.tail = joints[arrow.tail, stop]
                break
            piece.tail = joints[arrow.tail, stop] = len(column)
            column.append(stop)
            piece = Link(arrow.tail, piece.tail)
            layers.links.append(piece)


def join(layers: Layers) -> None:
    """Tells every slot its links, and every shared piece what runs along it."""
    layers.inward = [[] for _ in layers.column]
    layers.outward = [[] for _ in layers.column]
    for link in layers.links:
        layers.inward[link.head].append(link)
        layers.outward[link.tail].append(link)
    for link in sorted(layers.links, key=lambda link: layers.column[link.head]):
        if link.arrow is None:
            onward = layers.outward[link.head]
            link.flow = sum(other.flow for other in onward)
            link.folded = all(other.folded for other in onward)


def set_first_order(layers: Layers, root: int) -> None:
    """A first order: depth first from the root, in argument order. For a tree no links cross in it."""
    layers.columns = [[] for _ in range(1 + max(layers.column))]
    seen = [False] * len(layers.column)
    stack = [root]
    while stack:
        slot = stack.pop()
        if not seen[slot]:
            seen[slot] = True
            layers.columns[layers.column[slot]].append(slot)
            stack.extend(link.tail for link in reversed(layers.inward[slot]))
    layers.rank = ranks(layers)


def ranks(layers: Layers) -> list[int]:
    rank = [0] * len(layers.column)
    for column in layers.columns:
        for i, slot in enumerate(column):
            rank[slot] = i
    return rank


def untangle(layers: Layers) -> None:
    """Sorts each column by the mean rank of its neighbours, to and fro; the best order seen stays."""
    best, fewest = [list(column) for column in layers.columns], crossings(layers)
    for turn in range(min(ROUNDS, EFFORT // len(layers.links)) if fewest else 0):
        rootward = turn % 2 == 0
        for column in layers.columns if rootward else reversed(layers.columns):
            column.sort(key=lambda slot: barycentre(layers, slot, rootward))
            for i, slot in enumerate(column):
                layers.rank[slot] = i
        count = crossings(layers)
        if count < fewest:
            best, fewest = [list(column) for column in layers.columns], count
    layers.columns = best
    layers.rank = ranks(layers)


def barycentre(layers: Layers, slot: int, rootward: bool) -> float:
    if rootward:
        near = [layers.rank[link.head] for link in layers.outward[slot]]
    else:
        near = [layers.rank[link.tail] for link in layers.inward[slot]]
    return sum(near) / len(near) if near else layers.rank[slot]


def crossings(layers: Layers) -> int:
    """How many pairs of links between neighbouring columns cross."""
    if len(layers.links) > EFFORT:
        return 0
    count = 0
    for column in layers.columns:
        passed: list[int] = []
        for slot in column:
            tails = sorted(layers.rank[link.tail] for link in layers.inward[slot])
            count += sum(len(passed) - bisect_right(passed, tail) for tail in tails)
            for tail in tails:
                insort(passed, tail)
    return count
