"""What `make bench --load` says of a running exporter comes from a running exporter."""

from tools.bench import backlog, contenders, exposition, lag, memory, process, quiet
from tools.bench.contenders import Course
from tools.bench.formats import FORMATS

LINES = 3000


def test_a_figure_is_measured_on_a_running_exporter(tmp_path):
    """Each part of --load works on the real process; how fast it is decides nothing here."""
    parts = (
        lambda folder: quiet.measure(folder, seconds=0.1),
        lambda folder: lag.measure(folder, seconds=0.5),
        lambda folder: backlog.measure(folder, lines=5000),
        lambda folder: memory.measure(folder, lines=2000),
    )
    names = []
    for number, measure in enumerate(parts):
        folder = tmp_path / str(number)
        folder.mkdir()
        names += [figure.name for figure in measure(folder)]

    assert [
        "A scrape of two pools",
        "Size of that scrape",
        "Idle, with a scrape per second",
        "Lag at 20,000 lines/s",
        "A backlog of 5,000 lines",
        "Scrapes meanwhile, one per second",
        "Memory after it",
        "Memory over 2,000 hostile lines",
    ] == names


def test_hostile_lines_are_lines_of_the_format_and_never_the_same(tmp_path):
    """They are counted, not passed over: the memory they take is that of counting."""
    lines = list(memory.hostile(0, LINES))
    log = tmp_path / "hostile.log"
    log.write_bytes(b"".join(lines))
    exporter = contenders.exporter(Course(FORMATS["teal"], log, tmp_path, tmp_path))

    _, output = process.measure(exporter.command, exporter.environment)

    assert LINES == len({line.split(b'"')[3] for line in lines})
    assert LINES == exposition.value(output, "nginxlog_exporter_lines_total", result="parsed")


def test_lag_is_the_age_of_the_oldest_line_not_shown(tmp_path):
    """A scrape that shows all that was written has no lag; one that lacks a line has its age."""
    writer = lag._Writer(tmp_path / "log", [])
    writer._counts, writer._times = [0, 100, 200], [10.0, 11.0, 12.0]

    assert [3.0, 2.0, 2.0, 0.0] == [writer.age_of_line(n, 14.0) for n in (0, 100, 199, 200)]
