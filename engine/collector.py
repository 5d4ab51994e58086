"""Nodes off the lists of Python's cyclic collector, in the compiled build.

Its full collections walk whatever is listed, over and over while a graph grows: two thirds of the time of a
million nodes. A node refers to older nodes and to its row, so that graphs have no cycles, but for one kind:
the row of `custom` has functions of a user, which may refer to anything. So a node is listed if its row is
foreign, or if one of its operands is listed.
"""

from typing import Any

try:
    from engine._collector import enlist as enlist
    from engine._collector import leave_out as leave_out
except ImportError:  # interpreted: all nodes stay listed

    def leave_out(node_type: type) -> None:
        """Makes nodes of this type without listing them."""

    def enlist(node: Any, foreign: bool) -> None:
        """Lists a node, if it has to be; if not, it takes the tuple of its operands off the lists."""
