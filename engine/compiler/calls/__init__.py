"""What a compiled function is called with, and what it returns."""
