"""Pictures of expression graphs: `engine.draw(root)`."""

from engine.drawing.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
