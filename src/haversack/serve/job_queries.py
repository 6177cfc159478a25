"""What callers may say of a job: behind the question mark, and in headers."""

from __future__ import annotations

from starlette.requests import Request

from haversack.errors import HaversackError
from haversack.jobs.job import State
from haversack.jobs.store import Filter
from haversack.jobs.survey_wish import KIND, SurveyWish
from haversack.jobs.webhook_rules import WebhookRules

MOST_LISTED = 200
MOST_PRIORITY = 100
LONGEST_WAIT_SECONDS = 30 * 86_400
_LISTED = 50
_KEY_LENGTH = 255
LEAST_TILE_PX = 16
MOST_TILE_PX = 65_536
_TITLE_LENGTH = 200
REQUEST = "request"
"""Of jobs that are a V1 or V2 request."""
KINDS = ("predict", REQUEST, KIND)
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


def idempotency_key(request: Request) -> str | None:
    """The header Idempotency-Key. Raises HaversackError `idempotency-key-invalid`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not (key.isascii() and key.isprintable() and 0 < len(key) <= _KEY_LENGTH):
        raise HaversackError(
            "idempotency-key-invalid",
            f"the header Idempotency-Key has {len(key)} characters; 1 to {_KEY_LENGTH} of ASCII "
            "are allowed",
        )
    return key


def prefers_later(request: Request) -> bool:
    """Whether the caller would rather have a job. Source: RFC 7240, 4.1."""
    wishes = ",".join(request.headers.getlist("prefer")).split(",")
    return any(wish.partition(";")[0].strip().lower() == "respond-async" for wish in wishes)


def priority(request: Request) -> int:
    """?priority: higher ones are done first. Raises HaversackError `query-invalid`."""
    return _whole(request, "priority", (-MOST_PRIORITY, MOST_PRIORITY), 0)


def wait_seconds(request: Request) -> float | None:
    """?wait: seconds until a job that has not started expires. Raises `query-invalid`."""
    if "wait" not in request.query_params:
        return None
    return float(_whole(request, "wait", (1, LONGEST_WAIT_SECONDS), 0))


def webhook(request: Request, rules: WebhookRules | None) -> str | None:
    """?webhook: an address to be told at the job's end.

    Raises:
        HaversackError: `webhook-off`, `webhook-refused`.
    """
    url = request.query_params.get("webhook")
    if url is None:
        return None
    if rules is None:
        raise HaversackError(
            "webhook-off",
            "this server tells nobody when a job has ended",
            hint="GET the job now and then, or read its events; the server's owner can turn "
            "webhooks on with --webhook-secret.",
        )
    rules.check_url(url)
    return url


def survey_wish(request: Request, threshold: float | None) -> SurveyWish:
    """?tile, ?overlap and ?overview. Raises HaversackError `query-invalid`."""
    query = request.query_params
    whole = query.get("tile") == "whole"
    tile = _optional(request, "tile", (LEAST_TILE_PX, MOST_TILE_PX)) if not whole else None
    overlap = _optional(request, "overlap", (0, MOST_TILE_PX - 1))
    if overlap is not None and (whole or (tile is not None and overlap >= tile)):
        raise HaversackError(
            "query-invalid",
            f"overlap is {overlap} and tile {query['tile']}; less than a tile is needed, and none "
            "for whole photos",
        )
    return SurveyWish(
        tile=tile,
        overlap=overlap,
        whole=whole,
        overview=flag(request, "overview"),
        threshold=threshold,
    )


def title(request: Request) -> str:
    """?name: what a list calls a survey. Raises HaversackError `query-invalid`."""
    name = request.query_params.get("name", "")
    if len(name) > _TITLE_LENGTH or not name.isprintable():
        raise HaversackError(
            "query-invalid",
            f"name is {name[:40]!r} of {len(name)} characters; {_TITLE_LENGTH} printable ones are "
            "allowed",
        )
    return name


def listing(request: Request, owner: str | None) -> Filter:
    """?state, ?kind, ?pack, ?after and ?limit. Raises HaversackError `query-invalid`."""
    query = request.query_params
    state = query.get("state")
    if state is not None and state not in set(State):
        raise HaversackError(
            "query-invalid", f"state is {state[:40]!r}; allowed are {', '.join(State)}"
        )
    kind = query.get("kind")
    if kind not in (None, *KINDS):
        raise HaversackError(
            "query-invalid", f"kind is {kind[:40]!r}; allowed are {' and '.join(KINDS)}"
        )
    return Filter(
        state=State(state) if state else None,
        kind=kind,
        pack=query.get("pack"),
        owner=owner,
        after=query.get("after"),
        limit=_whole(request, "limit", (1, MOST_LISTED), _LISTED),
    )


def flag(request: Request, name: str) -> bool:
    """A switch such as ?map. Raises HaversackError `query-invalid`."""
    text = request.query_params.get(name, "")
    if text.lower() not in _FLAGS:
        raise HaversackError("query-invalid", f"{name} is {text[:40]!r}; true or false is needed")
    return _FLAGS[text.lower()]


def _optional(request: Request, name: str, span: tuple[int, int]) -> int | None:
    return _whole(request, name, span, 0) if name in request.query_params else None


def _whole(request: Request, name: str, span: tuple[int, int], default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    low, high = span
    digits = text.removeprefix("-")
    value = int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None
    if value is None or not low <= value <= high:
        raise HaversackError(
            "query-invalid",
            f"{name} is {text[:40]!r}; a whole number from {low} to {high} is needed",
        )
    return value
