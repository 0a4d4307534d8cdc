"""Writes the mtail program that counts what the exporter counts, for any format of the benchmark.

mtail has no lists and no loops, so one and two attempts are cases of their own. Made to be fast:
nearly every line needs only the first expression, which captures numbers as numbers, is anchored,
and looks no further than the last value; six ways of writing it were tried, this one is the
fastest. Pools are not looked up: a pool is called as its server's address (see equality.py).
"""

import re

from tools.bench.formats import Format

_BUCKETS = "0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10"
_PROGRAM = f"""\
counter nginxlog_http_responses_total by pool, class
counter nginxlog_http_requests_total by pool, method, status
counter nginxlog_upstream_attempts_total by upstream, status
counter nginxlog_http_retried_requests_total by outcome
counter nginxlog_http_response_bytes_total by pool
counter nginxlog_http_request_bytes_total by pool
histogram nginxlog_http_request_duration_seconds by pool buckets {_BUCKETS}
histogram nginxlog_upstream_response_duration_seconds by pool buckets {_BUCKETS}
histogram nginxlog_upstream_connect_duration_seconds by pool buckets {_BUCKETS}

/USUAL/ {{
  COUNT($addr)
  nginxlog_upstream_attempts_total[$addr][$tried]++
  nginxlog_http_request_duration_seconds[$addr] = $time
  nginxlog_upstream_response_duration_seconds[$addr] = $response
  nginxlog_upstream_connect_duration_seconds[$addr] = $connect
}} else {{
  /ANY/ {{
    $addr2 == "" {{
      COUNT($addr)
      $addr != "ABSENT" {{
        nginxlog_upstream_attempts_total[$addr][$tried]++
      }}
      $streaming == 0 {{
        nginxlog_http_request_duration_seconds[$addr] = $time
        TIME($addr, $response, $connect)
      }}
    }} else {{
      COUNT($addr2)
      nginxlog_upstream_attempts_total[$addr][$tried]++
      nginxlog_upstream_attempts_total[$addr2][$tried2]++
      $class == 5 {{
        nginxlog_http_retried_requests_total["failed"]++
      }} else {{
        nginxlog_http_retried_requests_total["saved"]++
      }}
      $streaming == 0 {{
        nginxlog_http_request_duration_seconds[$addr2] = $time
        TIME($addr, $response, $connect)
        TIME($addr2, $response2, $connect2)
      }}
    }}
  }}
}}
"""
# mtail has no functions either; these are written out.
_COUNT = r"""nginxlog_http_responses_total[\1][$class]++
  nginxlog_http_requests_total[\1][$method][$status]++
  nginxlog_http_response_bytes_total[\1] += $sent
  nginxlog_http_request_bytes_total[\1] += $received"""
_TIME = r"""\2 != "" && \2 != "-" {
          nginxlog_upstream_response_duration_seconds[\1] = float(\2)
        }
        \3 != "" && \3 != "-" {
          nginxlog_upstream_connect_duration_seconds[\1] = float(\3)
        }"""
_LIGHT = f"""\
counter requests_total by method, status
histogram request_duration_seconds by method buckets {_BUCKETS}

/LINE/ {{
  requests_total[$method][$status]++
  request_duration_seconds[$method] = $time
}}
"""

# What a variable is matched by; END is the character that follows it.
_USUAL = {
    "request_method": r"(?P<method>[A-Z]+)",
    "request": r"(?P<method>[A-Z]+) [^END]*",
    "status": r"(?P<status>(?P<class>\d)\d\d)",
    "upstream_addr": r"(?P<addr>[^END,]+)",
    "upstream_status": r"(?P<tried>\d+|-)",
    "streaming": r"0",
    "request_time": r"(?P<time>\d+\.\d+)",
    "upstream_response_time": r"(?P<response>\d+\.\d+)",
    "upstream_connect_time": r"(?P<connect>\d+\.\d+)",
    "bytes_sent": r"(?P<sent>\d+)",
    "request_length": r"(?P<received>\d+)",
}
_LISTS = {
    "upstream_addr": "addr",
    "upstream_status": "tried",
    "upstream_response_time": "response",
    "upstream_connect_time": "connect",
}
_ANY = {
    **_USUAL,
    "streaming": r"(?P<streaming>\d)",
    **{
        variable: rf"(?P<{name}>[^END,]*)(?:, (?P<{name}2>[^END,]*))?"
        for variable, name in _LISTS.items()
    },
}
_FEW = {name: _USUAL[name] for name in ("request_method", "request", "status", "request_time")}


def complete(log_format: Format) -> str:
    """Return the program that counts what the exporter counts, lists of two attempts included."""
    text = re.sub(r"COUNT\((.*)\)", _COUNT, _PROGRAM)
    text = re.sub(r"TIME\((.*), (.*), (.*)\)", _TIME, text)
    usual, rest = _line(log_format, _USUAL), _line(log_format, _ANY)
    return text.replace("USUAL", usual).replace("ANY", rest).replace("ABSENT", log_format.absent)


def light(log_format: Format) -> str:
    """Return a program with one counter and one histogram."""
    return _LIGHT.replace("LINE", _line(log_format, _FEW))


# Private


def _line(log_format: Format, patterns: dict[str, str]) -> str:
    """Return the expression of a line up to the last variable that is wanted and what ends it."""
    pieces = [*log_format.pieces, "$"]
    last = max(place for place in range(1, len(pieces), 2) if pieces[place] in patterns)
    expression = "^"
    for place in range(last + 1):
        if place % 2 == 0:
            expression += _literal(pieces[place])
        else:
            end = _literal(pieces[place + 1][:1])
            expression += patterns.get(pieces[place], "[^END]*").replace("END", end)
    return expression + (_literal(pieces[last + 1][:1]) or "$")


def _literal(text: str) -> str:
    return re.sub(r"([][\\.+*?^$(){}|/])", r"\\\1", text).replace("\t", r"\t")
