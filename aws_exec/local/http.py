"""The HTTP side: waitress on loopback, behind a guard against web pages; and free ports.

werkzeug's own development server closes every connection after one answer and spends 10 ms on it. Clients of AWS reuse
connections, and so do the tests that time them.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from aws_exec.local.errors import PortInUseError

LOOPBACK = "127.0.0.1"

#: A stalled call (`Stalls`) keeps its thread until it is let go; more calls than that wait for a thread.
_THREADS = 64
#: More than clients keep open here, and few enough for the usual limit of 1,024 files; waitress stops accepting at 100.
_CONNECTIONS = 500

Wsgi: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Request(HTTPRequestParser):  # type: ignore[misc] # waitress has no types
    """A request. Without a body it expects no `100 Continue`: waitress would wait for the body, and the client, too."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if not (self.content_length or self.chunked):
            self.expect_continue = False


class _Channel(HTTPChannel):  # type: ignore[misc] # likewise
    parser_class = _Request


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
        #: By file descriptor: everything that waitress reads from or writes to.
        self._sockets: dict[int, Any] = {}
        self._closing = False
        self._server = create_server(
            _for_programs(app),
            map=self._sockets,
            sockets=[_listening(port)],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            server_name=LOOPBACK,
            ident=None,
            log_socket_errors=False,  # a client that was killed is no news
        )
        self._server.channel_class = _Channel
        self._thread = threading.Thread(target=self._serve, name="awsexec-local-http", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.effective_port)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Finish the requests under way, answer no more and hang up; returns when every thread has ended."""
        if self._thread.is_alive():
            self._closing = True
            self._server.pull_trigger()
            self._thread.join()
        # Before the sockets: a thread that ends its request writes to one, and wakes the server by another.
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)

    def _serve(self) -> None:
        while not self._closing:
            wasyncore.loop(use_poll=True, map=self._sockets, count=1)


def free_port(port: int) -> int:
    """The port if it can be had, or any free one for 0.

    For a server that cannot be handed a socket: until it listens, somebody else may still be faster.

    Raises:
        PortInUseError: it cannot be had.
    """
    with _listening(port) as probe:
        return int(probe.getsockname()[1])


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise PortInUseError(
            f"cannot listen on port {port}: {why}", "use another --port, or 0 for any free one"
        ) from error


def _for_programs(app: Wsgi) -> Wsgi:
    """The application, for no web page: RunTask runs commands, and a browser reaches loopback too.

    A page of another site sends `Origin`; one that had its name rebound to 127.0.0.1 still sends its name as `Host`.
    """

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", LOOPBACK).partition(":")[0]
        if "HTTP_ORIGIN" in environ or host not in {LOOPBACK, "localhost"}:
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"Only programs on this machine are answered.\n"]
        environ["RAW_URI"] = environ["REQUEST_URI"]  # moto reads it by the name that werkzeug gives it
        return app(environ, start_response)

    return guarded
