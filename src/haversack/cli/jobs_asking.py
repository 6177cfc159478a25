"""What `haversack jobs` asks, in the words of HTTP, whoever answers it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import quote, urlencode

from haversack.errors import HaversackError, Kind
from haversack.jobs.job import job_not_found
from haversack.jobs.photo_names import check_photo_name

Described = dict[str, Any]
"""A job as `GET /jobs/{id}` gives it."""

_PIECE_BYTES = 1 << 20
_OCTETS = "application/octet-stream"


class SentFile:
    """A file's bytes, between others, as they were when it was opened: read as they are sent.

    Raises HaversackError `file-unreadable`, here and when it is read.
    """

    def __init__(self, path: Path, head: bytes = b"", tail: bytes = b"") -> None:
        self._path, self._head, self._tail = path, head, tail
        try:
            with path.open("rb") as file:
                self._file_bytes = os.fstat(file.fileno()).st_size
        except OSError as fault:
            raise _unreadable(path, fault.strerror) from fault
        self.size_bytes = len(head) + self._file_bytes + len(tail)

    def __iter__(self) -> Iterator[bytes]:
        left = self._file_bytes
        yield self._head
        try:
            with self._path.open("rb") as file:
                while left and (piece := file.read(min(left, _PIECE_BYTES))):
                    left -= len(piece)
                    yield piece
        except OSError as fault:
            raise _unreadable(self._path, fault.strerror) from fault
        if left:
            raise _unreadable(self._path, "it became shorter while it was sent")
        yield self._tail


@dataclass(frozen=True, kw_only=True)
class AskedRequest:
    """One request.

    Attributes:
        path: with its query, quoted.
        body: None for none; an empty one is sent where the method needs one.
    """

    method: str
    path: str
    body: SentFile | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Answerer(Protocol):
    """A server, or its routes in this process.

    Promises: a body is read once and never held as a whole, and neither is an answer.
    """

    def answer(self, asked: AskedRequest) -> AbstractContextManager[IO[bytes]]:
        """The body of the answer for the length of a block. Raises HaversackError."""
        ...

    def close(self) -> None:
        """Nothing more is asked."""
        ...


class JobsDoor:
    """What commands about jobs ask for. Every method may raise HaversackError."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def submit(self, pack: str, photo: Path, wishes: Mapping[str, object]) -> Described:
        """Put one job for the pack, a name or name@version; `wishes` of None are left out.

        The photo's name goes along as a form's would.
        """
        boundary = f"haversack-{secrets.token_hex(16)}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; '
            f'filename="{_quoted(str(photo))}"\r\nContent-Type: {_OCTETS}\r\n\r\n'
        )
        body = SentFile(
            photo, head.encode(errors="surrogateescape"), f"\r\n--{boundary}--\r\n".encode()
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._described("POST", _with_query(_path_of(pack), wishes), body, headers)

    def begin_upload(self) -> str:
        """The id of an upload without photos."""
        return str(self._ask("POST", "/uploads")["id"])

    def uploaded(self, upload_id: str) -> frozenset[str]:
        """The names of the photos that have come."""
        return frozenset(self._ask("GET", f"/uploads/{_id(upload_id)}")["names"])

    def upload(self, upload_id: str, name: str, photo: SentFile) -> None:
        """Send one photo under that name."""
        check_photo_name(name)
        path = _with_query(f"/uploads/{_id(upload_id)}", {"name": name})
        self._ask("POST", path, photo, {"Content-Type": _OCTETS})

    def submit_upload(self, pack: str, wishes: Mapping[str, object]) -> Described:
        """Put one job for all photos of the upload that `wishes` name."""
        return self._described("POST", _with_query(_path_of(pack), wishes))

    def pieces(self, job_id: str, name: str) -> Iterator[bytes]:
        """One file of a job's result."""
        asked = AskedRequest(method="GET", path=f"/jobs/{_id(job_id)}/files/{quote(name, safe='')}")
        with self._answerer.answer(asked) as answer:
            while piece := answer.read(_PIECE_BYTES):
                yield piece

    def listed(self, chosen: Mapping[str, object]) -> list[Described]:
        """A page; `chosen` as in the query of `GET /jobs`."""
        found: list[Described] = self._ask("GET", _with_query("/jobs", chosen))["jobs"]
        return found

    def show(self, job_id: str) -> Described:
        """One job."""
        return self._described("GET", f"/jobs/{_id(job_id)}")

    def result(self, job_id: str) -> dict[str, Any]:
        """Its record."""
        found: dict[str, Any] = self._ask("GET", f"/jobs/{_id(job_id)}/result")
        return found

    def cancel(self, job_id: str) -> Described:
        """Cancel one."""
        return self._described("DELETE", f"/jobs/{_id(job_id)}")

    def retry(self, job_id: str) -> Described:
        """Retry one."""
        return self._described("POST", f"/jobs/{_id(job_id)}/retry")

    def _described(self, *asked: Any) -> Described:
        found: Described = self._ask(*asked)
        return found

    def _ask(
        self,
        method: str,
        path: str,
        body: SentFile | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        asked = AskedRequest(method=method, path=path, body=body, headers=headers or {})
        with self._answerer.answer(asked) as answer:
            return json.load(answer)


def _quoted(name: str) -> str:
    """Within a form's header, in UTF-8. Source: RFC 7578, 4.2, and RFC 9110, 5.6.4."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("\r", "%0D").replace("\n", "%0A")


def _id(word: str) -> str:
    """Of a job or upload, as a part of a path."""
    if not word or "/" in word:
        raise job_not_found(word)
    return quote(word, safe="")


def _path_of(pack: str) -> str:
    name, _, version = pack.partition("@")
    if not name or "/" in pack:
        raise HaversackError(
            "pack-not-loaded",
            f"there is no pack {pack[:80]!r} here",
            hint="Give a name, or name@version; GET /packs lists what is served.",
            kind=Kind.NOT_FOUND,
        )
    return f"/jobs/{quote(name)}" + (f"/versions/{quote(version)}" if version else "")


def _with_query(path: str, values: Mapping[str, object]) -> str:
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _unreadable(path: Path, why: str | None) -> HaversackError:
    return HaversackError("file-unreadable", f"{path} cannot be read: {why}")
