"""One row of the table of routes, and what many rows share."""

from __future__ import annotations

from dataclasses import dataclass, field

from haversack.callers import Scope
from haversack.jobs.kind import JobOption
from haversack.serve.http.contract.schemas import Schema, ref
from haversack.serve.work.predict_kind import PREDICT

JSON = "application/json"
OCTETS = "application/octet-stream"
FORM = "multipart/form-data"
BINARY: Schema = {"type": "string", "format": "binary"}

PHOTO: dict[str, Schema] = {
    "image/jpeg": BINARY,
    "image/png": BINARY,
    OCTETS: BINARY,
    FORM: {
        "type": "object",
        "properties": {"image": BINARY},
        "required": ["image"],
    },
}
"""Bodies that hold one photo."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One query parameter, or header.

    Attributes:
        needs: the parameter without which it means nothing.
        in_form: whether a form may have it as a field beside the photo.
    """

    name: str
    text: str
    schema: Schema
    needs: str = ""
    in_form: bool = True


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method at one path.

    Attributes:
        id: names its handler.
        text: one sentence.
        scope: that a key needs; None where everyone may ask.
        takes: schemas of the body by media type; {} where there is none.
        gives: schemas of the answer by media type; {} where it is empty.
        query, headers: what else a caller may give.
        later: what the query takes besides, with `Prefer: respond-async`.
        passes_over: whether it lets unknown names in the query be; probes, scrapers and viewers
            add their own.
        also: other statuses that are no errors, and when.
        status: of success.
    """

    id: str
    method: str
    path: str
    text: str
    tag: str
    scope: Scope | None = Scope.INFER
    takes: dict[str, Schema] = field(default_factory=dict)
    gives: dict[str, Schema] = field(default_factory=dict)
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    later: tuple[Parameter, ...] = ()
    passes_over: bool = False
    also: dict[str, str] = field(default_factory=dict)
    status: int = 200
    needs_body: bool = True


def json_of(name: str) -> dict[str, Schema]:
    """A body of JSON of that schema."""
    return {JSON: ref(name)}


def both(operation: Operation, at: str) -> tuple[Operation, Operation]:
    """The operation for the current version, and for one that the path names."""
    versioned = operation.path.replace(at, f"{at}/versions/{{version}}", 1)
    values = {**vars(operation), "id": f"{operation.id}_version", "path": versioned}
    return operation, Operation(**values)


def parameter(option: JobOption, needs: str = "") -> Parameter:
    """What may be wished of a job, as a query parameter.

    Args:
        needs: the parameter without which it means nothing; then no form has it.
    """
    return Parameter(
        name=option.name,
        text=option.text,
        schema=option.schema,
        needs=needs,
        in_form=not needs,
    )


PHOTO_QUERY = tuple(map(parameter, PREDICT.options))
"""What may be asked of a photo's record."""
