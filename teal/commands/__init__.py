"""One module for each command: its docstring is its help, `run` does it and returns the code."""

from types import ModuleType

from teal.commands import (
    bench,
    chaos,
    check,
    clean,
    dashboards,
    docs,
    down,
    load,
    lock,
    logs,
    mutate,
    query,
    reload,
    screenshot,
    silence,
    status,
    switch,
    test,
    torture,
    up,
)

ALL: dict[str, ModuleType] = {
    "up": up,
    "down": down,
    "status": status,
    "logs": logs,
    "switch": switch,
    "chaos": chaos,
    "load": load,
    "query": query,
    "silence": silence,
    "reload": reload,
    "clean": clean,
    "check": check,
    "test": test,
    "torture": torture,
    "mutate": mutate,
    "bench": bench,
    "dashboards": dashboards,
    "docs": docs,
    "lock": lock,
    "screenshot": screenshot,
}
