"""--check-config shows where a line stops matching, and which metrics the format cannot give."""

from pathlib import Path

import pytest
from loglines import FORMAT_FILE, line, teal_format

from nginxlog_exporter import cli
from nginxlog_exporter.config_check import mismatch


def check(folder: Path, *arguments: str) -> int:
    """Run --check-config with these arguments."""
    return cli.main(["--file", str(folder / "access.log"), "--check-config", *arguments])


def test_lines_that_match_are_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 and a count."""
    sample = tmp_path / "sample"
    sample.write_bytes(line() * 3)

    assert check(tmp_path, str(sample), "--format-file", str(FORMAT_FILE)) == 0
    assert "3 of 3 lines match" in capsys.readouterr().out


def test_a_line_that_does_not_match_is_shown_with_a_caret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the byte where matching stops, with the variable that was expected there."""
    sample = tmp_path / "sample"
    sample.write_bytes(line() + line(bytes_sent="many"))

    assert check(tmp_path, str(sample), "--format-file", str(FORMAT_FILE)) == 1
    text = capsys.readouterr().out
    shown, caret = text.splitlines()[-2:]
    assert "1 of 2 lines match" in text
    assert shown[caret.index("^") :].startswith("many")
    assert caret.endswith("expected $bytes_sent")


@pytest.mark.parametrize(
    ("wrong", "at", "expected"),
    [
        (b"GET  200 0.1", b" 200 0.1", "$status"),
        (b"GET 200 0.1 more", b" more", "the end of the line"),
        (b"GET 200", b"", "' '"),
    ],
)
def test_the_place_of_a_mismatch_is_exact(wrong: bytes, at: bytes, expected: str) -> None:
    """A double space, something more, something less."""
    compiled = cli.compile_format(
        cli.load(
            {}, {"NGINXLOG_FILE": "a", "NGINXLOG_FORMAT": "$request_method $status $msec"}
        ).log_format
    )
    _, caret = mismatch(compiled, wrong)

    assert f"byte {len(wrong) - len(at) + 1}: expected" in caret
    assert caret.endswith(f"expected {expected}")


def test_a_line_that_matches_has_no_mismatch() -> None:
    """Nothing to show."""
    assert mismatch(teal_format(), line()[:-1]) == []


def test_metrics_that_the_format_cannot_give_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the variable that is missing."""
    assert check(tmp_path, "--format", "$request_method $status") == 0
    assert "nginxlog_active_pool: the format lacks $upstream_addr" in capsys.readouterr().out


def test_a_sample_that_cannot_be_read_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 1."""
    assert check(tmp_path, "/no/such/sample", "--format-file", str(FORMAT_FILE)) == 1
    assert "/no/such/sample" in capsys.readouterr().err


def test_the_example_in_the_readme_is_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word by word, but for what is cut off with dots."""
    readme = (FORMAT_FILE.parents[2] / "exporter" / "README.md").read_text()
    formats = tmp_path / "log.conf"
    formats.write_text(readme.partition("```nginx\n")[2].partition("```")[0])
    expected = readme.partition("```\nsettings ")[2].partition("```")[0]
    wrong = (
        'method="GET" status=200 upstream_addr="10.0.0.1:80" upstream_status="200" request_time='
        ' upstream_response_time="0.001" upstream_connect_time="0.000" bytes_sent=1'
        ' request_length=1 msec=1.000 remote_addr="::1" uri="/" user_agent="x"\n'
    )
    sample = tmp_path / "sample"
    sample.write_text(wrong.replace("_time= ", "_time=0.001 ") * 999 + wrong)
    pools = ["--pools", "blue=10.0.0.1:80,green=*:8082"]
    name = ["--format-file", str(formats), "--format-name", "timed"]

    assert check(tmp_path, str(sample), *name, *pools) == 1
    printed = capsys.readouterr().out.splitlines()
    for said, shown in zip(printed, f"settings {expected}".splitlines(), strict=True):
        assert said.startswith(shown.removesuffix(" …"))
