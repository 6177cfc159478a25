"""People who may sign in."""

from __future__ import annotations

from dataclasses import dataclass

from haversack.accounts.names import check_name, is_name
from haversack.accounts.passwords import Passwords
from haversack.accounts.sessions import oldest
from haversack.accounts.tables import Tables, joined
from haversack.database.connection import Value
from haversack.errors import HaversackError, Kind


@dataclass(frozen=True, kw_only=True)
class User:
    """One person.

    Attributes:
        scopes: words for what they may do.
        created: seconds since 1970.
        changed: when the password was.
        seen: last, by a session that still holds; None for by none.
        sessions: that hold.
    """

    name: str
    scopes: frozenset[str]
    created: float
    changed: float
    seen: float | None = None
    sessions: int = 0


class Users:
    """People, by name.

    Promises: any thread may call; what returned is on the disk. Nobody's password is kept, only
    what `Passwords.make` makes of it.
    """

    def __init__(self, tables: Tables, passwords: Passwords) -> None:
        self._tables = tables
        self._passwords = passwords

    def add(self, name: str, password: str, scopes: frozenset[str]) -> None:
        """Let somebody in.

        Raises:
            HaversackError: `account-name-invalid`, `password-weak`, `user-exists`.
        """
        check_name(name)
        kept = self._passwords.make(password)
        values: dict[str, Value] = {"name": name, "password": kept, "scopes": joined(scopes)}
        self._tables.rows("add_user", {**values, "now": self._tables.now()})
        if self._kept(name) != kept:
            raise HaversackError(
                "user-exists",
                f"there is a user {name!r} already",
                hint="`haversack user password` gives them another password.",
                kind=Kind.CONFLICT,
            )

    def listed(self) -> list[User]:
        """Everyone, by name."""
        return [
            User(
                name=row[0],
                scopes=frozenset(row[1].split()),
                created=row[2],
                changed=row[3],
                seen=row[4],
                sessions=row[5],
            )
            for row in self._tables.query("list_users", oldest(self._tables.now()))
        ]

    def any(self) -> bool:
        """Whether somebody could sign in."""
        return bool(self._tables.query("has_users", {}))

    def remove(self, name: str) -> None:
        """Take a person away, with sessions and keys. Raises HaversackError `user-unknown`."""
        with self._tables.alone() as run:
            run("end_sessions", {"user": name})
            run("revoke_keys_of", {"user": name, "now": self._tables.now()})
            found = run("remove_user", {"name": name})
        if not found:
            raise unknown_user(name)

    def change_password(self, name: str, password: str) -> None:
        """Another password; whoever is signed in under the old one is not any more.

        Raises:
            HaversackError: `password-weak`, `user-unknown`.
        """
        kept = self._passwords.make(password)
        values: dict[str, Value] = {"name": name, "password": kept, "now": self._tables.now()}
        with self._tables.alone() as run:
            found = run("change_password", values)
            run("end_sessions", {"user": name})
        if not found:
            raise unknown_user(name)

    def change_scopes(self, name: str, scopes: frozenset[str]) -> None:
        """What a person may do from now on, signed in or not, and by their keys.

        Raises:
            HaversackError: `user-unknown`.
        """
        if not self._tables.rows("change_scopes", {"name": name, "scopes": joined(scopes)}):
            raise unknown_user(name)

    def find(self, name: str, password: str) -> User | None:
        """The person with that password; None takes as long for a wrong name as a wrong password.

        Takes about 0.2 s, one at a time.
        """
        rows = self._tables.query("find_user", {"name": name}) if is_name(name) else []
        is_right = self._passwords.matches(password, rows[0][4] if rows else None)
        if not is_right:
            return None
        return User(
            name=name,
            scopes=frozenset(rows[0][1].split()),
            created=rows[0][2],
            changed=rows[0][3],
        )

    def _kept(self, name: str) -> str:
        rows = self._tables.query("find_user", {"name": name})
        return str(rows[0][4]) if rows else ""


def unknown_user(name: str) -> HaversackError:
    """There is nobody of that name."""
    return HaversackError(
        "user-unknown",
        f"there is no user {name[:80]!r}",
        hint="`haversack user list` names them.",
        kind=Kind.NOT_FOUND,
    )
