"""Nginx and logrotate for the torture run: full speed, every kind of rotation, an exact account."""

import gzip
import os
import random
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from loglines import START, line

# Lines of one write; as nginx writes with `buffer=`.
BATCH = 50
METHODS = ("GET", "POST", "PUT", "DELETE")
STATUSES = ("200", "204", "301", "404", "500", "503")
KINDS = ("rename", "gap", "copytruncate", "twice", "compress", "compress_at_once")


class Writer:
    """Nginx and logrotate in one: writes and rotates until it is stopped."""

    def __init__(self, log: Path, chance: random.Random, *, by_date: bool = False) -> None:
        self.lines = 0
        # By method and status; bytes sent under ("bytes",).
        self.expected: Counter[tuple[str, ...]] = Counter()
        self._log = log
        self._chance = chance
        self._by_date = by_date
        self._date = 20_260_000
        self.rotations: Counter[str] = Counter()
        self._file = log.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer")
        self._templates = [
            (method, status, size, line(
                request_method=method, status=status, bytes_sent=size,
                msec="@msec", request_id="@id",
            ))
            for method in METHODS
            for status in STATUSES
            for size in (0, 17, 4711)
        ]  # fmt: skip

    def start(self) -> None:
        """Write and rotate in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current batch, then check."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._file.close()

    def check(self) -> None:
        """Raise what ended the thread, if something did."""
        if self._error:
            raise self._error

    def paused(self) -> threading.Lock:
        """Hold this and nothing is written."""
        return self._lock

    def write(self, file: object = None) -> None:
        """Write one batch, in one piece as nginx does."""
        batch = []
        for method, status, size, template in self._chance.choices(self._templates, k=BATCH):
            moment = f"{START + self.lines / 1000:.3f}".encode()
            batch.append(template.replace(b"@msec", moment).replace(b"@id", b"%032x" % self.lines))
            self.expected[method, status] += 1
            self.expected["bytes",] += size
            self.lines += 1
        (file or self._file).write(b"".join(batch))

    def rotate(self) -> BinaryIO:
        """Rename the log, go on in a new one, and return the old file, still open."""
        self._log.rename(self._next_name())
        old = self._file
        self._file = self._log.open("ab", buffering=0)
        self.rotations["slow worker"] += 1
        return old

    def vanish(self) -> None:
        """Delete the log and the file before it, and have an older one look new."""
        self._log.unlink()
        rotated = self._rotated()
        if rotated:
            rotated.pop().unlink()
        if rotated:
            os.utime(rotated[0])
        self._reopen()
        self.write()
        self.rotations["vanish"] += 1

    def delete(self) -> None:
        """Delete the log and create it anew."""
        self._log.unlink()
        self._reopen()
        self.write()
        self.rotations["delete"] += 1

    def _run(self) -> None:
        try:
            rotate_at = time.monotonic()
            while not self._stop.is_set():
                with self._lock:
                    self.write()
                    if time.monotonic() >= rotate_at:
                        self._rotate(self._chance.choice(KINDS))
                        rotate_at = time.monotonic() + self._chance.choice((0.05, 0.3, 1.5))
                # About 10,000 lines a second.
                self._stop.wait(BATCH / 10_000)
        except BaseException as error:  # noqa: BLE001 - told by check()
            self._error = error

    def _rotate(self, kind: str) -> None:
        getattr(self, f"_{kind}")()
        self.rotations[kind] += 1

    def _rename(self) -> None:
        self._log.rename(self._next_name())
        old = self._file
        self._file = self._log.open("ab", buffering=0)
        self.write()
        # A worker that is slower than the others.
        self.write(old)
        old.close()

    def _gap(self) -> None:
        self._log.rename(self._next_name())
        for _ in range(self._chance.randrange(5)):
            self.write()
            self._stop.wait(0.01)
        self._reopen()

    def _copytruncate(self) -> None:
        shutil.copy2(self._log, self._next_name())
        os.truncate(self._log, 0)

    def _twice(self) -> None:
        for _ in range(2):
            self._rename()

    def _compress(self) -> None:
        """Compress all rotated files but the newest, as `delaycompress` does."""
        self._rename()
        for path in self._rotated()[:-1]:
            _pack(path)

    def _compress_at_once(self) -> None:
        """Compress the newest as well."""
        self._rename()
        for path in self._rotated():
            _pack(path)

    def _next_name(self) -> Path:
        """Return where the log is to be rotated to, after making room for it."""
        if self._by_date:
            self._date += 1
            return Path(f"{self._log}-{self._date}")
        for path in self._rotated():
            number, _, packed = path.name.removeprefix(f"{self._log.name}.").partition(".")
            new = f"{self._log}.{int(number) + 1}"
            path.rename(f"{new}.{packed}" if packed else new)
        return Path(f"{self._log}.1")

    def _rotated(self) -> list[Path]:
        """Return the rotated files, the oldest first."""
        found = self._log.parent.glob(f"{self._log.name}[.-]*")
        if self._by_date:
            return sorted(found)
        return sorted(found, key=lambda path: -int(path.name.split(".")[2]))

    def _reopen(self) -> None:
        self._file.close()
        self._file = self._log.open("ab", buffering=0)


def _pack(path: Path) -> None:
    if path.suffix == ".gz":
        return
    packed = path.with_name(path.name + ".gz")
    with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=1) as file:
        shutil.copyfileobj(plain, file)
    shutil.copystat(path, packed)
    path.unlink()
