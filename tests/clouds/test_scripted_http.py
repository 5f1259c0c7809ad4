"""The HTTP server of the scripted services closes its connections."""

import asyncio
import gc
import socket
from contextlib import suppress

from tests.scripted.http import LOOPBACK, Answer, HttpServer


def test_a_connection_that_is_being_accepted_is_closed_with_the_others():
    late = socket.socket()

    def hang_up(_operation, _body):
        # Both in the loop's thread, in one of its turns: it accepts in the turn in which it hangs up.
        late.connect((LOOPBACK, server.port))
        hung_up.append(asyncio.run_coroutine_threadsafe(server._hang_up(), asyncio.get_running_loop()))
        return Answer()

    server, hung_up = HttpServer(hang_up), []
    server.start()
    with late, socket.create_connection((LOOPBACK, server.port)) as early:
        early.settimeout(60)
        early.sendall(b"POST / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            while early.recv(1000):
                pass
        hung_up[0].result(60)
        server.close()
    gc.collect()  # asyncio says of what was left open only then, and pytest fails the test for it
