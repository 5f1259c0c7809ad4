"""A scripted Amazon S3 over HTTP on loopback: objects in memory, path-style addresses, and tricks.

An error's body is XML, made of the `__type` and `message` of a trick. Whoever may not list is answered as AWS does: a
key that does not exist is denied.
"""

from __future__ import annotations

import base64
import threading
import time
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from tests.scripted.tricks import OK, Mischief, Mishap, Trick, error

#: By HTTP method. GET without a key, and everything else, is refused.
_OPERATIONS = {"PUT": "PutObject", "GET": "GetObject", "DELETE": "DeleteObject", "HEAD": "HeadBucket"}

_MISSING = "The specified key does not exist."
_UNLISTED = (
    "User: arn:aws:sts::123456789012:assumed-role/task/0 is not authorized to perform: s3:ListBucket on resource: "
    '"arn:aws:s3:::{bucket}" because no identity-based policy allows the s3:ListBucket action'
)


class ScriptedS3:
    """An S3 with one bucket; a context manager. Thread-safe.

    Args:
        bucket: its name.
        seed: of what goes wrong by chance.

    Attributes:
        objects: the content, by key.
        may_list: whether the callers may list: then a key that does not exist is NoSuchKey.
        calls: how often each operation was called, whatever became of it.
        keys: the keys that were ever written, in order.
    """

    #: The environment variable in which boto3 looks for its URL.
    VARIABLE = "AWS_ENDPOINT_URL_S3"

    def __init__(self, bucket: str = "workloads", seed: int = 0) -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.may_list = False
        self.calls: Counter[str] = Counter()
        self.keys: list[str] = []
        self._mischief = Mischief(seed)
        self._lock = threading.Lock()
        s3 = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, data, cut = s3._answer(self.command, unquote(self.path.partition("?")[0]), body)
                if not status:
                    self.close_connection = True
                    return
                self.send_response(status)
                if self.command == "GET" and status == OK:
                    # The SDK compares it with what it read.
                    checksum = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
                    self.send_header("x-amz-checksum-crc32", checksum)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if cut else data)
                self.close_connection = self.close_connection or cut

            do_PUT = do_GET = do_DELETE = do_HEAD = answer  # noqa: N815 - http.server calls them

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Of the service."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def goes_wrong(self, trick: Trick, operation: str = "", *, share: float = 1.0, times: int | None = None) -> None:
        """Play a trick on this operation (empty: on all), for this share of its calls, so often at most."""
        with self._lock:
            self._mischief.add(Mishap(trick, operation, share, times))

    def goes_right(self) -> None:
        """No more tricks."""
        with self._lock:
            self._mischief.clear()

    def played(self) -> Counter[str]:
        """How many tricks were played, by operation."""
        with self._lock:
            return Counter(self._mischief.played)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes, bool]:
        """Status (0: the connection is closed), body, and whether it ends in the middle."""
        bucket, _, key = path[1:].partition("/")
        operation = _OPERATIONS[method]
        with self._lock:
            self.calls[operation] += 1
            trick = self._mischief.trick_for(operation, {}, time.monotonic())
            answer = (
                (OK, b"") if trick is not None and not trick.is_honest else self._honestly(method, bucket, key, body)
            )
        if trick is None:
            return (*answer, False)
        if trick.body is not None:
            return trick.status, _xml(trick.body), False
        return (answer[0] if trick.status else 0), answer[1], trick.cut

    def _honestly(self, method: str, bucket: str, key: str, body: bytes) -> tuple[int, bytes]:
        if bucket != self.bucket:
            return _refused(error("NoSuchBucket", "The specified bucket does not exist", status=404))
        if method == "HEAD":
            return (200 if self.may_list else 403), b""
        if method == "PUT":
            self.objects[key] = body
            self.keys.append(key)
        elif method == "DELETE":
            self.objects.pop(key, None)
            return 204, b""
        elif key not in self.objects:
            missing = error("NoSuchKey", _MISSING, status=404)
            unlisted = error("AccessDenied", _UNLISTED.format(bucket=bucket), status=403)
            return _refused(missing if self.may_list else unlisted)
        else:
            return 200, self.objects[key]
        return 200, b""


def _refused(trick: Trick) -> tuple[int, bytes]:
    return trick.status, _xml(trick.body or {})


def _xml(answer: Any) -> bytes:
    code, message = answer.get("__type", ""), answer.get("message", "")
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
