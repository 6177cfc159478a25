"""The one file in a form, and the fields beside it: what `curl -F image=@photo.jpg` sends."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from haversack.asgi.bodies import Body, BodyLimit, body_pieces
from haversack.errors import HaversackError

_MOST_FIELDS = 64
_FIELD_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Form:
    """What stood beside the file's bytes.

    Attributes:
        name: of the file, as its sender gave it.
        fields: names and values, in the order of the form.
    """

    name: str
    fields: tuple[tuple[str, str], ...]


def is_form(request: Request) -> bool:
    """Whether the body is a form with files."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


@dataclass
class _Part:
    """The part that is being read."""

    headers: bytes = b""
    field: bytes = b""
    value: bytes = b""
    disposition: bytes = b""
    is_file: bool = False
    content: bytes = b""


class _FileOfForm:
    """The parser's callbacks: keeps the bytes of the file, and small fields; refuses two."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._part = _Part()
        self.name: str | None = None
        self.is_whole = False
        self.fields: list[tuple[str, str]] = []
        self.too_long = ""

    def on_part_begin(self) -> None:
        self._part = _Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def on_header_end(self) -> None:
        if self._part.field.lower() == b"content-disposition":
            self._part.disposition = self._part.value
        self._part.field = self._part.value = b""

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._part.disposition)
        self._part.is_file = b"filename" in options
        if not self._part.is_file:
            return
        if self.name is not None:
            raise HaversackError(
                "form-invalid",
                "the form holds more than one file",
                hint="Send one photo a request.",
            )
        self.name = options[b"filename"].decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self._body.append(data[start:end])
        elif len(self._part.content) <= _FIELD_BYTES:  # one byte more tells that there is more
            self._part.content += data[start : min(end, start + _FIELD_BYTES + 1)]

    def on_part_end(self) -> None:
        if self._part.is_file:
            return
        _, options = parse_options_header(self._part.disposition)
        name = options.get(b"name", b"")[:_FIELD_BYTES].decode("utf-8", "replace")
        if len(self._part.content) > _FIELD_BYTES:
            self.too_long = self.too_long or name
        if len(self.fields) == _MOST_FIELDS:
            raise HaversackError(
                "form-invalid",
                f"the form holds more than {_MOST_FIELDS} fields beside the photo",
            )
        self.fields.append((name, self._part.content[:_FIELD_BYTES].decode("utf-8", "replace")))

    def on_end(self) -> None:
        self.is_whole = True


async def receive_file(request: Request, limit: BodyLimit, body: Body) -> Form:
    """Put the form's one file into `body`; returns what stood beside it.

    Raises:
        HaversackError: `form-invalid`, and those of `bodies.body_pieces`.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise HaversackError("form-invalid", "the form's Content-Type names no boundary")
    found = _FileOfForm(body)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": found.on_part_begin,
                "on_part_data": found.on_part_data,
                "on_part_end": found.on_part_end,
                "on_header_field": found.on_header_field,
                "on_header_value": found.on_header_value,
                "on_header_end": found.on_header_end,
                "on_headers_finished": found.on_headers_finished,
                "on_end": found.on_end,
            },
        )
        async with aclosing(body_pieces(request, limit, body.store.incoming)) as pieces:
            async for piece in pieces:
                parser.write(piece)
                await body.settle()
        parser.finalize()
    except FormParserError as fault:
        raise HaversackError("form-invalid", f"the form cannot be read: {fault}") from fault
    if not found.is_whole:
        raise HaversackError("form-invalid", "the form ends before its last boundary")
    if found.name is None:
        raise HaversackError(
            "form-invalid",
            "the form holds no file",
            hint="Send the photo as the field `image`: curl -F image=@photo.jpg",
        )
    if found.too_long:
        raise HaversackError(
            "form-invalid",
            f"the form's field {found.too_long[:40]!r} holds more than {_FIELD_BYTES:,} bytes",
            hint="Only the photo may be large, and it is sent as a file: curl -F image=@photo.jpg",
        )
    return Form(name=found.name, fields=tuple(found.fields))
