"""What a caller wishes beside the body: by the query, or by fields of the photo's form.

Each route takes the names that its row of the contract has. Any other is refused, since a wish
that is passed over gives a right-looking answer to another question.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from starlette.requests import Request

from haversack.errors import HaversackError
from haversack.jobs.wishes import Wishes
from haversack.serve.http.contract.operation import Operation, Parameter
from haversack.serve.http.job_queries import prefers_later

_SHOWN = 40
# What other servers call it.
_OTHER_WORDS = {
    **dict.fromkeys(("conf", "confidence", "score", "min_score", "prob"), "threshold"),
    **dict.fromkeys(("mask", "labelmap", "label_map"), "map"),
}


def check_query(request: Request) -> None:
    """Refuse what the route's row of the contract has not, and one name with two values.

    Raises:
        HaversackError: `query-invalid`.
    """
    operation: Operation = request.scope["operation"]
    if operation.passes_over or not request.url.query:
        return
    taken = _taken(request)
    given = request.query_params.multi_items()
    _check_names(request, "query", (name for name, _ in given), taken)
    values = _single(given, "the query")
    for parameter in taken:
        if parameter.name in values and parameter.needs and parameter.needs not in values:
            raise HaversackError(
                "query-invalid",
                f"received {parameter.name} without {parameter.needs}: {parameter.name} is for "
                f"{_route(operation)}?{parameter.needs}=...",
                hint=f"Leave it out, or give {parameter.needs} too.",
            )


def with_form(request: Request, fields: Sequence[tuple[str, str]]) -> Wishes:
    """The query and the fields that stand beside the photo in its form; empty ones are not given.

    Raises:
        HaversackError: `query-invalid`, also where the two say different things.
    """
    taken = [one for one in _taken(request) if one.in_form]
    _check_names(request, "form", (name for name, _ in fields), taken)
    form = _single([(name, value) for name, value in fields if value], "the form")
    query = dict(request.query_params)
    for name, value in form.items():
        if query.setdefault(name, value) != value:
            raise HaversackError(
                "query-invalid",
                f"{name} is {query[name][:_SHOWN]!r} in the query and {value[:_SHOWN]!r} in the "
                "form",
                hint="Give it once.",
            )
    return query


def _taken(request: Request) -> list[Parameter]:
    operation: Operation = request.scope["operation"]
    names = {one.name: one for one in operation.query}
    if prefers_later(request):
        names = {one.name: one for one in operation.later} | names
    return list(names.values())


def _check_names(
    request: Request, where: str, names: Iterable[str], taken: Sequence[Parameter]
) -> None:
    known = [one.name for one in taken]
    unknown = list(dict.fromkeys(name for name in names if name not in known))
    if not unknown:
        return
    operation: Operation = request.scope["operation"]
    shown = ", ".join(repr(name[:_SHOWN]) for name in unknown[:3])
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    takes = f"takes {', '.join(known)}" if known else "takes none"
    raise HaversackError(
        "query-invalid",
        f"received {shown}{more} in the {where}; {_route(operation)} {takes}",
        hint=_hint(unknown[0], known, operation),
    )


def _hint(name: str, known: Sequence[str], operation: Operation) -> str:
    if name in (one.name for one in operation.later):
        return "That is for jobs: add the header `Prefer: respond-async`."
    word = name.lower().replace("-", "_")
    meant = _OTHER_WORDS.get(word, "")
    close = [meant] if meant in known else difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    return "Leave it out; GET /openapi.json lists what every route takes."


def _single(given: Iterable[tuple[str, str]], where: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given:
        if values.setdefault(name, value) != value:
            raise HaversackError(
                "query-invalid",
                f"{name[:_SHOWN]} is given twice in {where}: {values[name][:_SHOWN]!r} and "
                f"{value[:_SHOWN]!r}",
                hint="Give it once.",
            )
    return values


def _route(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"
