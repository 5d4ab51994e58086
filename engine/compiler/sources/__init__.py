"""A tape as text in other languages and for other libraries."""
