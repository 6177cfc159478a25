"""The page of routes is valid, whole, and the same as what is served."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.core.result import Ok

from haversack.app.kinds import KINDS
from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.callers import Scope
from haversack.engine.tensors import NUMPY
from haversack.serve.http.context import Context
from haversack.serve.http.contract.openapi import document
from haversack.serve.http.contract.schemas import DATATYPES
from haversack.serve.http.contract.table import operations as rows_of
from haversack.serve.http.routes import routes
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.model import ServedModel
from haversack.serve.options import ServeOptions
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Workers

DOCUMENT = document(KINDS)
ROWS = rows_of(KINDS)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, described)
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
    ]


def test_the_page_is_valid_openapi_3_1() -> None:
    # The official schema of OpenAPI 3.1, which Schemathesis carries; every operation resolves too.
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT)))
    schema.validate()
    assert all(isinstance(one, Ok) for one in schema.get_all_operations())


def test_a_page_that_is_not_valid_would_be_found() -> None:
    broken = json.loads(json.dumps(DOCUMENT))
    broken["paths"]["/v2"]["get"]["responses"]["200"] = {"text": "no description"}
    with pytest.raises(Exception, match="description"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert used == set(DOCUMENT["components"]["schemas"])


def test_every_operation_has_an_id_of_its_own_and_a_sentence() -> None:
    ids = [described["operationId"] for _, _, described in operations()]
    assert len(set(ids)) == len(ids) == len(ROWS)
    assert all(described["summary"].endswith(".") for _, _, described in operations())


def test_every_operation_says_its_errors() -> None:
    for method, path, described in operations():
        assert {"400", "403", "404"} <= set(described["responses"]), path
        if "requestBody" in described:
            assert {"413", "415", "429"} <= set(described["responses"]), path
        is_open = "security" not in described
        assert ("401" in described["responses"]) is not is_open, (method, path)


def test_only_what_changes_the_server_needs_an_owners_key() -> None:
    owners = {one.id for one in ROWS if one.scope is Scope.ADMIN}
    assert owners == {
        *("repository_load", "repository_unload", "pack_upload", "pack_download", "pack_remove")
    }


def test_the_datatypes_are_the_engines() -> None:
    assert set(DATATYPES) == set(NUMPY)


def test_every_operation_is_served_and_nothing_else(tmp_path: Path) -> None:
    catalogue, options = Catalogue(partial(ServedModel, options=ServeOptions()), ()), ServeOptions()
    with ThreadPoolExecutor(1) as pool:
        context = Context(
            plane=DataPlane(catalogue, Workers(decoding=pool, inferring=pool), options),
            options=options,
            rules=AccessRules(),
            bodies=BodyStore(tmp_path),
            uploads=tmp_path,
        )
        # A handler that is missing would be an error here.
        served = {
            (method, route.path)
            for route in routes(context)
            for method in (route.methods or set()) - {"HEAD"}
        }
    assert served == {(method, path) for method, path, _ in operations()}
