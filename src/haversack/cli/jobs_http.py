"""Jobs of a running server, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import click

from haversack.asgi.statuses import kind_of
from haversack.cli.jobs_asking import AskedRequest
from haversack.errors import HaversackError, Kind

_TIMEOUT_SECONDS = 60
_WITH_BODY = frozenset({"POST"})


class ServerAnswerer:
    """See `jobs_asking.Answerer`."""

    def __init__(self, url: str, api_key: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError(f"--server is {url!r}; write it as http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    @contextmanager
    def answer(self, asked: AskedRequest) -> Iterator[IO[bytes]]:
        """See `Answerer.answer`. Raises HaversackError as the server says, `server-unreachable`."""
        headers = {**self._headers, **asked.headers}
        body = asked.body if asked.body is not None else _empty(asked.method)
        if asked.body is not None:
            headers["Content-Length"] = str(asked.body.size_bytes)
        request = urllib.request.Request(self._url + asked.path, body, headers, method=asked.method)
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

    def close(self) -> None:
        """Every connection is closed already."""


def _empty(method: str) -> bytes | None:
    return b"" if method in _WITH_BODY else None


def _told(fault: urllib.error.HTTPError) -> HaversackError:
    """The server's own error, as it would be raised here."""
    try:
        body = json.load(fault)
        code, message, hint = body["code"], body["error"], body.get("hint", "")
    except (ValueError, KeyError, TypeError):
        code, message, hint = "server-unreachable", f"the server answered {fault.code}", ""
    return HaversackError(code, message, hint=hint, kind=kind_of(fault.code))
