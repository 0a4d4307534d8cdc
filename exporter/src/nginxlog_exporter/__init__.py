"""nginx's access log as Prometheus metrics.

The path of a line, one module per step: tail -> parse -> aggregate -> expose; follow is the loop in
which they meet, reader its thread. Beside it: settings, nginxconf and logformat (what a line looks
like), pools (who served), state (what survives a kill), service (the running process), check
(`--check-config`).
"""

__version__ = "1.0.0"
