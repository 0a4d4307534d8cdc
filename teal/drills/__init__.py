"""A drill: a fault on purpose, watched and judged.

A scenario (`scenarios`) says which of the `faults`, under what `traffic`, and what is promised. The
`engine` runs it once the stack is in its `steady_state`, `timeline` notes what happens when, and
`judge` compares that with the promises.
"""
