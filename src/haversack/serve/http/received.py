"""A photo as a route receives it: the body itself, or a form's one file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from haversack.asgi.bodies import Body
from haversack.asgi.multipart import is_form, receive_file
from haversack.jobs.wishes import Wishes
from haversack.serve.http.job_context import JobContext
from haversack.serve.http.wishes import with_form


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One that was sent.

    Attributes:
        body: its bytes.
        name: that its sender gave it, or "".
        wishes: what the query says, and the form that it came in.
    """

    body: Body
    name: str
    wishes: Wishes


@asynccontextmanager
async def received_photo(context: JobContext, request: Request) -> AsyncIterator[Photo]:
    """A seat and the photo, for the length of a block. Raises HaversackError as `with_form`."""
    async with context.seated(_whole_photo(context, request)) as photo:
        yield photo


@asynccontextmanager
async def _whole_photo(context: JobContext, request: Request) -> AsyncIterator[Photo]:
    if not is_form(request):
        async with context.bodies.receive(request, context.body_limit) as body:
            yield Photo(body=body, name="", wishes=request.query_params)
        return
    body = Body(context.bodies)
    try:
        form = await receive_file(request, context.body_limit, body)
        yield Photo(body=body, name=form.name, wishes=with_form(request, form.fields))
    finally:
        body.close()
