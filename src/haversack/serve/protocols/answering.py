"""A protocol's way from a body to an answer: the same for a request and for a job that was one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from haversack.packfile.manifest import Manifest
from haversack.serve.plane.encoded_photo import EncodedPhoto
from haversack.serve.plane.visits import Target

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says where JSON ends and binary tensors begin, in requests and in answers."""


@dataclass(frozen=True, kw_only=True)
class SentBody:
    """What a caller sent.

    Attributes:
        body: as it arrived, unpacked.
        header_length: the header Inference-Header-Content-Length; "" where there was none.
        is_job: whether it is answered later: in JSON, and without the caller's own deadline.
    """

    body: EncodedPhoto
    header_length: str = ""
    is_job: bool = False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a caller gets.

    Attributes:
        content: the body.
        version: of the pack that made it.
        json_bytes: where binary tensors follow the JSON; None where there are none.
    """

    content: bytes
    version: str
    json_bytes: int | None = None


class Answering(Protocol):
    """One route of one protocol. Belongs to the data plane's event loop."""

    @property
    def route(self) -> str:
        """By which a job remembers it."""
        ...

    async def check(self, manifest: Manifest, sent: SentBody) -> None:
        """Refuse what this pack could never answer, as far as that shows without running it.

        Raises:
            HaversackError: as `answer`.
        """
        ...

    async def answer(self, target: Target, sent: SentBody) -> Answer:
        """The answer. Raises HaversackError."""
        ...
