"""The chain rule in words, path by path: `engine.explain(root)`."""

from engine.explanation.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
