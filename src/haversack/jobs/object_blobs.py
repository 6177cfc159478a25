"""The inputs of jobs in an object store, through obstore; needs the extra `s3`."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from haversack import late
from haversack.jobs.blobs import Buffer, away, check_digest, checked, missing
from haversack.jobs.mapping import spooled

_PLACE = "place"
_PIECE_BYTES = 1 << 20


class ObjectBlobs:
    """Objects under a prefix; see `BlobStore` for the promises.

    Region, keys and endpoint come from the variables of the store's own vendor, as AWS_REGION,
    AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL.
    """

    def __init__(self, url: str, spool: Path | None = None) -> None:
        self._url = url
        self._spool = spool
        late.require("obstore", "s3", "an object store")
        try:
            self._store = late.obstore.store.from_url(url)
        except (late.obstore.exceptions.BaseError, ValueError) as fault:
            raise away(url, fault) from fault

    def put(self, name: str, data: Buffer) -> None:
        """One object; stores give a new one whole or not at all."""
        try:
            late.obstore.put(self._store, f"inputs/{name}", data)
        except _faults() as fault:
            raise away(self._url, fault) from fault

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Buffer]:
        """By a file without a name, a few megabytes at a time."""
        with contextlib.ExitStack() as stack:
            try:
                found = late.obstore.get(self._store, f"inputs/{name}")
                pieces = map(bytes, found.stream(min_chunk_size=_PIECE_BYTES))
                data = stack.enter_context(spooled(pieces, self._spool))
            except FileNotFoundError as fault:
                raise missing(name) from fault
            except _faults() as fault:
                raise away(self._url, fault) from fault
            yield checked(name, data)

    def part(self, name: str, start: int, size: int) -> bytes:
        """Asked for as a range."""
        try:
            return bytes(
                late.obstore.get_range(self._store, f"inputs/{name}", start=start, length=size)
            )
        except FileNotFoundError as fault:
            raise missing(name) from fault
        except _faults() as fault:
            raise away(self._url, fault) from fault

    def fetch(self, name: str, target: Path) -> None:
        """Written beside piece by piece, then renamed."""
        beside = target.with_name(f".{target.name}.part")
        digest = sha256()
        try:
            with beside.open("wb") as file:
                for piece in late.obstore.get(self._store, f"inputs/{name}").stream():
                    file.write(piece)
                    digest.update(piece)
            check_digest(name, digest.hexdigest())
            beside.replace(target)
        except FileNotFoundError as fault:
            raise missing(name) from fault
        except _faults() as fault:
            raise away(self._url, fault) from fault
        finally:
            beside.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Gone."""
        try:
            late.obstore.delete(self._store, f"inputs/{name}")
        except FileNotFoundError:
            return
        except _faults() as fault:
            raise away(self._url, fault) from fault

    def older_than(self, seconds: float) -> Iterator[str]:
        """By the store's times."""
        before = datetime.now(UTC) - timedelta(seconds=seconds)
        try:
            for page in late.obstore.list(self._store, prefix="inputs/"):
                for entry in page:
                    if entry["last_modified"] < before:
                        yield entry["path"].removeprefix("inputs/")
        except _faults() as fault:
            raise away(self._url, fault) from fault

    def place(self) -> str:
        """Kept in the object `place`; of two that make it at once one wins."""
        try:
            with contextlib.suppress(late.obstore.exceptions.AlreadyExistsError):
                late.obstore.put(self._store, _PLACE, secrets.token_hex(16).encode(), mode="create")
            return bytes(late.obstore.get(self._store, _PLACE).bytes()).decode()
        except _faults() as fault:
            raise away(self._url, fault) from fault


def _faults() -> tuple[type[Exception], ...]:
    """What obstore raises where a store does not answer, or refuses."""
    return (late.obstore.exceptions.BaseError, OSError)
