"""How much memory a running exporter takes when clients and servers invent names without end."""

from collections.abc import Iterator
from pathlib import Path

from tools.bench.figure import Figure
from tools.bench.formats import FORMATS, TEAL
from tools.bench.live import running

# Lines of one file; then it is rotated away, so that the disk is not filled.
FILE_LINES = 50_000
MOST_MIB = 64


def measure(folder: Path, *, lines: int) -> list[Figure]:
    """Let an exporter follow so many lines, none like another. Raises FailedError."""
    log, old = folder / "access.log", folder / "access.log.1"
    log.touch()
    written, first = 0, 0.0
    with running(log, folder) as exporter:
        while written < lines:
            count = min(FILE_LINES, lines - written)
            # Written where nobody looks, then appended: nobody waits for the making of lines.
            with log.open("ab") as file:
                file.write(b"".join(hostile(written, count)))
            written += count
            exporter.wait_for_lines(written, seconds=60)
            first = first or exporter.peak_bytes() / 2**20
            log.rename(old)
            log.touch()
        text, _ = exporter.scrape()
        peak = exporter.peak_bytes() / 2**20
    return [
        Figure(
            f"Memory over {lines:,} hostile lines",
            f"{peak:.0f} MiB at most ({first:.0f} MiB after the first {FILE_LINES:,}), "
            f"{text.count(chr(10)):,} lines in a scrape",
            f"at most {MOST_MIB} MiB",
            peak <= MOST_MIB,
        )
    ]


def hostile(first: int, count: int) -> Iterator[bytes]:
    """Yield lines whose methods, URIs, servers, releases and agents have never been seen before."""
    log_format = FORMATS[TEAL]
    template = "%s".join(piece.replace("%", "%%") for piece in log_format.pieces[::2]) + "\n"
    for n in range(first, first + count):
        # nginx answers a nonsense method with 400 or 405, or hands it on.
        mixed = n * 2_654_435_761 % 2**32
        values = {
            "desired": "blue",
            "request_method": f"M{mixed:X}",
            "status": str(100 + mixed % 900),
            "upstream_addr": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}:{1024 + mixed % 60000}",
            "upstream_status": str(100 + mixed % 900),
            "upstream_http_x_release_id": f"release-{mixed:x}",
            "streaming": "0",
            "request_time": f"{n % 100_000}.{mixed % 1000:03}",
            "upstream_response_time": f"{n % 90_000}.{mixed % 1000:03}",
            "upstream_connect_time": f"{n % 80_000}.{mixed % 1000:03}",
            "bytes_sent": str(mixed),
            "request_length": str(mixed),
            "time_iso8601": "2026-09-21T14:13:20+00:00",
            "msec": f"{1_790_000_000 + n / 1000:.3f}",
            "remote_addr": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
            "request_id": f"{mixed:032x}",
            "request_uri": f"/{mixed:x}/{n}?{'x' * (mixed % 400)}",
            "http_user_agent": f"agent {n} {'y' * (mixed % 200)}",
        }
        yield (template % tuple(values[name] for name in log_format.variables)).encode()
