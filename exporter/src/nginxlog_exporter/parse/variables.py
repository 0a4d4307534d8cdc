"""What nginx's documentation says of its variables, as far as it decides where a value ends.

https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables: where several servers were
asked, values are separated by commas (`a, b`), those of groups of servers after an internal
redirect by colons (`a : b`). An entry may be missing: a redirect that is answered from the cache
leaves `a : `, one after an answer from the cache `, b`.
"""

# Lists of whole numbers, of seconds, and of addresses or names.
COUNTS = (
    "upstream_status",
    "upstream_response_length",
    "upstream_bytes_sent",
    "upstream_bytes_received",
)
SECONDS = (
    "upstream_response_time",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_queue_time",
    # Of the stream module, which has the same lists.
    "upstream_first_byte_time",
    "upstream_session_time",
)
# Said once for a request, however many servers were asked.
SINGLE = (
    "upstream_cache_status",
    "upstream_cache_last_modified",
    "upstream_cache_etag",
    "upstream_cache_key",
    "upstream_last_server_name",
)
_UPSTREAM = "upstream_"

# Variables that never hold a space or begin with a comma or colon, whatever a client sends.
WORDS = (
    *("request_method", "request_id", "time_iso8601", "remote_addr", "remote_port", "server_addr"),
    *("server_port", "server_protocol", "scheme", "connection", "connection_requests", "pid"),
)
# Numbers, and what is set by nginx's own rules; they cannot be taken for the rest of a list.
SAFE = (
    *(
        *WORDS,
        *COUNTS,
        *SECONDS,
        *SINGLE,
        "upstream_addr",
        "status",
        "bytes_sent",
        "body_bytes_sent",
    ),
    *("request_length", "request_time", "msec", "time_local", "gzip_ratio", "pipe", "hostname"),
    *("request_completion", "connection_time", "nginx_version", "host", "server_name", "uri"),
    *("document_uri", "ssl_protocol", "ssl_cipher", "desired", "streaming"),
)
# Of the last answer only, and any text; a header that comes twice is joined with commas.
_HEADERS = ("upstream_http_", "upstream_cookie_", "upstream_trailer_")


def is_list(name: str) -> bool:
    """Tell whether a variable may hold a list: every `$upstream_...` that is not known better."""
    return name.startswith(_UPSTREAM) and name not in SINGLE


def is_header(name: str) -> bool:
    """Tell whether a variable holds what a server wrote, as it was."""
    return name.startswith(_HEADERS)
