"""The OpenAPI 3.1 page, made from the contract table."""

from __future__ import annotations

import re
from typing import Any

from haversack.asgi.cookies import PLAIN
from haversack.jobs.kinds import JobKinds
from haversack.serve.http.contract.operation import FORM, Operation
from haversack.serve.http.contract.schemas import SCHEMAS, Schema, ref
from haversack.serve.http.contract.table import PATH_PARAMETERS, operations
from haversack.version import __version__

_IN_PATH = re.compile(r"{(\w+)}")
_ERROR = {"application/json": {"schema": ref("Error")}}
_ANY = {
    "400": "The request is not what the route takes",
    "403": "Another name, another site, or a key without the scope",
    "404": "There is no such model, version or pack",
}
_WITH_BODY = {
    "413": "The body, or what is in it, is larger than the limit",
    "415": "The body is of a kind that cannot be read",
    "429": "Too much is asked at once; Retry-After says when to come again",
    "503": "The packs are still being loaded",
    "504": "The request's own deadline passed",
}

_OF_JOBS = {
    "409": "The job's state, or an idempotency key that was used before, does not allow it",
    "410": "It was removed by age or quota",
    "429": "Too many wait already; Retry-After says when to come again",
    "503": "The database cannot be reached, or the packs are still being loaded",
}


def document(kinds: JobKinds) -> dict[str, Any]:
    """The whole page of a server that knows these kinds of jobs."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations(kinds):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Haversack",
            "version": __version__,
            "description": "Photos and tensors in, what a model says of them out.",
        },
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, "JobResult": _result(kinds)},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": PLAIN},
            },
        },
    }


def _result(kinds: JobKinds) -> Schema:
    """What comes of a job: one of its kind's schemas, or any object."""
    names = dict.fromkeys(name for kind in kinds for name in kind.words.schemas)
    is_whole = names and all(kind.words.schemas for kind in kinds)
    others = [] if is_whole else [{"type": "object"}]
    return {"anyOf": [*map(ref, names), *others]}


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.text,
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.scope is not None:
        # Nothing, where the server asks for nothing, or a key or session with this scope.
        described["security"] = [{}, {"key": []}, {"session": []}]
        described["description"] = f"Scope: {operation.scope}."
    elif operation.id == "session_begin":
        # It is what gives one of these; everyone may try.
        described["security"] = [{}]
    if operation.takes:
        content = {
            media: {"schema": _with_fields(schema, operation) if media == FORM else schema}
            for media, schema in operation.takes.items()
        }
        described["requestBody"] = {"required": operation.needs_body, "content": content}
    return described


def _with_fields(form: Schema, operation: Operation) -> Schema:
    """A form's schema, with what may stand in it beside the photo."""
    fields = {one.name: one.schema for one in operation.query if one.in_form}
    return {**form, "properties": {**form["properties"], **fields}}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]}
        for name in _IN_PATH.findall(operation.path)
    ]
    in_query = [
        {"name": one.name, "in": "query", "description": one.text, "schema": one.schema}
        for one in operation.query
    ]
    in_headers = [
        {"name": one.name, "in": "header", "description": one.text, "schema": one.schema}
        for one in operation.headers
    ]
    return in_path + in_query + in_headers


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if operation.gives:
        success["content"] = {
            media: {"schema": schema} for media, schema in operation.gives.items()
        }
    faults = dict(_ANY)
    if operation.scope is not None:
        faults["401"] = "An API key is missing or unknown, or nobody is signed in"
    if operation.tag == "session":
        faults["503"] = "The database of the accounts cannot be reached"
    if operation.id == "session_begin":
        faults["401"] = "User name and password do not belong together"
    if operation.takes:
        faults |= _WITH_BODY
    if operation.id in ("ready", "readyz"):
        faults["503"] = "Not ready"
    if operation.tag == "jobs" or "202" in operation.also:
        faults |= _OF_JOBS
    if "206" in operation.also:
        faults["416"] = "The range lies beyond the file"
    if operation.tag == "packs":
        faults["409"] = "That version is there already"
    responses = {
        status: {"description": text, "content": _ERROR} for status, text in sorted(faults.items())
    }
    if operation.id in ("ready", "readyz"):
        responses["503"]["content"] = {"application/json": {"schema": ref("Ready")}}
    also: dict[str, Any] = {code: {"description": text} for code, text in operation.also.items()}
    if "202" in also:
        also["202"]["content"] = {"application/json": {"schema": ref("Job")}}
    return {str(operation.status): success} | also | responses
