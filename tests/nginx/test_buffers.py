"""What waits in nginx: answers in memory, large request bodies on disk, and a full disk."""

import hashlib
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests
from fix_stack import cannot_run
from front_clients import exchange

from teal.wait import wait_for

pytestmark = [pytest.mark.timeout(180)]

# More than every buffer on the way: nginx's, and those of the client's and the pool's sockets.
MEGABYTES = 48
UPLOADS = 8
UPLOAD = os.urandom(1 << 20) * 45


def _post(world, body):
    return requests.post(f"{world.settings.front}/", data=body, timeout=60)


def _free(world):
    disk = os.statvfs(world.layout.spool)
    return disk.f_bfree * disk.f_frsize


def _spooled(world):
    return sum(path.stat().st_size for path in world.layout.spool.rglob("*") if path.is_file())


def test_a_slow_reader_gets_the_whole_download(world):
    """It pauses for longer than READ_TIMEOUT and DRAIN_TIMEOUT last; nothing goes to a disk."""
    world.set(READ_TIMEOUT="1s", DRAIN_TIMEOUT="1s")
    world.reload()
    digest, got = hashlib.sha256(), 0
    with socket.create_connection(("127.0.0.1", world.port), timeout=20) as client:
        client.sendall(f"GET /big?mb={MEGABYTES} HTTP/1.0\r\n\r\n".encode())
        stream = client.makefile("rb")
        assert b" 200 " in stream.readline()
        while stream.readline() != b"\r\n":
            pass
        time.sleep(3)  # the slow reader
        while block := stream.read(1 << 20):
            digest.update(block)
            got += len(block)

    assert MEGABYTES << 20 == got
    assert hashlib.sha256(bytes(range(256)) * 4096 * MEGABYTES).digest() == digest.digest()
    assert "a response is buffered to a temporary file" not in world.said()


def test_large_uploads_come_together(world):
    """Eight at a time, of almost BODY_LIMIT each."""
    expected = f"{len(UPLOAD)} {hashlib.sha256(UPLOAD).hexdigest()}"
    with ThreadPoolExecutor(UPLOADS) as clients:
        answers = list(clients.map(lambda _: _post(world, UPLOAD), range(UPLOADS)))

    assert [(200, expected)] * UPLOADS == [(a.status_code, a.text) for a in answers]
    assert 0 == _spooled(world)


@pytest.fixture
def small_spool(world):
    """Return a world whose disk for request bodies holds only a little."""
    if os.getuid() != 0:
        cannot_run("only root can mount a file system")
    spool = world.layout.spool
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", spool], check=True)
    world.stop_parent()
    world.start_parent()
    yield world
    world.remove()
    subprocess.run(["umount", spool], check=True)


def test_a_full_disk_costs_large_uploads_only(small_spool):
    """Pages and small forms go on, and uploads do as well once there is room."""
    front = small_spool.settings.front
    statuses = [_post(small_spool, UPLOAD).status_code for _ in range(3)]
    # What nginx still holds of them would be free again later.
    wait_for(lambda: _free(small_spool) > 1.9 * (1 << 20), what="their room", seconds=20)
    with suppress(OSError):
        (small_spool.layout.spool / "full").write_bytes(b"x" * (4 << 20))
    statuses.append(_post(small_spool, b"x" * (1 << 20)).status_code)
    small = [_post(small_spool, b"x" * (100 << 10)).status_code for _ in range(20)]
    pages = [requests.get(f"{front}/", timeout=10).status_code for _ in range(20)]
    (small_spool.layout.spool / "full").unlink()

    assert [500] * 4 == statuses
    assert [200] * 20 == small == pages
    assert 200 == _post(small_spool, b"x" * (1 << 20)).status_code


def test_what_a_crash_left_in_the_spool_is_removed_at_the_next_start(world):
    """But not while an nginx may still use it."""
    left = world.layout.spool / "client_body" / "0000000001"
    left.write_bytes(b"x")
    world.parent.kill()
    world.parent.wait()
    world.start_parent()
    assert left.exists(), "the nginx of before goes on"
    world.stop_parent()
    world.start_parent()

    assert not left.exists()
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as client:
        assert "200" == exchange(client, "POST")
