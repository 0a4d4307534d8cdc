"""What plain pygtail gets wrong: each scenario fails there, and our tail does not.

Each is played twice, so that none of them can stop biting unseen.
"""

from collections import Counter
from pathlib import Path
from typing import IO

import pytest
from pygtail import Pygtail
from pygtail_scenarios import SCENARIOS, Scenario, folder_with_a_bracket

from nginxlog_exporter import snapshot
from nginxlog_exporter.tail import draining
from nginxlog_exporter.tail.checkpoint import Checkpoint
from nginxlog_exporter.tail.tailer import Tailer


class Killed(BaseException):
    """The process ends here."""


class Plain(Pygtail):
    """Pygtail as it is, but for its destructor, which opens the file again and may raise."""

    def __del__(self):
        if self.fh:
            self.fh.close()


class PlainReader:
    """Reads with pygtail as its users would set it up best: whole lines, its own offset file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.lines: list[bytes] = []
        self.error = ""
        self.gaps: list[str] = []
        self._offsets = log.parent / "offsets"
        self._tail: Plain | None = None
        self.restart()

    def read(self) -> None:
        """Read what is new."""
        try:
            # A new object opens its file when it reads first.
            self._tail = self._tail or self._new()
            for line in self._tail:
                self.lines.append(line.encode() if isinstance(line, str) else line)
        except Exception as error:  # noqa: BLE001 - any of them is the result
            self._fail(error)

    def restart(self) -> None:
        """Begin again from the offset file."""
        try:
            self._tail = None
            self._tail = self._new()
        except Exception as error:  # noqa: BLE001 - any of them is the result
            self._fail(error)

    def kill_while_saving(self, written: int) -> None:
        """Leave an offset file of which only so many bytes were written."""
        self._offsets.write_bytes(self._offsets.read_bytes()[:written])

    def _new(self) -> Plain:
        return Plain(
            str(self.log), offset_file=str(self._offsets), full_lines=True, encoding="utf-8"
        )

    def _fail(self, error: Exception) -> None:
        self.error = self.error or type(error).__name__


class OurReader:
    """Reads with our tail and keeps the place in a snapshot, as the exporter does."""

    def __init__(self, log: Path, patch: pytest.MonkeyPatch) -> None:
        self.log = log
        self.lines: list[bytes] = []
        self.error = ""
        self.gaps: list[str] = []
        self._snapshot = log.parent / "state.json"
        self._patch = patch
        self.restart()

    def read(self) -> None:
        """Read what is new and save the place."""
        while block := self._tail.read():
            self.lines += block.lines.splitlines(keepends=True) if block.lines else []
            self.gaps += [block.gap] if block.gap else []
            self._checkpoint = block.checkpoint
            self._save()

    def restart(self) -> None:
        """Begin again from the snapshot."""
        kept = snapshot.load(self._snapshot)
        self._checkpoint = Checkpoint.from_state(kept["position"]) if kept else None
        self._tail = Tailer(self.log, self._checkpoint)

    def kill_while_saving(self, written: int) -> None:
        """Save, but end after that many bytes."""

        def opened(path: Path, mode: str, **how: object) -> IO[str]:
            file = open(path, mode, **how)  # noqa: SIM115, PTH123 - as the snapshot does
            really_write = file.write

            class Dying:
                """A file that takes so many bytes and no more."""

                def __enter__(self):
                    return self

                def __exit__(self, *_):
                    file.close()

                def write(self, text):
                    really_write(text[:written])
                    raise Killed

            return Dying()

        with self._patch.context() as system:
            system.setattr(snapshot, "open", opened, raising=False)
            with pytest.raises(Killed):
                self._save()

    def _save(self) -> None:
        snapshot.save(self._snapshot, {"position": self._checkpoint.to_state()}, lines=0)


def lost_or_doubled(reader: PlainReader | OurReader, written: bytes) -> str:
    """Say what a reader did wrong: the error it raised, or what happened to lines."""
    expected, got = Counter(written.split(b"\n")[:-1]), Counter()
    for line in reader.lines:
        got[line.removesuffix(b"\n")] += 1
    if reader.error:
        return reader.error
    if got - expected:
        return "doubled" if set(got) <= set(expected) else "altered"
    return "lost" if expected - got else ""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_plain_pygtail_fails(scenario: Scenario, log: Path) -> None:
    """The scenario is one that pygtail alone does not survive, in the way that was found."""
    if scenario.play is not folder_with_a_bracket:
        # For pygtail that alone would be enough to fail.
        log = log.parent.with_name("log") / log.name
        log.parent.mkdir()
    plain = PlainReader(log)
    scenario.play(log, plain)

    assert lost_or_doubled(plain, scenario.written) == scenario.pygtail


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS.keys())
def test_our_tail_does_not(scenario: Scenario, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line once and in order; a gap is told only where nobody can know."""
    monkeypatch.setattr(draining, "QUIET_SECONDS", 0.0)
    ours = OurReader(log, monkeypatch)
    scenario.play(log, ours)

    assert b"".join(ours.lines) == scenario.written
    assert (ours.error, ours.gaps) == ("", [scenario.gap] if scenario.gap else [])
