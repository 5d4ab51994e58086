"""Forward mode: what a graph is to its inputs, in any number of directions at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.edges import edges, passed
from engine.node import Node
from engine.order import Places, stale

Tangents = dict[int, Any]  # by direction; one from which nothing comes to a node is not among them


def push(
    order: Sequence[Node], active: Places, seeds: Sequence[Tangents], kept: Iterable[int], on_nodes: bool
) -> list[Tangents]:
    """Forward sweep: the tangents of the nodes by their place in the order, of those to be kept.

    The inputs come first in the order, with the seeds as their tangents. Each local derivative is made once
    for all directions. What is not seeded is not 0: it is never multiplied.
    """
    places = sorted(active.values())[len(seeds) :]
    tangents: list[Tangents] = [*seeds, *({} for _ in order[len(seeds) :])]
    last = last_uses(order, active, places, kept)
    for place in places:
        node = order[place]
        found = tangents[place]
        for operand, local in edges_on_nodes(node, active) if on_nodes else edges_on_floats(node, active):
            for direction, x in tangents[operand].items():
                term = local.passes(x) if on_nodes else local * x
                found[direction] = found[direction] + term if direction in found else term
        for x in node.parents:  # many directions are much to keep for a graph's whole length
            operand = active.get(id(x), place)
            if last[operand] == place:
                tangents[operand] = {}
    return tangents


def last_uses(order: Sequence[Node], active: Places, places: Iterable[int], kept: Iterable[int]) -> list[int]:
    """For each place the last one that looks at it; what is to be kept is looked at in the end."""
    last = [len(order)] * len(order)
    for place in places:
        for x in order[place].parents:
            operand = active.get(id(x), place)
            last[operand] = place
    for place in kept:
        last[place] = len(order)
    return last


def edges_on_nodes(node: Node, active: Places) -> list[tuple[int, Any]]:
    return [(active[edge.operand], edge) for edge in edges(node, active, on_nodes=True)]


def edges_on_floats(node: Node, active: Places) -> list[tuple[int, Any]]:
    operands = node.parents
    for operand in operands:
        if operand.epoch > node.epoch:
            raise stale(node, operand)
    found: list[tuple[int, Any]] = []
    for i, local in enumerate(passed(node)):
        if local is not None:
            place = active.get(id(operands[i]))
            if place is not None:
                found.append((place, local))
    return found
