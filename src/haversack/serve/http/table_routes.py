"""From rows of the contract table to routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from haversack.serve.http.contract.operation import Operation
from haversack.serve.http.wishes import check_query

Handler = Callable[[Request], Awaitable[Response]]


def table_routes(table: Sequence[Operation], handlers: Mapping[str, Handler]) -> list[Route]:
    """Starlette's routes, one for each path, in the table's order.

    Args:
        handlers: by the ids of the table's rows.
    """
    by_path: dict[str, list[Operation]] = {}
    for operation in table:
        by_path.setdefault(operation.path, []).append(operation)
    return [_route(path, operations, handlers) for path, operations in by_path.items()]


def _route(path: str, operations: list[Operation], handlers: Mapping[str, Handler]) -> Route:
    """One path; a route for each of its methods would answer 405 naming only the first."""
    by_method = {
        one.method: _as_agreed(one, handlers[one.id.removesuffix("_version")]) for one in operations
    }
    if len(by_method) == 1:
        (method, handler), *_ = by_method.items()
        return Route(path, handler, methods=[method])

    async def choose(request: Request) -> Response:
        return await by_method[request.method.replace("HEAD", "GET")](request)

    return Route(path, choose, methods=list(by_method))


def _as_agreed(operation: Operation, handler: Handler) -> Handler:
    """The handler, told its row of the table. What everyone may ask has its query checked here.

    Elsewhere `Context.allow` does, since who may not ask is told nothing else.
    """

    async def answer(request: Request) -> Response:
        request.scope["operation"] = operation
        if operation.scope is None:
            check_query(request)
        return await handler(request)

    return answer
