"""A web server on this machine that misbehaves as it is told."""

import contextlib
import http.server
import threading


class Server(http.server.ThreadingHTTPServer):
    """Gives `files`, path -> bytes; notes (path, Range) of every request.

    `cut` ends every answer after so many bytes; without `ranges` the whole file is
    given, with a `shift` another range than asked for; `length` says how long it is.
    """

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = dict(files)
        self.requests: list[tuple[str, str | None]] = []
        self.cut: int | None = None
        self.ranges, self.shift, self.length = True, 0, True
        self.kind = "application/octet-stream"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        wanted = self.headers["Range"]
        server.requests.append((self.path, wanted))
        content = server.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start = int(wanted[6:-1]) if wanted and server.ranges else 0
        if start and start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        if server.length:
            self.send_header("Content-Length", str(len(content) - start))
        if start:
            start += server.shift
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[start : server.cut])

    def log_message(self, *args):
        """Says nothing."""


@contextlib.contextmanager
def serving(files: dict[str, bytes]):
    """The server, until the block ends."""
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
