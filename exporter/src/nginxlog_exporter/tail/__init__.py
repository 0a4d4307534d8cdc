"""Stage 1: files -> blocks of complete lines. Knows no nginx.

A line's way: discovery (which files) -> followed_file -> tailer, which uses rotation (where a file
went), checkpoint and fingerprint (how it is known again), upcoming (files not begun), draining
(rotated files that a worker still writes to), lines and rewindable_gzip.
"""
