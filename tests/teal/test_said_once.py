"""What is said in one place is used everywhere: names, links, ports and files agree."""

import re
from pathlib import Path

import pytest
import yaml

from teal.docker.nginx_container import VERSION as NGINX_VERSION
from teal.docker.runtime import ALERTMANAGER_VERSION
from teal.processes.programs import start_delay
from teal.settings import load
from teal.stack.components import parts

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())


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
    assert service["memswap_limit"] == service["mem_limit"], "swap would be memory beyond the limit"
    assert service["pids_limit"]
    assert "always" == service["restart"]
    for port in service.get("ports", []):
        assert port.startswith(("127.0.0.1:", "${TEAL_HTTP_PUBLISHED}:${HTTP_PORT}"))
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert not (ROOT / source).is_file(), "a mounted file is an inode"


def test_nginx_may_open_the_files_it_wants():
    """As many as its configuration says, whatever the engine's default is, and no more."""
    configuration = (ROOT / "nginx" / "templates" / "nginx.conf.template").read_text()
    wanted = re.search(r"^worker_rlimit_nofile (\d+);", configuration, re.MULTILINE)[1]

    assert int(wanted) == COMPOSE["services"]["nginx"]["ulimits"]["nofile"]


def test_the_images_are_pinned():
    """A release of Teal runs the same programs tomorrow."""
    for name, service in COMPOSE["services"].items():
        image = service["image"]
        if not image.startswith(("teal-", "${")):
            assert re.search(r":v?\d+\.\d+\.\d+$", image), name


def test_versions_of_the_containers_are_named_once():
    """What Alertmanager's and nginx's configurations may say depends on them."""
    alertmanager = ".".join(map(str, ALERTMANAGER_VERSION))
    nginx = ".".join(map(str, NGINX_VERSION))

    assert f"prom/alertmanager:v{alertmanager}" == COMPOSE["services"]["alertmanager"]["image"]
    assert f"nginx:{nginx}" == COMPOSE["services"]["nginx"]["image"]


def test_the_delay_after_alertmanagers_start_is_that_of_the_processes():
    """Drills and the test message wait for it."""
    (flag,) = start_delay(ALERTMANAGER_VERSION)

    assert flag in COMPOSE["services"]["alertmanager"]["command"]


def test_no_setting_of_nginx_recreates_its_container():
    """A change of .env changes a file that a reload reads; only ports are the container's."""
    named = set(re.findall(r"\$\{(\w+)", str(COMPOSE["services"]["nginx"])))

    of_the_engine = {"TEAL_USER", "TEAL_USERNS", "TEAL_DATA"}
    addresses = {name for name in named if re.fullmatch("TEAL_[A-Z]+_IP_NGINX", name)}
    assert named <= {"TEAL_HTTP_PUBLISHED", "HTTP_PORT"} | of_the_engine | addresses


def test_no_file_names_a_registry_or_a_private_path():
    """What is written here works for everyone."""
    hosts = "|".join(("deb" + "ian.org", "py" + "pi.org", "python" + "hosted", "npm" + "js.org"))
    for path in ROOT.rglob("*"):
        if path.is_file() and not {".git", ".teal", "__pycache__"} & set(path.parts):
            if path.suffix in (".pyc", ".png"):
                continue
            text = path.read_text(errors="replace")
            assert not re.search(rf"https?://[^ )\"]*({hosts})", text), path
