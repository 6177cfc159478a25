"""`haversack serve`, the installed command, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.shell import haversack

COMMAND = Path(sys.executable).with_name("haversack")
BLOBS = Path(__file__).parents[2] / "src" / "haversack" / "samples" / "packs" / "blobs" / "1"
PHOTO = BLOBS / "samples" / "001.png"
_READY = "Haversack is ready at "
_START_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Server:
    """One that is ready.

    Each request reads the machine's certificates unless it is told `verify=False`: 33 ms of CPU
    instead of 1.6, and a plain address has none to verify.
    """

    url: str
    process: subprocess.Popen[str]
    state: Path
    stderr: Path

    @property
    def address(self) -> tuple[str, int]:
        """For a plain socket."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    @property
    def authority(self) -> str:
        """host:port, as Triton's client wants it."""
        return self.url.removeprefix("http://")

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, verify=False, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, timeout=60, verify=False, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return httpx.delete(self.url + path, timeout=60, verify=False, **options)

    def answers(self) -> bool:
        """Whether it still says that it is ready."""
        return self.process.poll() is None and self.get("/v2/health/ready").status_code == 200

    def said(self) -> str:
        """Its standard error so far."""
        return self.stderr.read_text()


def environment(home: Path) -> dict[str, str]:
    """Nothing of the machine's own settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


@contextlib.contextmanager
def serving(folder: Path, *words: str | Path) -> Iterator[Server]:
    """The server with these packs and options, until the block ends; it must end by itself."""
    home = Path(tempfile.mkdtemp(dir=folder))
    state, stderr = home / "state", home / "stderr"
    command = [COMMAND, "serve", "--port", "0", "--state", state, *words]
    with started(command, home) as (url, process):
        yield Server(url=url, process=process, state=state, stderr=stderr)


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], home: Path, **variables: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server's URL and process, in `home`, where its standard error is kept as `stderr`.

    Args:
        variables: of the environment, besides the usual ones.
    """
    stderr = home / "stderr"
    with stderr.open("w") as errors:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=home,
            env=environment(home) | variables,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    late = threading.Timer(_START_SECONDS, process.kill)
    late.start()
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith(_READY), f"it began with {line!r}, and said {stderr.read_text()}"
        late.cancel()
        yield line.removeprefix(_READY).strip(), process
    finally:
        late.cancel()
        process.terminate()
        try:
            process.wait(40)
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()


def refused(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """What a server that does not start leaves behind."""
    words = ("serve", "--port", "0", "--state", folder / "s", *words)
    ran = haversack(*words, cwd=folder)
    return subprocess.CompletedProcess(words, ran.status, ran.out, ran.err)


def imported(folder: Path, source: Path, name: str, *options: str | Path) -> Path:
    """A pack made by the command from an ONNX file."""
    ran = haversack("pack", "import", source, "--name", name, *options, "-o", folder, cwd=folder)
    assert ran.status == 0, ran.err
    return folder / name / "1"


def raw(server: Server, request: bytes, *, seconds: float = 20) -> bytes:
    """What the server sends back to these bytes, until it closes or all of one answer is here."""
    with socket.create_connection(server.address, timeout=seconds) as connection:
        connection.sendall(request)
        return whole_answer(connection)


def whole_answer(connection: socket.socket) -> bytes:
    """One answer, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return received
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


def request_bytes(
    server: Server, target: str, body: bytes, headers: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A POST, written out; Content-Length is the body's unless `headers` says otherwise."""
    lines = {"Host": server.authority, "Content-Length": str(len(body)), **dict(headers)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body
