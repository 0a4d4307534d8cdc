"""Docker's own words about known troubles become one line that says what to do."""

import pytest

from teal.docker.troubles import in_one_line

PORTS = {8080: "HTTP_PORT", 8081: "BLUE_PORT"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            (
                " Container teal-nginx-1  Starting\nError response from daemon: driver failed "
                "programming external connectivity on endpoint teal-nginx-1 (ab12): Error starting "
                "userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use"
            ),
            "port 8080 is taken by another program; set HTTP_PORT in .env to a free one",
        ),
        (
            (
                "Error response from daemon: driver failed programming external connectivity:"
                " Bind for 127.0.0.1:8081 failed: port is already allocated"
            ),
            "port 8081 is taken by another program; set BLUE_PORT in .env to a free one",
        ),
        (
            (
                "failed to create network teal_default: Error response from daemon: Pool "
                "overlaps with other one on this address space"
            ),
            "set DOCKER_SUBNET in .env to a free one",
        ),
        (
            (
                "Error response from daemon: pull access denied for shop, repository does not "
                "exist or may require 'docker login': denied: requested access to the resource is "
                "denied"
            ),
            "the image shop is neither on this machine nor in its registry",
        ),
        (
            (
                "Error response from daemon: manifest for grafana/grafana:13 not found: manifest "
                "unknown: manifest unknown"
            ),
            "the image grafana/grafana:13 is neither on this machine nor in its registry",
        ),
        (
            (
                'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: '
                "lookup registry-1.docker.io on 127.0.0.1:53: read udp: i/o timeout"
            ),
            "the registry registry-1.docker.io does not answer",
        ),
        (
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            "the disk is full; make room",
        ),
        (
            (
                "Got permission denied while trying to connect to the Docker daemon socket at "
                "unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission "
                "denied"
            ),
            "this user may not use Docker; add it to the group docker",
        ),
        (
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker "
                "daemon running?"
            ),
            "the Docker engine does not answer; start it",
        ),
        ("unknown flag: --env-file", "this Docker Compose is too old"),
        (
            "dependency failed to start: container teal-exporter-1 is unhealthy",
            "exporter does not get well; what it says itself: make logs PART=exporter",
        ),
    ],
)
def test_a_known_trouble_is_one_line(said, words):
    """Without progress, prefixes and ids."""
    line = in_one_line(said, PORTS)

    assert words in line
    assert "\n" not in line
    assert "Error response" not in line


def test_an_unknown_trouble_is_its_last_line():
    """What Compose reports of its progress is no reason."""
    said = " Container teal-blue-1  Recreate\nError response from daemon: it is Thursday\n\n"

    assert "docker: it is Thursday" == in_one_line(said, PORTS)
