"""A server between a client of ours and a stand-in: it passes requests on and keeps a copy of each."""

import http.client
import json
import re
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Of one connection, not of one request.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: tuple
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class Recorder:
    """Stands before `origin`. Answers to requests with `lost` in them are never given: the client cannot know what became of them."""

    origin: str
    lost: bytes
    # Parameters that the server does not know, by the method and the end of the path: they get another name, or None and are left out, and
    # are counted.
    unknown: dict = field(default_factory=dict)
    changed: Counter = field(default_factory=Counter)
    # What an answer's JSON lacks.
    complete: Callable | None = None
    requests: list = field(default_factory=list)

    def __post_init__(self):
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any_method(self):
                recorder.exchange(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = any_method

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def exchange(self, handler: BaseHTTPRequestHandler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = Request(handler.command, handler.path, tuple(handler.headers.items()), body)
        # The stand-in's own controls are no requests of a client.
        if not handler.path.startswith("/sandbox"):
            self.requests.append(request)
        status, headers, answer = forward(self.origin, self.without_unknown(request))
        if request.method == "POST" and self.lost in urllib.parse.unquote_to_bytes(body):
            handler.close_connection = True
            return
        if self.complete:
            answer = json.dumps(self.complete(json.loads(answer))).encode()
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)


    def without_unknown(self, request: Request) -> Request:
        path, _, query = request.target.partition("?")
        names = next((names for (method, end), names in self.unknown.items() if method == request.method and path.endswith(end)), {})

        def known(encoded: str) -> str:
            pairs = []
            for name, value in urllib.parse.parse_qsl(encoded, keep_blank_values=True):
                known_as = next((names[key] for key in (name, name.partition("[")[0]) if key in names), name)
                if known_as != name:
                    self.changed[f"{request.method} {end_of(path)}: {name}" + (f" as {known_as}" if known_as else "")] += 1
                pairs += [(known_as, value)] if known_as else []
            return urllib.parse.urlencode(pairs)

        if not names:
            return request
        target = f"{path}?{known(query)}" if query else path
        return replace(request, target=target, body=known(request.body.decode()).encode())


def end_of(path: str) -> str:
    """A path without the ids in it."""
    return re.sub(r"/[a-z]+_\w{8,}", "/{id}", path)


def forward(origin: str, request: Request, more: dict | None = None) -> tuple:
    """What this server answers: status, headers, body."""
    host = urllib.parse.urlsplit(origin).netloc
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        headers = {name: value for name, value in request.headers if name.lower() not in HOP}
        connection.request(request.method, request.target, request.body or None, {**headers, **(more or {})})
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()
