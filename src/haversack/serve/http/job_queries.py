"""What callers may say of a job: behind the question mark, and in headers."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from haversack.errors import HaversackError
from haversack.jobs.job import State
from haversack.jobs.store import Filter
from haversack.jobs.survey_wish import SurveyWish
from haversack.jobs.webhook_rules import WebhookRules
from haversack.serve.work.kinds import KINDS

MOST_LISTED = 200
MOST_PRIORITY = 100
LONGEST_WAIT_SECONDS = 30 * 86_400
_LISTED = 50
_KEY_LENGTH = 255
LEAST_TILE_PX = 16
MOST_TILE_PX = 65_536
_TITLE_LENGTH = 200
# A form's tick says "on".
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True, "on": True}
Wishes = Mapping[str, str]
"""What a caller gave, by name: by the query, or by fields of a form."""


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


def priority(wishes: Wishes) -> int:
    """?priority: higher ones are done first. Raises HaversackError `query-invalid`."""
    return _whole(wishes, "priority", (-MOST_PRIORITY, MOST_PRIORITY), 0)


def wait_seconds(wishes: Wishes) -> float | None:
    """?wait: seconds until a job that has not started expires. Raises `query-invalid`."""
    if "wait" not in wishes:
        return None
    return float(_whole(wishes, "wait", (1, LONGEST_WAIT_SECONDS), 0))


def webhook(wishes: Wishes, rules: WebhookRules | None) -> str | None:
    """?webhook: an address to be told at the job's end.

    Raises:
        HaversackError: `webhook-off`, `webhook-refused`.
    """
    url = wishes.get("webhook")
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


def survey_wish(wishes: Wishes, threshold: float | None) -> SurveyWish:
    """?tile, ?overlap and ?overview. Raises HaversackError `query-invalid`."""
    whole = wishes.get("tile") == "whole"
    tile = _optional(wishes, "tile", (LEAST_TILE_PX, MOST_TILE_PX)) if not whole else None
    overlap = _optional(wishes, "overlap", (0, MOST_TILE_PX - 1))
    if overlap is not None and (whole or (tile is not None and overlap >= tile)):
        raise HaversackError(
            "query-invalid",
            f"overlap is {overlap} and tile {wishes['tile']}; less than a tile is needed, and none "
            "for whole photos",
        )
    return SurveyWish(
        tile=tile,
        overlap=overlap,
        whole=whole,
        overview=flag(wishes, "overview"),
        threshold=threshold,
    )


def title(wishes: Wishes) -> str:
    """?name: what a list calls a survey. Raises HaversackError `query-invalid`."""
    name = wishes.get("name", "")
    if len(name) > _TITLE_LENGTH or not name.isprintable():
        raise HaversackError(
            "query-invalid",
            f"name is {name[:40]!r} of {len(name)} characters; {_TITLE_LENGTH} printable ones are "
            "allowed",
        )
    return name


def listing(wishes: Wishes, owner: str | None) -> Filter:
    """?state, ?kind, ?pack, ?after and ?limit. Raises HaversackError `query-invalid`."""
    state = wishes.get("state")
    if state is not None and state not in set(State):
        raise HaversackError(
            "query-invalid", f"state is {state[:40]!r}; allowed are {', '.join(State)}"
        )
    kind = wishes.get("kind")
    if kind not in (None, *KINDS):
        raise HaversackError(
            "query-invalid", f"kind is {kind[:40]!r}; allowed are {' and '.join(KINDS)}"
        )
    return Filter(
        state=State(state) if state else None,
        kind=kind,
        pack=wishes.get("pack"),
        owner=owner,
        after=wishes.get("after"),
        limit=_whole(wishes, "limit", (1, MOST_LISTED), _LISTED),
    )


def flag(wishes: Wishes, name: str) -> bool:
    """A switch such as ?map. Raises HaversackError `query-invalid`."""
    text = wishes.get(name, "")
    if text.lower() not in _FLAGS:
        raise HaversackError("query-invalid", f"{name} is {text[:40]!r}; true or false is needed")
    return _FLAGS[text.lower()]


def _optional(wishes: Wishes, name: str, span: tuple[int, int]) -> int | None:
    return _whole(wishes, name, span, 0) if name in wishes else None


def _whole(wishes: Wishes, name: str, span: tuple[int, int], default: int) -> int:
    text = wishes.get(name)
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
