"""The benchmark can be trusted: its log is as said, and nobody is compared unless all agree."""

import subprocess
import sys
from pathlib import Path

import pytest
from fix_stack import cannot_run

from teal import debian
from tools.bench import chart, contenders, equality, exposition, generate, process, report, results
from tools.bench import race as racing
from tools.bench.contenders import EXPORTER, Course
from tools.bench.figure import Figure
from tools.bench.formats import FORMATS
from tools.bench.process import Cost
from tools.bench.race import Race, Row
from tools.bench.results import Results

LINES = 3000


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Return a folder for the peers' programs: kept, where the commands keep theirs."""
    kept = Path(__file__).parents[2] / ".teal" / "bench"
    return kept if kept.exists() else tmp_path_factory.mktemp("bench")


def course(name, folder, cache=None, lines=LINES) -> Course:
    """Return a log of this format in a folder."""
    log = folder / f"{name}.log"
    generate.write(log, FORMATS[name], lines)
    return Course(FORMATS[name], log, folder, cache or folder)


def counted(contender):
    """Run a contender; return what it counted."""
    _, output = process.measure(contender.command, contender.environment)
    return contender.samples(output), output


def test_the_log_is_the_same_for_the_same_seed_and_begins_the_same_at_any_length():
    """A figure can be repeated elsewhere: nothing in the log is left to chance."""
    teal = FORMATS["teal"]
    long = b"".join(generate.blocks(teal, LINES))

    assert long == b"".join(generate.blocks(teal, LINES))
    assert long.splitlines()[:1500] == b"".join(generate.blocks(teal, 1500)).splitlines()
    assert long != b"".join(generate.blocks(teal, LINES, seed=1))
    assert LINES == long.count(b"\n")


def test_the_log_has_what_makes_a_log_hard():
    """Retries, requests without an upstream and given-up ones are in it, and both pools serve."""
    lines = b"".join(generate.blocks(FORMATS["teal"], 120_000)).splitlines()
    retried = sum(b"8081, 127" in line or b"8082, 127" in line for line in lines)

    assert 0.004 < retried / len(lines) < 0.006
    assert any(b'upstream_addr="-" upstream_status="-"' in line for line in lines)
    assert any(b"status=499" in line and b'upstream_status="-"' in line for line in lines)
    assert {b"blue", b"green"} == {line.split(b'"')[1] for line in lines}


def test_the_exporter_counts_the_same_in_every_format(tmp_path):
    """The formats hold the same requests, and the exporter understands each line of each."""
    first, everything = None, []
    for name in FORMATS:
        samples, output = counted(contenders.exporter(course(name, tmp_path)))
        first = first or samples
        everything.append(
            exposition.value(output, "nginxlog_exporter_lines_total", result="parsed")
        )

        assert first == samples, name

    assert [LINES] * len(FORMATS) == everything


@pytest.mark.parametrize("name", FORMATS)
def test_the_naive_loop_counts_what_the_exporter_counts(tmp_path, name):
    """The orientation does the same work."""
    log = course(name, tmp_path)
    samples, _ = counted(contenders.exporter(log))

    equality.require_equal(samples, counted(contenders.naive(log))[0], who="naive")


@pytest.mark.parametrize("suite", ["bookworm", "sid"])
def test_mtail_counts_what_the_exporter_counts(tmp_path, cache, suite):
    """The rival does the same work: every counter and every bucket, in every format."""
    for name in FORMATS:
        log = course(name, tmp_path, cache)
        try:
            complete, light = contenders.mtails("mtail", suite, log)
        except debian.UnavailableError as error:
            cannot_run(f"mtail of {suite}: {error}")
        samples, _ = counted(contenders.exporter(log))

        equality.require_equal(samples, counted(complete)[0], who=f"mtail, {name}")
        _, output = process.measure(light.command, light.environment)
        assert LINES == light.lines(output)


@pytest.mark.parametrize("change", ["one more", "missing", "not ours", "sum"])
def test_a_difference_is_noticed_and_named(tmp_path, change):
    """No ratio is printed for contenders that did different work."""
    samples, _ = counted(contenders.exporter(course("teal", tmp_path)))
    series = ("nginxlog_http_responses_total", (("class", "2xx"), ("pool", "blue")))
    total = ("nginxlog_http_request_duration_seconds_sum", (("pool", "blue"),))
    other = dict(samples)
    if change == "one more":
        other[series] += 1
    elif change == "missing":
        del other[series]
    elif change == "not ours":
        series = ("nginxlog_http_responses_total", (("class", "2xx"), ("pool", "red")))
        other[series] = 1
    else:
        series = total
        other[series] += 0.001

    equality.require_equal(samples, dict(samples), who="itself")
    with pytest.raises(equality.DifferentError, match=f"rival.*\n.*{series[0]}"):
        equality.require_equal(samples, other, who="rival")


