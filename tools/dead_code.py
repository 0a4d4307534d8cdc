"""Functions, methods, classes and imports that nobody uses: `python -m tools.dead_code`."""

import sys

from vulture import Vulture

from teal.bootstrap import ROOT

PATHS = ("teal", "tools", "apps", "grafana", "exporter/src", "tests")
# Variables and attributes are left out: settings, JSON and web frameworks read them by name.
KINDS = ("function", "method", "class", "property", "import", "unreachable_code")
# What a library calls.
HOOKS = [
    *("test_*", "Test*", "pytest_*", "do_*"),
    # http.server, socketserver, html.parser, gunicorn, pygtail
    *("log_message", "version_string", "verify_request", "handle_error", "handle_starttag"),
    *("load_config", "_get_next_line", "_is_new_file"),
]
DECORATORS = ["@*.route", "@*.get", "@*.post", "@*.before_request", "@*fixture*"]
DECORATORS += ["@rule*", "@precondition*", "@initialize*"]
# Their functions are called by name, one for each habit of an image or kind of rotation.
BY_NAME = ["*/tests/docker/habits.py", "*/tests/exporter/torture_writer.py"]


def main() -> int:
    """Print what is dead; return 1 if anything is."""
    vulture = Vulture(ignore_names=HOOKS, ignore_decorators=DECORATORS)
    vulture.scavenge([str(ROOT / path) for path in PATHS], exclude=BY_NAME)
    dead = [item for item in vulture.get_unused_code(min_confidence=60) if item.typ in KINDS]
    for item in dead:
        print(item.get_report())
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
