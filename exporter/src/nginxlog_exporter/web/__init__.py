"""Stage 6: HTTP. Knows no counters; the landing page reads what a scrape may see.

`server` answers, within the limits of `connections`; `web_config` is the file of
`--web.config.file`, with `tls`, `auth` and `strict_yaml`; `landing_page` is for people.
"""
