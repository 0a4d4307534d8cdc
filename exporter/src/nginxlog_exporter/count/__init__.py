"""Stage 4: rows -> counters. Pure: no clock, no file, no Prometheus.

`classifier` looks up what label texts mean, within the limits of `cardinality`; `aggregate` adds
up; `durations` and `histogram` measure; `routes` and `exemplars` are optional.
"""
