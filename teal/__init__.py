"""The commands behind the Makefile: they set the stack up, show it, and try its promises."""

# Said here only; CHANGELOG.md has a section for it, and git a tag. The exporter has its own.
__version__ = "1.0.0"
