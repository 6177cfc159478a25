"""A pack that was sent and not loaded is kept and loadable, or gone; the answer says which."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from tests.unit.packfile.conftest import write_tiny

from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.asgi.errors import exception_handlers
from haversack.errors import EngineError, RetryLaterError
from haversack.packfile.archive import PackFiles, write_archive
from haversack.serve.http.context import Context
from haversack.serve.http.job_context import Phase
from haversack.serve.http.routes import routes
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.model import ServedModel
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Workers

OPTIONS = ServeOptions(threads=1)


class Opening:
    """Opens packs, or fails as long as it is told to."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def __call__(self, files: PackFiles) -> ServedModel:
        if self.fault is not None:
            raise self.fault
        return ServedModel(files, OPTIONS)


class Sending:
    """A server's routes for packs, in this process."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.opening, self.uploads, self._folder = Opening(), folder / "state" / "packs", folder
        catalogue = Catalogue(self.opening, (self.uploads,))
        context = Context(
            plane=DataPlane(catalogue, workers, OPTIONS),
            options=OPTIONS,
            rules=AccessRules(),
            bodies=BodyStore(folder / "waiting"),
            uploads=self.uploads,
            phase=Phase.READY,
        )
        self._app = Starlette(routes=routes(context), exception_handlers=exception_handlers())

    def ask(self, method: str, path: str, content: bytes = b"") -> httpx.Response:
        """One request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.request(method, path, content=content)

        return asyncio.run(asked())

    def send(self, version: str = "1") -> tuple[int, dict[str, str]]:
        """POST /packs with that version of `tiny`."""
        folder = self._folder / version
        if not folder.exists():
            write_tiny(folder, version)
        file = write_archive(folder, self._folder / f"{version}.pack")
        answer = self.ask("POST", "/packs", file.read_bytes())
        file.unlink()
        return answer.status_code, answer.json()

    def kept(self) -> list[str]:
        """The versions that lie there."""
        return sorted(path.name for path in self.uploads.glob("tiny/*"))

    def loaded(self) -> list[str]:
        """The versions that answer."""
        rows = self.ask("GET", "/packs").json()["packs"]
        return [row["version"] for row in rows if row["loaded"]]


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    with ThreadPoolExecutor(1) as pool:
        yield Sending(tmp_path, Workers(decoding=pool, inferring=pool))


def busy() -> Exception:
    return RetryLaterError("requests under way", retry_after_seconds=7, hint="Try again.")


PASSING: list[tuple[Callable[[], Exception], str]] = [
    (busy, "too-busy"),
    (MemoryError, "memory-short"),
    (partial(OSError, 12, "Cannot allocate memory"), "memory-short"),
    (partial(EngineError, "model-refused", "std::bad_alloc"), "memory-short"),
]


@pytest.mark.parametrize(("fault", "code"), PASSING)
def test_a_pack_that_cannot_be_loaded_now_is_kept_and_loaded_as_the_answer_says(
    sending: Sending, fault: Callable[[], Exception], code: str
) -> None:
    sending.opening.fault = fault()
    status, told = sending.send()
    assert (status, told["code"]) == (429, code)
    assert "tiny 1 is kept, and not loaded" in told["error"]
    assert (sending.kept(), sending.loaded()) == (["1"], [])
    sending.opening.fault = None
    said = re.fullmatch(r"When .* busy, POST (/\S+) loads it\.", told["hint"])
    assert said is not None
    assert sending.ask("POST", said[1]).status_code == 200
    assert sending.loaded() == ["1"]


def test_where_a_higher_version_is_there_the_next_step_is_another(sending: Sending) -> None:
    assert sending.send("2")[0] == 201
    sending.opening.fault = busy()
    status, told = sending.send("1")
    assert status == 429
    sending.opening.fault = None
    assert "after DELETE /packs/tiny/versions/1" in told["hint"]
    assert sending.ask("DELETE", "/packs/tiny/versions/1").status_code == 204
    assert sending.send("1")[0] == 201
    assert sending.loaded() == ["1"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (EngineError("model-refused", "no such operator"), 500),
        (OSError(5, "the disk is broken"), 500),
        (RuntimeError("our own mistake"), 500),
    ],
)
def test_a_pack_that_cannot_be_loaded_at_all_is_gone_and_can_be_sent_again(
    sending: Sending, fault: Exception, status: int
) -> None:
    sending.opening.fault = fault
    answer, told = sending.send()
    assert answer >= 400
    if isinstance(fault, EngineError):
        assert "the pack was not kept" in told["error"]
    else:
        assert answer == status
    assert (sending.kept(), sending.loaded()) == ([], [])
    sending.opening.fault = None
    assert sending.send()[0] == 201
    assert sending.loaded() == ["1"]


def test_what_was_loaded_before_answers_on(sending: Sending) -> None:
    assert sending.send("1")[0] == 201
    for fault in (busy(), OSError(5, "broken")):
        sending.opening.fault = fault
        assert sending.send("2" if isinstance(fault, OSError) else "3")[0] >= 400
        assert sending.loaded() == ["1"]
