"""Draw the dashboards from a recording, as pictures: a preview for development, not Grafana.

PYTHONPATH=. python3 tests/preview/draw.py --output /tmp/preview
"""

import argparse
import base64
import gzip
import json
import re
import shutil
import tempfile
from html import unescape
from pathlib import Path

import packages
from record import BOARDS, Json

HERE = Path(__file__).resolve().parent
WIDTHS = {"laptop": 1440, "phone": 390}
# Higher than any dashboard: the page says how high it is, and the picture is cut there.
ENOUGH = 6000


class PreviewError(Exception):
    """The page could not be drawn; the message says why."""


def recording(name: str = "failover") -> Json:
    """Return a recording: the answers to all queries."""
    found: Json = json.loads(gzip.decompress((HERE / "recorded" / f"{name}.json.gz").read_bytes()))
    return found


def bundle() -> str:
    """Return the page's script with all that it imports. Raises PackagesError."""
    return packages.run(
        "esbuild", str(HERE / "page.mjs"), "--bundle", "--format=iife", "--minify",
        "--log-level=error",
    )  # fmt: skip


def page(board: Json, recorded: Json, script: str, width: int) -> str:
    """Return a dashboard's page, complete in itself. `width` is in pixels."""
    modules = packages.FOLDER / "node_modules"
    # Chromium's window is never narrower than 500 pixels.
    styles = f"html {{ width: {width}px }}"
    styles += _fonts(modules / "@fontsource" / "inter" / "files")
    styles += (modules / "uplot" / "dist" / "uPlot.min.css").read_text()
    styles += (HERE / "page.css").read_text()
    # Where "</script>" could end the script too early.
    data = json.dumps({"dashboard": board, "recorded": recorded}).replace("</", "<\\/")
    script = script.replace("</script", "<\\/script")
    return (
        f"<!doctype html><meta charset=utf-8><style>{styles}</style><body>"
        f"<script>window.preview = {data}</script><script>{script}</script>"
    )


def dom(html: str, width: int) -> str:
    """Return what Chromium makes of a page. Raises PreviewError."""
    return _chromium(html, width, ENOUGH, "--dump-dom")


def picture(html: str, width: int, output: Path) -> None:
    """Write a picture of a page. Raises PreviewError."""
    found = dom(html, width)
    done = re.search(r'data-done="([\d.]+)"', found)
    if done is None:
        failed = re.search(r'data-failed="([^"]*)"', found)
        raise PreviewError(unescape(failed[1]) if failed else "the page was not drawn to its end")
    _chromium(html, width, round(float(done[1])), f"--screenshot={output}")


def main() -> None:
    """Draw all dashboards at all widths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("preview"), help="folder for pictures")
    parser.add_argument("--recording", default="failover")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    recorded, script = recording(arguments.recording), bundle()
    for board_name, board in BOARDS.items():
        for name, width in WIDTHS.items():
            html = page(board, recorded, script, width)
            file = arguments.output / f"{Path(board_name).stem}-{name}.png"
            picture(html, width, file)
            print(f"{file} written")


# Private


def _fonts(files: Path) -> str:
    # Grafana brings this font; with another one, other texts would be too long.
    return "".join(
        f"@font-face {{ font-family: Inter; font-weight: {weight}; "
        f"src: url(data:font/woff2;base64,"
        f"{base64.b64encode((files / f'inter-latin-{weight}-normal.woff2').read_bytes()).decode()})"
        " }"
        for weight in (400, 500)
    )


def _chromium(html: str, width: int, height: int, action: str) -> str:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise PreviewError("chromium is missing; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(html)
        return packages.checked(
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--no-first-run", "--disable-background-networking",
            f"--user-data-dir={folder}/profile", f"--window-size={width},{height}",
            "--virtual-time-budget=10000", action, f"file://{file}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
