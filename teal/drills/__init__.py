"""A drill: break something on purpose, watch what the stack does about it, and judge it."""
