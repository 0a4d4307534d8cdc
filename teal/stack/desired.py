"""The declaration of the desired pool: a flag file that nginx tests for at every request."""

from teal.stack.layout import Layout


def desired(layout: Layout) -> str:
    """Return the pool that is declared desired."""
    return "green" if (layout.desired / "green").exists() else "blue"


def declare(layout: Layout, pool: str) -> None:
    """Declare the desired pool: nginx tests for this file at every request."""
    flag = layout.desired / "green"
    if pool == "green":
        flag.touch()
    else:
        flag.unlink(missing_ok=True)
