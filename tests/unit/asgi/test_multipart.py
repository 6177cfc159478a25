"""A form's one file is found, whatever stands around it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.asgi.asking import asked

from haversack.asgi.bodies import Body, BodyLimit, BodyStore
from haversack.asgi.multipart import is_form, receive_file
from haversack.errors import HaversackError

KIND = {"Content-Type": "multipart/form-data; boundary=frontier"}


def part(name: str, data: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = b"--frontier--\r\n"


def sent(
    data: bytes, *, cut: int = 1 << 20, kind: dict[str, str] = KIND, limit: int = 1 << 20
) -> tuple[str, bytes]:
    """The name and the bytes of the file that is found."""

    async def main() -> tuple[str, bytes]:
        body = Body(BodyStore(Path("/nonexistent")))
        pieces: list[bytes | None] = [data[at : at + cut] for at in range(0, len(data), cut)]
        form = await receive_file(asked(pieces, kind), BodyLimit(limit_bytes=limit), body)
        return form.name, body.read()

    return asyncio.run(main())


def refusal(data: bytes, kind: dict[str, str] = KIND) -> HaversackError:
    with pytest.raises(HaversackError) as caught:
        sent(data, kind=kind)
    return caught.value


@given(
    data=st.binary(max_size=400).filter(lambda data: b"--frontier" not in data),
    cut=st.integers(1, 64),
    before=st.booleans(),
    after=st.booleans(),
)
@settings(deadline=None)
def test_the_file_is_found_among_fields_however_the_body_is_cut(
    data: bytes, cut: int, before: bool, after: bool
) -> None:
    field = part("note", b"not the file")
    form = field * before + part("image", data, "a.jpg") + field * after + END
    assert sent(form, cut=cut) == ("a.jpg", data)


@pytest.mark.parametrize("name", ["cow.jpg", "Kühe.jpg", "写真 🐄.jpg", "", "a/../b.jpg"])
def test_the_name_is_the_senders(name: str) -> None:
    assert sent(part("image", b"x", name) + END) == (name, b"x")


def test_a_name_that_is_no_utf8_is_kept_as_far_as_it_goes() -> None:
    form = part("image", b"x", "k?he.jpg").replace(b"?", b"\xfc") + END
    assert sent(form) == ("k\ufffdhe.jpg", b"x")


def test_two_files_are_refused() -> None:
    error = refusal(part("a", b"1", "a.jpg") + part("b", b"2", "b.jpg") + END)
    assert error.message == "the form holds more than one file"


@pytest.mark.parametrize("form", [END, part("image", b"x") + END, b"\r\n" + END])
def test_a_form_without_a_file_says_how_to_send_one(form: bytes) -> None:
    error = refusal(form)
    assert error.code == "form-invalid"


def test_a_field_that_is_no_file_is_not_taken_for_one() -> None:
    assert "curl -F image=@photo.jpg" in refusal(part("image", b"x") + END).hint


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"garbage",
        b"--frontier",
        part("image", b"x", "a.jpg"),
        part("image", b"x", "a.jpg") + b"--frontier",
        b"--other\r\n\r\nabc\r\n--other--\r\n",
        b"--frontier\r\nContent-Disp",
        b"--frontier\r\n\0bad: x\r\n\r\n" + END,
        b"--frontier\r\nX: " + b"y" * 200_000 + b"\r\n\r\nabc\r\n" + END,
    ],
    ids=lambda form: repr(form[:30]),
)
def test_a_broken_form_is_refused(form: bytes) -> None:
    assert refusal(form).code == "form-invalid"


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary"],
)
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    assert refusal(END, {"Content-Type": kind}).code == "form-invalid"


def test_a_form_beyond_the_limit_is_refused() -> None:
    with pytest.raises(HaversackError) as caught:
        sent(part("image", b"x" * 2000, "a.jpg") + END, limit=1000, cut=100)
    assert caught.value.code == "body-too-large"


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_whatever_is_sent_as_a_form_is_read_or_refused(data: bytes) -> None:
    try:
        sent(data)
    except HaversackError as error:
        if error.code != "form-invalid":
            raise


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("multipart/form-data; boundary=a", True),
        ("Multipart/Form-Data; boundary=a", True),
        ("image/jpeg", False),
        ("application/x-www-form-urlencoded", False),
        ("", False),
    ],
)
def test_a_form_is_told_by_its_content_type(kind: str, expected: bool) -> None:
    assert is_form(asked([], {"Content-Type": kind})) is expected


@pytest.mark.parametrize("head", [b"X: " + b"y" * (1 << 20), b"X: y\r\n" * 200_000], ids=["1", "n"])
def test_headers_of_a_part_are_bounded(head: bytes) -> None:
    found = refusal(b"--frontier\r\n" + head + b"\r\n\r\n" + END)
    assert found.code == "form-invalid"
    assert "exceeded" in found.message
