"""Errors of our own. They stand apart because a compiled module cannot subclass an exception."""


class StaleGraphError(RuntimeError):
    """A leaf was given new data after the graph was computed from the old."""
