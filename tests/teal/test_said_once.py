"""What is said in one place is used everywhere: names, links, ports and files agree."""

import re
from pathlib import Path

import pytest
import yaml

from teal.docker import ALERTMANAGER_VERSION
from teal.parts import parts
from teal.settings import load

ROOT = Path(__file__).resolve().parents[2]
RULES = [
    rule
    for path in (ROOT / "prometheus" / "rules").glob("*.yml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in RULES if "alert" in rule]
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_all_that_a_message_needs(alert):
    """Severity, category, texts and links; the runbook has a section of the alert's own name."""
    assert alert["labels"]["severity"] in ("critical", "warning", "info", "none")
    assert alert["labels"]["category"]
    texts = alert["annotations"]
    assert {"summary", "description", "runbook_url", "dashboard_url", "silence_url"} == set(texts)
    assert texts["runbook_url"].endswith("#" + alert["alert"].lower())
    assert f"\n## {alert['alert']}\n" in (ROOT / "docs" / "runbook.md").read_text()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_promtool_test(alert):
    """That it fires, and that it does not."""
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "rules").glob("*.yml"))

    assert alert["alert"] in tests


@pytest.mark.parametrize("alert", ALERTS)
def test_limits_are_series_not_numbers(alert):
    """No alert compares with a number of its own, but for 0 and 1, which are no limits."""
    numbers = re.findall(r"[<>=]=?\s*(\d[\d.]*)", alert["expr"])

    assert set(numbers) <= {"0", "1"}, alert["expr"]


def test_every_limit_that_is_used_exists():
    """And LimitMissing guards each of them."""
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    used = set(re.findall(r"limit:\w+", " ".join(rule["expr"] for rule in RULES)))
    guard = next(rule["expr"] for rule in RULES if rule.get("alert") == "LimitMissing")

    assert used == {name for name in recorded if name.startswith("limit:")}
    assert used == set(re.findall(r"absent\((limit:\w+)\)", guard))


def test_recorded_series_stand_in_the_group_that_uses_them():
    """A series from another group can be missing for one evaluation; limits never change."""
    for path in (ROOT / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            before = set()
            for rule in group["rules"]:
                used = set(re.findall(r"\b[a-z_]+:nginxlog\w+:\w+", rule["expr"]))
                assert used <= before, rule
                before.add(rule.get("record"))


def test_compose_services_are_the_parts():
    """One name for a part everywhere: Compose, processes, Prometheus jobs."""
    assert set(COMPOSE["services"]) == {part.name for part in parts(load({}))}
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} - {"pools", "front"} <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_container_is_locked_down(name):
    """No root, no capability, nothing to write, nothing but the front door beyond this machine."""
    service = COMPOSE["services"][name]

    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert service["read_only"] in (True, "${POOL_READ_ONLY}")
    assert service["mem_limit"]
    assert "unless-stopped" == service["restart"]
    for port in service["ports"]:
        assert port.startswith(("127.0.0.1:", "${HTTP_ADDR}:${HTTP_PORT}"))
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert not (ROOT / source).is_file(), "a mounted file is an inode"


def test_the_images_are_pinned():
    """A release of Teal runs the same programs tomorrow."""
    for name, service in COMPOSE["services"].items():
        image = service["image"]
        if not image.startswith(("teal-", "${")):
            assert re.search(r":v?\d+\.\d+\.\d+$", image), name


def test_the_alertmanager_of_the_containers_is_named_once():
    """Which kind of dead man's switch it gets depends on its version."""
    version = ".".join(map(str, ALERTMANAGER_VERSION))

    assert f"prom/alertmanager:v{version}" == COMPOSE["services"]["alertmanager"]["image"]


def test_no_file_names_a_registry_or_a_private_path():
    """What is written here works for everyone."""
    hosts = "|".join(("deb" + "ian.org", "py" + "pi.org", "python" + "hosted", "npm" + "js.org"))
    for path in ROOT.rglob("*"):
        if path.is_file() and not {".git", ".teal", "__pycache__"} & set(path.parts):
            if path.suffix in (".pyc", ".png"):
                continue
            text = path.read_text(errors="replace")
            assert not re.search(rf"https?://[^ )\"]*({hosts})", text), path
