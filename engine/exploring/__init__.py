"""A page where backpropagation moves: `engine.explore(root)`; and the data behind it."""

from engine.exploring.document import to_json
from engine.exploring.page import Exploration, explore

__all__ = ["Exploration", "explore", "to_json"]