def test_nobody_wins_by_counting_nothing():
    """Two empty outputs are not equal: they mean that something did not work."""
    with pytest.raises(equality.DifferentError, match="counted nothing"):
        equality.require_equal({}, {}, who="rival")


def test_zeros_that_mtail_puts_into_no_bucket_are_given_back():
    """Its known fault is made good exactly: by as many as the last bucket lacks."""
    name = "nginxlog_http_request_duration_seconds"
    text = f"""# TYPE {name} histogram
{name}_bucket{{pool="127.0.0.1:8081",prog="x",le="0.001"}} 1
{name}_bucket{{pool="127.0.0.1:8081",prog="x",le="+Inf"}} 4
{name}_sum{{pool="127.0.0.1:8081",prog="x"}} 3
{name}_count{{pool="127.0.0.1:8081",prog="x"}} 6
"""

    samples = equality.from_mtail(exposition.samples(text))

    blue = ("pool", "blue")
    assert 3 == samples[f"{name}_bucket", (("le", "0.001"), blue)]
    assert 6 == samples[f"{name}_bucket", (("le", "inf"), blue)]
    assert 6 == samples[f"{name}_count", (blue,)]


def test_a_peer_that_cannot_be_had_is_named_with_the_reason(tmp_path, monkeypatch):
    """A table never lacks a peer silently."""
    monkeypatch.setenv("PATH", "")

    absent = [
        e for e in contenders.all_for(course("teal", tmp_path)) if e.name == "mtail, Debian sid"
    ]

    assert ["no apt-get here"] == [entry.why for entry in absent]


def test_the_cost_is_that_of_the_whole_process():
    """CPU time is the child's, and memory is not that of the process that measures."""
    ballast = bytearray(200 * 2**20)
    work = "import time\nwhile time.process_time() < 0.3: pass"

    cost, _ = process.measure([sys.executable, "-c", work], {})

    assert 0.3 <= cost.cpu_seconds
    assert 0 < cost.peak_bytes < len(ballast)


def test_a_contender_that_fails_is_no_result():
    """Whoever ends with an error has not finished the race."""
    with pytest.raises(process.FailedError, match="broken"):
        process.measure([sys.executable, "-c", "import sys; sys.exit('broken')"], {})


def test_a_ratio_is_taken_run_by_run():
    """A slow moment of the machine hits both and does not count."""
    costs = [Cost(1, 1, 0), Cost(10, 10, 0), Cost(1, 1, 0)]
    rival = Row("rival", "", [Cost(2 * cost.cpu_seconds, 1, 0) for cost in costs])

    assert 2 == Race("teal", "", 10, 100, [Row(EXPORTER, "", costs), rival]).ratio(rival)


def test_a_light_program_that_misses_lines_is_refused():
    """Speed by leaving lines out is none."""
    light = contenders.Contender("light", "", [], lines=int)

    racing.check(light, "3000", {}, 3000)
    with pytest.raises(equality.DifferentError, match="2999 lines, and the log has 3000"):
        racing.check(light, "2999", {}, 3000)


def test_the_chart_shows_every_contender():
    """The picture is well-formed and has a bar for each of them, the longest for the fastest."""
    rows = [Row(EXPORTER, "", [Cost(1, 1, 0)]), Row("mtail & co", "", [Cost(4, 4, 0)])]

    picture = chart.draw([Race("teal", "a < b", 100, 1000, rows)])

    lint = subprocess.run(
        [sys.executable, "-c", "import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)"],
        input=picture.encode(), check=False,
    )  # fmt: skip
    assert 0 == lint.returncode
    assert 2 == picture.count("<rect")
    assert "exporter: 4.0x" in picture


def test_results_are_kept_and_only_replaced_by_newer_ones(tmp_path):
    """A part that is measured again leaves the others as they were, in the document too."""
    race = Race("teal", "ours", 10, 100, [Row(EXPORTER, "all", [Cost(1, 1, 5)])])
    race.rows += [Row("wc -l", "", [Cost(1, 1, 0)]), Row("gone", "", absent="no network")]
    kept = Results(
        {"teal": (race, "here")}, {"lag": ([Figure("Lag", "1 s", "2 s", True)], "there")}
    )

    results.save(tmp_path / "kept.json", kept)
    again = results.load(tmp_path / "kept.json")

    assert kept == again
    assert "| gone | not measured |" in report.document(again)
    assert "- gone: no network" in report.document(again)
    assert "| Lag | 1 s | 2 s | yes |" in report.document(again)
