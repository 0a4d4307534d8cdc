"""Stage 3: which pool an address is, which pool serves, which one should. Counts nothing.

`pool_map` maps addresses to pools; `desired` is what the operator declared; `tracker` follows the
requests in the order of the log, with an `active` pool for each group.
"""
