"""A fake pool: a small HTTP/1.1 server with the habits that trouble a front door.

usage: backend.py PORT NAME [IDLE_SECONDS]

GET  /              200 and its name
GET  /big?mb=N      N MB, as fast as they are taken
GET  /drip?seconds=N  4 kB every tenth of a second
POST anything       200 and how many bytes came, with their SHA-256

With IDLE_SECONDS it closes an idle connection after that long, without a word, as applications do.
"""

import asyncio
import contextlib
import hashlib
import sys
from urllib.parse import parse_qs, urlsplit

MEGABYTE = bytes(range(256)) * 4096
# More than nginx holds back until it has a packet full.
DROP = b"dripping" * 512
FOR_EVER = 3600.0


async def serve(reader, writer, name, idle):
    """Answer the requests of one connection."""
    try:
        while True:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), idle)
            line, *fields = head.decode("latin-1").rstrip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
            digest, length = hashlib.sha256(), int(headers.get("content-length", 0))
            left = length
            while left:
                block = await reader.read(min(left, 1 << 20))
                if not block:
                    return
                digest.update(block)
                left -= len(block)
            await _answer(writer, line, name, f"{length} {digest.hexdigest()}")
            if headers.get("connection") == "close":
                return
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _answer(writer, line, name, got):
    method, target, _ = line.split(" ")
    url = urlsplit(target)
    asked = {key: values[0] for key, values in parse_qs(url.query).items()}
    head = f"HTTP/1.1 200 OK\r\nX-App-Pool: {name}\r\n"
    if url.path == "/big":
        megabytes = int(asked["mb"])
        writer.write(f"{head}Content-Length: {megabytes << 20}\r\n\r\n".encode())
        for _ in range(megabytes):
            writer.write(MEGABYTE)
            await writer.drain()
    elif url.path == "/drip":
        count = int(float(asked["seconds"]) * 10)
        writer.write(f"{head}Content-Length: {count * len(DROP)}\r\n\r\n".encode())
        for _ in range(count):
            writer.write(DROP)
            await writer.drain()
            await asyncio.sleep(0.1)
    else:
        body = got if method == "POST" else name
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()


async def _main(port, name, idle):
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, name, idle), "127.0.0.1", port, backlog=1024
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _main(
                int(sys.argv[1]), sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else FOR_EVER
            )
        )
