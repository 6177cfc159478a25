"""API keys for programs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from haversack.accounts.names import check_name
from haversack.accounts.tables import Tables, digest_of, joined
from haversack.accounts.users import unknown_user
from haversack.database.connection import Row, Value
from haversack.errors import HaversackError, Kind

_COARSE_SECONDS = 3600.0  # how exactly the last use is known: a write an hour, not one a request
_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """One key, without its secret.

    Attributes:
        name: of the key; one that holds has it for itself.
        owner: the user whose it is, or "" for a program's own.
        scopes: what it is good for; of a user's key at most what the user may do.
        created: seconds since 1970.
        used: last, to an hour; None for never.
        revoked: when it was taken away; None for not.
    """

    name: str
    owner: str
    scopes: frozenset[str]
    created: float
    used: float | None
    revoked: float | None


def _new_secret() -> str:
    # The first letters let programs that look for leaked secrets know it.
    return "hvs_" + secrets.token_urlsafe(_SECRET_BYTES)


class Keys:
    """Keys, by name; sha256 of each is kept.

    Promises: any thread may call. A revoked key is found no more once `revoke` has returned.
    """

    def __init__(self, tables: Tables, new_secret: Callable[[], str] = _new_secret) -> None:
        self._tables = tables
        self._new_secret = new_secret

    def add(self, name: str, scopes: frozenset[str], owner: str = "") -> str:
        """The new key: shown now, and never again.

        Raises:
            HaversackError: `account-name-invalid`, `user-unknown` for the owner, `key-exists`.
        """
        check_name(name)
        if owner and not self._tables.query("find_user", {"name": owner}):
            raise unknown_user(owner)
        secret = self._new_secret()
        values: dict[str, Value] = {"digest": digest_of(secret), "name": name, "owner": owner}
        values |= {"scopes": joined(scopes), "now": self._tables.now()}
        self._tables.rows("add_key", values)
        if self.find(secret) is None:
            raise HaversackError(
                "key-exists",
                f"there is a key {name!r} already",
                hint=f"Choose another name, or `haversack key revoke {name}` first.",
                kind=Kind.CONFLICT,
            )
        return secret

    def find(self, secret: str) -> ApiKey | None:
        """The key that holds and has this secret."""
        rows = self._tables.query("find_key", {"digest": digest_of(secret)})
        return _key(rows[0]) if rows else None

    def mark_used(self, secret: str, key: ApiKey) -> None:
        """Keep when it was used, if that is not known to the hour."""
        now = self._tables.now()
        if key.used is None or key.used < now - _COARSE_SECONDS:
            values: dict[str, Value] = {"now": now, "before": now - _COARSE_SECONDS}
            self._tables.query("touch_key", {**values, "digest": digest_of(secret)})

    def listed(self) -> list[ApiKey]:
        """All that were ever made, by name."""
        return [_key(row) for row in self._tables.query("list_keys", {})]

    def any(self) -> bool:
        """Whether there is one that holds."""
        return bool(self._tables.query("has_keys", {}))

    def revoke(self, name: str) -> None:
        """Take a key away. Raises HaversackError `key-name-unknown`."""
        if not self._tables.rows("revoke_key", {"name": name, "now": self._tables.now()}):
            raise HaversackError(
                "key-name-unknown",
                f"there is no key {name[:80]!r}",
                hint="`haversack key list` names them.",
                kind=Kind.NOT_FOUND,
            )


def _key(row: Row) -> ApiKey:
    name, owner, scopes, created, used, revoked, owners = row
    own = frozenset(scopes.split())
    return ApiKey(
        name=name,
        owner=owner,
        scopes=own if owners is None else own & frozenset(owners.split()),
        created=created,
        used=used,
        revoked=revoked,
    )
