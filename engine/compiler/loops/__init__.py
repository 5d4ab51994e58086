"""Loops, found again in a flat tape."""
