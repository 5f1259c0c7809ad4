"""The HTTP side: a small WSGI server on loopback that keeps connections open, and a guard against web pages.

werkzeug's own development server closes every connection after one answer and spends 10 ms on it; clients of AWS reuse
connections, and so do the tests that time them.
"""

from __future__ import annotations

import io
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from aws_exec.local.errors import PortInUseError

_LOG = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"

Wsgi: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer of two packets would wait 40 ms for the client's acknowledgement
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, answer = self._answer(body)
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection", "server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_POST  # noqa: N815 - http.server's names

    def handle_expect_100(self) -> bool:
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        _LOG.debug(format, *args)

    def _answer(self, body: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
        told: list[tuple[str, list[tuple[str, str]]]] = []
        if self.headers.get("Transfer-Encoding") or not _from_a_program(self.headers):
            self.close_connection = True
            return "403 Forbidden", [("Content-Type", "text/plain")], b"Only programs on this machine are answered.\n"
        try:
            answer = b"".join(
                self.server.app(self._environ(body), lambda status, headers, *_: told.append((status, headers))),
            )
        except Exception:  # noqa: BLE001 - see below
            # What moto cannot do must not end the server: the client gets the 500 that AWS would answer.
            _LOG.exception("%s %s failed", self.command, self.path)
            return "500 Internal Server Error", [("Content-Type", "text/plain")], b"The embedded AWS failed.\n"
        status, headers = told[-1]
        return status, headers, answer

    def _environ(self, body: bytes) -> dict[str, Any]:
        url = urlsplit(self.path)
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(url.path, "latin-1"),
            "QUERY_STRING": url.query,
            "RAW_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                environ[f"HTTP_{key}"] = value
        return environ


def _from_a_program(headers: Any) -> bool:
    """Whether a request is no web page's doing: RunTask runs commands, and a browser reaches loopback too.

    A page of another site sends `Origin`; one that had its name rebound to 127.0.0.1 still sends its name as `Host`.
    """
    host = str(headers.get("Host", LOOPBACK)).rpartition(":")[0] or str(headers.get("Host"))
    return "Origin" not in headers and host in {LOOPBACK, "localhost"}


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128
    #: Two servers on one port would each get some of the requests.
    allow_reuse_port = False

    def __init__(self, port: int, app: Wsgi) -> None:
        self.app = app
        self.connections: dict[socket.socket, threading.Thread] = {}
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's also asks the DNS for the machine's name

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections[request] = threading.current_thread()
        try:
            super().finish_request(request, client_address)
        except (ConnectionError, TimeoutError):
            _LOG.debug("%s hung up", client_address)
        finally:
            self.connections.pop(request, None)


class HttpServer:
    """Serves a WSGI application on loopback, in threads, until closed."""

    def __init__(self, port: int, app: Wsgi) -> None:
        """Listen, without answering yet.

        Args:
            port: 0 for any free one.
            app: what answers.

        Raises:
            PortInUseError: something else listens there, or the port may not be used.
        """
        try:
            self._server = _Server(port, app)
        except OSError as error:
            why = error.strerror or error
            raise PortInUseError(f"port {port} cannot be used ({why}); name another, or 0 for any free one") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="awsexec-local-http",
            daemon=True,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more and hang up; returns when every thread has ended."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        for connection, thread in list(self._server.connections.items()):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                _LOG.debug("the client hung up first")
            thread.join()


def free_port(port: int) -> int:
    """The port if it can be had, or any free one for 0.

    For a server that cannot be handed a socket: until it listens, somebody else may still be faster.

    Raises:
        PortInUseError: it cannot be had.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            why = error.strerror or error
            raise PortInUseError(f"port {port} cannot be used ({why}); name another, or 0 for any free one") from error
        return int(probe.getsockname()[1])
