"""Jobs of a running server, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

import click

from haversack.asgi.statuses import kind_of
from haversack.cli.jobs_wire import Described, PhotoRequest, SurveyRequest
from haversack.errors import HaversackError, Kind
from haversack.jobs.store import Filter

_TIMEOUT_SECONDS = 60
_PIECE_BYTES = 1 << 20


class ServerDoor:
    """Jobs by way of a server, over HTTP. See `JobsDoor`."""

    def __init__(self, url: str, api_key: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError(f"--server is {url!r}; write it as http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def submit(self, sent: PhotoRequest, photo: bytes) -> Described:
        """See `JobsDoor.submit`; the photo's name goes along as a form's would."""
        query = {
            "threshold": sent.threshold,
            "map": "true" if sent.with_map else None,
            "priority": sent.priority or None,
        }
        boundary = "haversack-4f1c9e7a2b"
        while boundary.encode() in photo:
            boundary += "x"
        file = quote(sent.image, safe=" /.()[]-_+,")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{file}"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        found: Described = self._ask("POST", _with_query(_path_of(sent.pack), query), body, headers)
        return found

    def begin_upload(self) -> str:
        """See `JobsDoor.begin_upload`."""
        return str(self._ask("POST", "/uploads", b"")["id"])

    def uploaded(self, upload_id: str) -> frozenset[str]:
        """See `JobsDoor.uploaded`."""
        return frozenset(self._ask("GET", f"/uploads/{quote(upload_id)}")["names"])

    def upload(self, upload_id: str, name: str, photo: bytes) -> None:
        """See `JobsDoor.upload`."""
        path = _with_query(f"/uploads/{quote(upload_id)}", {"name": name})
        self._ask("POST", path, photo, {"Content-Type": "application/octet-stream"})

    def survey(self, asked: SurveyRequest, upload_id: str) -> Described:
        """See `JobsDoor.survey`."""
        wish = asked.wish
        query = {
            "upload": upload_id,
            "name": asked.title,
            "tile": "whole" if wish.whole else wish.tile,
            "overlap": wish.overlap,
            "overview": "true" if wish.overview else None,
            "threshold": wish.threshold,
            "priority": asked.priority or None,
        }
        found: Described = self._ask("POST", _with_query(_path_of(asked.pack), query), b"")
        return found

    def pieces(self, job_id: str, name: str) -> Iterator[bytes]:
        """See `JobsDoor.pieces`."""
        path = f"/jobs/{quote(job_id)}/files/{quote(name)}"
        with self._answer("GET", path) as answer:
            while piece := answer.read(_PIECE_BYTES):
                yield piece

    def listed(self, chosen: Filter) -> list[Described]:
        """See `JobsDoor.listed`."""
        query = {
            name: getattr(chosen, name) for name in ("state", "kind", "pack", "after", "limit")
        }
        found: list[Described] = self._ask("GET", _with_query("/jobs", query))["jobs"]
        return found

    def show(self, job_id: str) -> Described:
        """See `JobsDoor.show`."""
        found: Described = self._ask("GET", f"/jobs/{quote(job_id)}")
        return found

    def result(self, job_id: str) -> dict[str, Any]:
        """See `JobsDoor.result`."""
        found: dict[str, Any] = self._ask("GET", f"/jobs/{quote(job_id)}/result")
        return found

    def cancel(self, job_id: str) -> Described:
        """See `JobsDoor.cancel`."""
        found: Described = self._ask("DELETE", f"/jobs/{quote(job_id)}")
        return found

    def retry(self, job_id: str) -> Described:
        """See `JobsDoor.retry`."""
        found: Described = self._ask("POST", f"/jobs/{quote(job_id)}/retry")
        return found

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Any:
        with self._answer(method, path, body, headers) as answer:
            return json.load(answer)

    @contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Iterator[HTTPResponse]:
        request = urllib.request.Request(
            self._url + path, body, {**self._headers, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                yield answer
        except urllib.error.HTTPError as fault:
            raise _told(fault) from fault
        except (OSError, ValueError) as fault:
            raise HaversackError(
                "server-unreachable",
                f"{self._url} does not answer as a Haversack server: {fault}",
                hint="Start `haversack serve`, or correct --server.",
                kind=Kind.UNAVAILABLE,
            ) from fault


def _path_of(pack: str) -> str:
    name, _, version = pack.partition("@")
    return f"/jobs/{quote(name)}" + (f"/versions/{quote(version)}" if version else "")


def _told(fault: urllib.error.HTTPError) -> HaversackError:
    """The server's own error, as it would be raised here."""
    try:
        body = json.load(fault)
        code, message, hint = body["code"], body["error"], body.get("hint", "")
    except (ValueError, KeyError, TypeError):
        code, message, hint = "server-unreachable", f"the server answered {fault.code}", ""
    return HaversackError(code, message, hint=hint, kind=kind_of(fault.code))


def _with_query(path: str, values: Mapping[str, Any]) -> str:
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
