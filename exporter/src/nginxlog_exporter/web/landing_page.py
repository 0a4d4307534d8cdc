"""The landing page: for a person who wonders what this port is, and whether it works."""

import html
from collections.abc import Iterator
from string import Template

from nginxlog_exporter import __version__
from nginxlog_exporter.metrics.source import Source
from nginxlog_exporter.tail.followed_file import FollowedFile


def render(source: Source, *, is_ready: bool) -> bytes:
    """Return the page as of now."""
    with source.lock:
        rows = "".join(_row(file) for file in source.files.values())
        pools = "".join(f"<li>{html.escape(text)}</li>" for text in _pools(source))
    return _PAGE.substitute(
        version=html.escape(__version__),
        state="Ready: every log was read to its end." if is_ready else "Catching up.",
        rows=rows or '<tr><td colspan="5">No log fits the pattern yet.</td></tr>',
        pools=f"<h2>Pools</h2><ul>{pools}</ul>" if pools else "",
    ).encode()


# Private


def _row(file: FollowedFile) -> str:
    counters = file.counters
    cells = (
        ("", file.name),
        ("", "yes" if file.readable else "no: missing, or no permission"),
        ("number", f"{counters.lines['parsed']:,}"),
        ("number", f"{counters.lines['unparsed']:,}"),
        ("number", f"{file.backlog:,}"),
    )
    attention = not file.readable or counters.lines["unparsed"] or counters.gaps.total()
    shown = "".join(f'<td class="{kind}">{html.escape(text)}</td>' for kind, text in cells)
    return f'<tr class="{"attention" if attention else ""}">{shown}</tr>'


def _pools(source: Source) -> Iterator[str]:
    for group, active in source.aggregate.tracker.active.items():
        desired = source.desired.declared(group).pool
        text = f"{active.active or 'no pool'} serves"
        if source.knows(("desired",)) and desired:
            text += " and is the desired one" if desired == active.active else f", not {desired}"
        yield f"{group}: {text}" if group else text


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>nginxlog-exporter</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 }
h1 small { font-weight: normal; opacity: .6; white-space: nowrap }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884 }
td, th { white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums }
.attention td:first-child { border-left: .3rem solid #d97706; padding-left: .5rem }
ul { padding-left: 1.2rem }
code { font-size: .95em }
</style>
<h1>nginxlog-exporter <small>$version</small></h1>
<p>nginx's access log as Prometheus metrics. $state</p>
<h2>Logs</h2>
<div class="scroll"><table>
<tr><th>file<th>readable<th class="number">requests
<th class="number">unparsed lines<th class="number">bytes behind</tr>
$rows
</table></div>
$pools
<h2>Here</h2>
<ul>
<li><a href="/metrics"><code>/metrics</code></a> what Prometheus scrapes</li>
<li><a href="/-/ready"><code>/-/ready</code></a> 200 once every log was read to its end</li>
<li><a href="/-/healthy"><code>/-/healthy</code></a> 200 while the reader of the logs turns</li>
</ul>
</html>
""")
