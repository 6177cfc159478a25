"""What callers may say of a job: behind the question mark, and in headers."""

from __future__ import annotations

from starlette.requests import Request

from haversack.errors import HaversackError
from haversack.jobs.job import State
from haversack.jobs.kinds import JobKinds
from haversack.jobs.store import Filter
from haversack.jobs.webhook_rules import WebhookRules
from haversack.jobs.wishes import Wishes, whole

MOST_LISTED = 200
MOST_PRIORITY = 100
LONGEST_WAIT_SECONDS = 30 * 86_400
_LISTED = 50
_KEY_LENGTH = 255


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
    return whole(wishes, "priority", (-MOST_PRIORITY, MOST_PRIORITY)) or 0


def wait_seconds(wishes: Wishes) -> float | None:
    """?wait: seconds until a job that has not started expires. Raises `query-invalid`."""
    seconds = whole(wishes, "wait", (1, LONGEST_WAIT_SECONDS))
    return None if seconds is None else float(seconds)


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


def listing(wishes: Wishes, owner: str | None, kinds: JobKinds) -> Filter:
    """?state, ?kind, ?pack, ?after and ?limit. Raises HaversackError `query-invalid`."""
    state = wishes.get("state")
    if state is not None and state not in set(State):
        raise HaversackError(
            "query-invalid", f"state is {state[:40]!r}; allowed are {', '.join(State)}"
        )
    kind = wishes.get("kind")
    if kind is not None and kind not in kinds.names:
        raise HaversackError(
            "query-invalid", f"kind is {kind[:40]!r}; allowed are {' and '.join(kinds.names)}"
        )
    return Filter(
        state=State(state) if state else None,
        kind=kind,
        pack=wishes.get("pack"),
        owner=owner,
        after=wishes.get("after"),
        limit=whole(wishes, "limit", (1, MOST_LISTED)) or _LISTED,
    )
