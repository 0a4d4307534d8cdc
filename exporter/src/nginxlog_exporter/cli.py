"""The command line: wiring only.

Exit codes: 0 fine, 1 the check found something or the service cannot start, 2 a setting is wrong.
"""

import argparse
import gc
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client.exposition import generate_latest

from nginxlog_exporter import __version__, config_check, one_shot, service
from nginxlog_exporter.config import VARIABLES, SettingsError, load
from nginxlog_exporter.parse.log_format import URI, compile_format
from nginxlog_exporter.parse.nginx_conf import LogFormatError

# Garbage is looked for after so many new objects, and then every so many times in older ones.
GARBAGE_THRESHOLDS = (100_000, 50, 50)
FINE, FAILED, WRONG_SETTING = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the exporter as the command line says; return the exit code."""
    # Thousands of rows live for a moment and hold no cycles: looking for some costs a tenth.
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s"
    )
    options = _parser().parse_args(arguments)
    flags = {
        v.name: getattr(options, v.name) for v in VARIABLES if getattr(options, v.name) is not None
    }
    if options.once:
        flags.setdefault("NGINXLOG_FILE", str(options.once))
    try:
        settings = load(flags, keeps_state=not options.once)
        line_format = compile_format(
            settings.log_format, extra=[URI] if settings.has("routes") else []
        )
    except (SettingsError, LogFormatError) as error:
        print(f"nginxlog-exporter: {error}", file=sys.stderr)
        return WRONG_SETTING
    try:
        if options.check_config is not None:
            good, text = config_check.report(settings, line_format, _sample(options.check_config))
            print("\n".join(text))
            return FINE if good else FAILED
        if options.once:
            families = one_shot.metrics(settings, line_format, options.once)
            sys.stdout.buffer.write(generate_latest(service.Families(families)))
            return FINE
        service.run(settings, line_format)
    except OSError as error:
        print(f"nginxlog-exporter: {error}", file=sys.stderr)
        return FAILED
    return FINE


# Private


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nginxlog-exporter",
        description="Publishes nginx's access log as Prometheus metrics.",
        epilog="Each setting is a variable or a flag; the flag beats the variable.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--check-config",
        nargs="?",
        const="",
        metavar="SAMPLE",
        help="check the settings, and that the lines of SAMPLE (- for stdin) match; then exit",
    )
    parser.add_argument(
        "--once",
        type=Path,
        metavar="FILE",
        help="print the metrics of this whole log (- for stdin), then exit",
    )
    for variable in VARIABLES:
        default = f" (default {variable.default})" if variable.default else ""
        parser.add_argument(
            *variable.flags,
            dest=variable.name,
            metavar="VALUE",
            help=f"{variable.name}: {variable.meaning}{default}",
        )
    return parser


def _sample(name: str) -> Iterable[bytes]:
    if name == "-":
        return sys.stdin.buffer
    # Cut at newlines only, as the log is.
    return Path(name).open("rb") if name else ()
