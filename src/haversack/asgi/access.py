"""Who may ask for what: API keys with scopes, and the names and origins a browser may use."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from haversack.asgi.names import is_loopback, is_own, read_authority, same_origin
from haversack.callers import EVERYONE, Principal, Scope
from haversack.errors import HaversackError, Kind

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""The names under which a server on this machine may be called where there are no keys."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """One line of a keys file.

    Attributes:
        name: of its holder, for the log.
        digest: sha256 of the key; the key itself is not kept.
        scopes: what it is good for.
    """

    name: str
    digest: bytes
    scopes: frozenset[Scope]


class Register(Protocol):
    """Finds who a key or a session belongs to.

    Promises: called on the event loop, which it does not hold up; what it says was true a few
    seconds ago at most.
    """

    async def by_key(self, secret: str) -> Principal | None:
        """Raises HaversackError where it cannot be told now."""
        ...

    async def by_session(self, session_id: str) -> Principal | None:
        """Raises HaversackError where it cannot be told now."""
        ...


@dataclass(frozen=True, kw_only=True)
class AccessRules:
    """Who may ask.

    Attributes:
        keys: of a file.
        register: of the accounts; without it and without keys everyone may ask for everything.
        hosts: names that `Host` may hold, as `names.Authority` writes them, with any port where
            none stands there; None for any.
        origins: other sites whose pages may call this server, as "https://example.org"; "*" for
            all.
        trust_proxy: whether what X-Forwarded-For and -Proto say is believed.
    """

    keys: tuple[Key, ...] = ()
    register: Register | None = None
    hosts: frozenset[str] | None = None
    origins: frozenset[str] = field(default_factory=frozenset)
    trust_proxy: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether one has to say who one is."""
        return bool(self.keys) or self.register is not None


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in a file of lines `name:key` or `name:key:scope,scope`; # begins a comment.

    A line without scopes may infer, and nothing more.

    Raises:
        HaversackError: `keys-file-open` where others than its owner can read the file;
            `keys-file-invalid` with every wrong line.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise HaversackError(
            "keys-file-open",
            f"{path} may be read by others (mode {mode:04o}); 0600 is needed",
            hint=f"chmod 600 {path}",
        )
    keys, faults = [], []
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            keys.append(_key(line.strip()))
        except ValueError as fault:
            faults.append(f"line {number}: {fault}")
    if faults or not keys:
        raise HaversackError(
            "keys-file-invalid",
            f"{path} {'has wrong lines' if faults else 'holds no key'}",
            hint="Write one `name:key` a line, or `name:key:infer,jobs,admin,metrics`. A good key: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'",
            details=tuple(faults),
        )
    return tuple(keys)


def check_host(rules: AccessRules, host: str) -> None:
    """Refuse a name that is not this server's: a page may have pointed its own name here.

    Raises:
        HaversackError: `host-refused`.
    """
    if rules.hosts is None:
        return
    asked = read_authority(host)
    if asked is not None and (
        asked.name in rules.hosts or str(asked) in rules.hosts or is_loopback(asked)
    ):
        return
    wanted = asked.name if asked is not None else "NAME"
    raise HaversackError(
        "host-refused",
        f"this server does not answer to the name {host[:100]!r}; it answers to "
        f"{', '.join(sorted(rules.hosts))}",
        hint="Use one of those names. Behind a proxy that lets in only whom it should, start the "
        f"server with --allow-host {wanted[:100]}; else with --keys FILE and --host.",
        kind=Kind.FORBIDDEN,
    )


def check_origin(rules: AccessRules, origin: str, host: str) -> None:
    """Refuse a request that another site's page makes in its visitor's name.

    With keys that cannot be done unnoticed, since a browser does not send them by itself; where it
    sends a cookie by itself, `cookies.check_not_forged` is stricter.

    Raises:
        HaversackError: `origin-refused`.
    """
    if not origin or rules.is_guarded or _names(rules.origins, origin):
        return
    if is_own(origin, host):
        return
    hint = f"Start it with --allow-origin {origin[:100]} if they should."
    if origin == "null":
        # Named, it would let in every page that hides where it is from.
        hint = "It is a file or a page in a sandbox: have a server of yours send that page."
    raise HaversackError(
        "origin-refused",
        f"pages of {origin[:100]} may not use this server",
        hint=hint,
        kind=Kind.FORBIDDEN,
    )


def check_key(
    rules: AccessRules, authorization: str, scope: Scope, known: Principal | None = None
) -> Principal:
    """Refuse a request without a key or a session of that scope, where one is needed.

    Args:
        known: whom `rules.register` found.

    Raises:
        HaversackError: `key-missing`, `key-unknown`, `scope-missing`.
    """
    if not rules.is_guarded:
        return EVERYONE
    principal = known or key_holder(rules, authorization)
    if principal is None:
        raise _unknown(rules, authorization)
    if scope not in principal.scopes:
        raise HaversackError(
            "scope-missing",
            f"{principal.name} may {', '.join(sorted(principal.scopes)) or 'do nothing'}; this "
            f"needs {scope}",
            hint="Ask the server's owner for that scope.",
            kind=Kind.FORBIDDEN,
        )
    return principal


def shown_key(authorization: str) -> str:
    """The key in an Authorization header, or ""."""
    kind, _, given = authorization.partition(" ")
    return given.strip() if kind.lower() == "bearer" else ""


def key_holder(rules: AccessRules, authorization: str) -> Principal | None:
    """Whose key of the file it is."""
    digest = sha256(shown_key(authorization).encode()).digest()
    # Every key is compared, so that the time says nothing about which one is near.
    found = [key for key in rules.keys if hmac.compare_digest(key.digest, digest)]
    return Principal(name=f"key:{found[0].name}", scopes=found[0].scopes) if found else None


def _unknown(rules: AccessRules, authorization: str) -> HaversackError:
    if shown_key(authorization):
        return HaversackError(
            "key-unknown",
            "the API key is not one of this server's",
            hint="Ask its owner for one.",
            kind=Kind.UNAUTHENTICATED,
        )
    wanted = "an API key" if rules.register is None else "you to sign in, or an API key"
    return HaversackError(
        "key-missing",
        f"this server wants {wanted}",
        hint="Send the header  Authorization: Bearer KEY",
        kind=Kind.UNAUTHENTICATED,
    )


def allowed_origin(rules: AccessRules, origin: str) -> bool:
    """Whether pages of that origin may read answers."""
    return bool(origin) and _names(rules.origins, origin)


def _key(line: str) -> Key:
    name, _, rest = line.partition(":")
    secret, _, scopes = rest.partition(":")
    if not name or len(secret) < 16:
        raise ValueError("a name and a key of 16 characters or more are needed, as name:key")
    return Key(
        name=name,
        digest=sha256(secret.encode()).digest(),
        scopes=_scopes(scopes.split(",")) if scopes else frozenset({Scope.INFER}),
    )


def _scopes(names: Collection[str]) -> frozenset[Scope]:
    unknown = [name for name in names if name not in set(Scope)]
    if unknown:
        raise ValueError(f"received scope {unknown[0]!r}; allowed are {', '.join(Scope)}")
    return frozenset(Scope(name) for name in names)


def _names(origins: frozenset[str], origin: str) -> bool:
    return "*" in origins or any(same_origin(one, origin) for one in origins)
