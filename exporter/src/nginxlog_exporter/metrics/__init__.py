"""Stage 5: counters -> metric families, built only when somebody asks.

`traffic` and `health` are the one table of the families, each with its labels, meaning and example;
`families` joins them; `collector` makes samples of them, from a `source`; `zero_initialise` knows
who has seen which series as 0; `reference` is docs/metrics.md.
"""
