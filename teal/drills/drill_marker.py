"""Has the dashboards show that something is broken on purpose, and when."""

from collections.abc import Iterator
from contextlib import contextmanager

from teal.stack.layout import Layout


@contextmanager
def drill_marked(layout: Layout) -> Iterator[None]:
    """Declare a drill inside the `with` block."""
    try:
        layout.drill.touch()
        yield
    finally:
        layout.drill.unlink(missing_ok=True)
