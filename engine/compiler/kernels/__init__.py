"""Kernels read as source: their definitions, and what translators make of them."""
