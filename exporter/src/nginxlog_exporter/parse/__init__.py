"""Stage 2: blocks -> rows. Knows what nginx writes, and no metrics.

`nginx_conf` finds the log_format; `log_format` compiles it to expressions, with `patterns` of what
nginx writes for each of its `variables`; `parser` reads blocks with them; `records` are the values
that travel on; `values` decodes numbers and lists; `line_reader` reads single lines for people and
commands; `error_log` says which lines do not match.
"""
