"""What is written about the exporter is what its code says: docs/metrics.md and its README."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from fix_stack import cannot_run

from nginxlog_exporter.config import PREFIX, VARIABLES
from nginxlog_exporter.metrics import reference
from nginxlog_exporter.metrics.family import FEATURES, HISTOGRAM
from nginxlog_exporter.parse.log_format import compile_format
from nginxlog_exporter.parse.nginx_conf import log_formats
from teal.stack import servers

ROOT = Path(__file__).parents[2]
README = (ROOT / "exporter" / "README.md").read_text()
METRICS = [*reference.metrics(), *reference.process_metrics()]
# Any name that is a metric of ours, a histogram's series included.
SERIES = re.compile(r"\b(?:nginxlog|process)_\w+")
# Prometheus itself adds these.
LABELS_OF_ALL = {"instance", "job"}
EXAMPLES = {metric.name: metric.example for metric in METRICS}
FORMATS = {
    name: log_format
    for block in re.findall(r"```nginx\n(.*?)```", README, re.DOTALL)
    for name, log_format in log_formats(block).items()
}


def family_of(series: str) -> reference.Metric | None:
    """Return the family that a series of a query belongs to."""
    for metric in METRICS:
        is_histogram = metric.type == HISTOGRAM
        suffixes = reference.HISTOGRAM_SERIES if is_histogram else ("",)
        if series in [metric.name + suffix for suffix in suffixes]:
            return metric
    return None


def test_the_page_is_what_the_code_says() -> None:
    """`make docs` was run after the last change."""
    assert reference.page() == (ROOT / "docs" / "metrics.md").read_text()


def test_no_name_comes_twice() -> None:
    """Neither of a family nor of a label: each is said once."""
    names = [metric.name for metric in METRICS]
    labels = {label for metric in METRICS for label in metric.labels}

    assert sorted(names) == sorted(set(names))
    assert len(labels) == len({label.name for label in labels})


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_uses_what_exists(name: str) -> None:
    """Its own metric, no metric that there is not, and only labels that these have."""
    query = EXAMPLES[name].query
    families = {series: family_of(series) for series in SERIES.findall(query)}
    assert [series for series, family in families.items() if family is None] == []
    assert name in {family.name for family in families.values()}

    known = {label.name for family in families.values() for label in family.labels}
    known |= LABELS_OF_ALL | ({"le"} if "_bucket" in query else set())
    lists = re.findall(r"\b(?:by|on|group_left) \(([\w, ]+)\)", query)
    used = {label for text in lists for label in text.split(", ")}
    used |= set(re.findall(r"(\w+)=~?\"", query))
    assert used <= known


def test_every_example_is_promql(tmp_path: Path) -> None:
    """As promtool reads it: each is the expression of a rule."""
    promtool = servers.find("promtool")
    if promtool is None:
        cannot_run("promtool is missing: make check fetches it")
    rules = [{"record": f"example:{name}", "expr": e.query} for name, e in EXAMPLES.items()]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "examples", "rules": rules}]}))
    checked = subprocess.run(
        [promtool, "check", "rules", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, True) == (checked.returncode, f"{len(rules)} rules found" in checked.stdout), (
        checked.stdout
    )


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_readme_explains_every_setting(variable) -> None:
    """In its table, with the default that the code has."""
    default = f"`{variable.default}`" if variable.default else ""

    assert re.search(
        rf"^\| `{variable.name}` \| {re.escape(default)} ?\| \S", README, re.MULTILINE
    ), variable


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    """A setting that is gone is not advised any more."""
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", README))

    assert named - {variable.name for variable in VARIABLES} == set()


def test_the_readme_names_no_metric_that_does_not_exist() -> None:
    """Nor one that was renamed."""
    named = set(re.findall(r"\bnginxlog_(?!exporter\b(?!_))\w+", README))
    families = {metric.name for metric in METRICS}

    assert [name for name in named - families if family_of(name) is None] == []


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"minimal"}))
def test_a_format_of_the_readme_gives_every_metric(name: str) -> None:
    """But those of variables that only Teal's nginx has."""
    known = {
        *compile_format(FORMATS[name]).fields,
        *FEATURES,
        "desired",
        "upstream_http_x_release_id",
    }

    assert [m.name for m in reference.metrics() if not known.issuperset(m.needs)] == []


def test_the_least_format_of_the_readme_gives_durations() -> None:
    """It is enough for rate, errors and duration."""
    assert {"request_time", "msec"} <= compile_format(FORMATS["minimal"]).fields
