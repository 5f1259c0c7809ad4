"""The wire of the scripted services: HTTP/1.1 with keep-alive on loopback, one thread, no framework.

Hundreds of answers a second must leave the CPU to what is tested beside it, and an answer that is late must cost
nothing while it waits.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"

#: Seconds that starting and closing may take; both are instant unless the machine is.
_PATIENCE = 10.0

#: SO_LINGER with a time of 0: closing sends RST instead of FIN.
_ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        body: of it.
        status: of it; 0: nothing is, the connection is reset.
        delay: seconds until then.
        cut: half of the body is sent, then the connection is closed.
        error: the error code for the header of REST-JSON; empty: there is no such header.
    """

    body: bytes = b""
    status: int = 200
    delay: float = 0.0
    cut: bool = False
    error: str = ""


#: Answers one call: its `X-Amz-Target` (`RunTask`), or its path (`/v1/submitjob`) without one, and its body.
Handler = Callable[[str, bytes], Answer]

#: Does something so many seconds from now, on any thread.
Later = Callable[[float, Callable[[], None]], None]


class _Connection(asyncio.Protocol):
    def __init__(self, handler: Handler, connections: set[_Connection], later: Later | None) -> None:
        self._handler = handler
        self._later = later
        self._connections = connections
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        headers = dict(line.partition(b":")[::2] for line in head.lower().split(b"\r\n")[1:])
        length = int(headers.get(b"content-length", b"0"))
        if len(rest) < length:
            return
        self._received = rest[length:]
        spelled = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-target:")), b"")
        path = head.split(b" ", 2)[1]
        answer = self._handler((spelled.rpartition(b".")[2] or path).decode().strip(), rest[:length])
        loop = asyncio.get_running_loop()
        if self._later is None or not answer.delay:
            loop.call_later(answer.delay, self._send, answer)
        else:
            self._later(answer.delay, lambda: _soon(loop, self._send, answer))

    def _send(self, answer: Answer) -> None:
        if self._transport is None:
            return
        if not answer.status:
            self.abort()
            return
        body = answer.body[: len(answer.body) // 2] if answer.cut else answer.body
        code = b"x-amzn-ErrorType: %s\r\n" % answer.error.encode() if answer.error else b""
        self._transport.write(
            b"HTTP/1.1 %d Scripted\r\nContent-Type: application/x-amz-json-1.1\r\n%s"
            b"x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\nContent-Length: %d\r\n\r\n%s"
            % (answer.status, code, len(answer.body), body),
        )
        if answer.cut:
            self._transport.close()

    def abort(self) -> None:
        """Reset the connection."""
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()


def _soon(loop: asyncio.AbstractEventLoop, send: Callable[[Answer], None], answer: Answer) -> None:
    """Send from any thread; nothing once the server has closed."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(send, answer)


class HttpServer:
    """Listens on loopback, in a thread, from `start()` to `close()`; `down()` and `up()` in between.

    Args:
        handler: answers the calls.
        later: what answers with a delay wait by; None: the time of day.
    """

    def __init__(self, handler: Handler, later: Later | None = None) -> None:
        self._handler = handler
        self._later = later
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="awsexec-scripted", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self.port = 0

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self.up()

    def up(self) -> None:
        """Listen, on the port that was listened on before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_PATIENCE)

    def down(self) -> None:
        """Reset every connection and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(_PATIENCE)

    def close(self) -> None:
        """Answer no more; returns when the thread has ended."""
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: _Connection(self._handler, self._connections, self._later),
            LOOPBACK,
            self.port,
            backlog=512,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        server, self._server = self._server, None
        for listening in server.sockets if server is not None else ():
            self._loop.remove_reader(listening.fileno())
        await asyncio.sleep(0)
        # A connection that was just accepted is a task first, then one of ours, then closed; one whose task finds the
        # server closed is left open by asyncio for ever.
        while self._connections or asyncio.all_tasks() - {asyncio.current_task()}:
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)
        if server is not None:
            server.close()
