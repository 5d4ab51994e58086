"""A traced function: symbols record it, a tape holds it, passes simplify it."""
