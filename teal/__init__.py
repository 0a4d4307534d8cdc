"""The commands behind the Makefile: they set the stack up, show it, and try its promises."""
