"""Passwords: what is kept of them, and whether one is right."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass

from haversack.errors import HaversackError

SHORTEST, LONGEST = 10, 200
"""Letters of a password.

Source: NIST SP 800-63B, 5.1.1: a length and no rules of composition; the upper limit keeps a
request small.
"""
_SALT_BYTES, _HASH_BYTES = 16, 32

Derive = Callable[[bytes, bytes, "GuessCost"], bytes]


@dataclass(frozen=True, kw_only=True)
class GuessCost:
    """What one guess costs: 128 n r bytes of memory, p times.

    Source: OWASP Password Storage Cheat Sheet: N=2^14, r=8, p=5 is the strength of argon2id's
    recommendation, in 16 MiB; RFC 7914 has the algorithm.
    """

    n: int = 2**14
    r: int = 8
    p: int = 5


def scrypt(password: bytes, salt: bytes, cost: GuessCost) -> bytes:
    """RFC 7914's, which lets go of Python's lock; about 0.2 s."""
    limit_bytes = 2 * 128 * cost.r * (cost.n + cost.p)
    return hashlib.scrypt(
        password, salt=salt, n=cost.n, r=cost.r, p=cost.p, dklen=_HASH_BYTES, maxmem=limit_bytes
    )


class Passwords:
    """Makes and compares; one at a time, so that many sign-ins together take 16 MiB.

    Promises: any thread may call; a call takes as long for a password that is wrong as for one
    that nobody has.
    """

    def __init__(
        self,
        derive: Derive = scrypt,
        new_salt: Callable[[int], bytes] = os.urandom,
        cost: GuessCost | None = None,
    ) -> None:
        self._derive = derive
        self._new_salt = new_salt
        self._cost = cost or GuessCost()
        self._one = threading.Lock()

    def make(self, password: str) -> str:
        """What to keep: the parameters, the salt and the hash, as one text.

        Raises:
            HaversackError: `password-weak`.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise HaversackError(
                "password-weak",
                f"received a password of {len(password)} letters; {SHORTEST} to {LONGEST} are "
                "needed",
                hint="A few words that do not belong together are easy to remember.",
            )
        salt, cost = self._new_salt(_SALT_BYTES), self._cost
        with self._one:
            found = self._derive(_bytes(password), salt, cost)
        return f"scrypt${cost.n},{cost.r},{cost.p}${_text(salt)}${_text(found)}"

    def matches(self, password: str, kept: str | None) -> bool:
        """Whether `kept` was made from this password.

        None, which stands for an unknown user's, takes as long and never matches.
        """
        cost, salt, expected = self._read(kept)
        with self._one:
            found = self._derive(_bytes(password[: LONGEST + 1]), salt, cost)
        return hmac.compare_digest(found, expected) and kept is not None

    def _read(self, kept: str | None) -> tuple[GuessCost, bytes, bytes]:
        if kept is None:
            return self._cost, bytes(_SALT_BYTES), bytes(_HASH_BYTES)
        _, numbers, salt, expected = kept.split("$")
        n, r, p = map(int, numbers.split(","))
        return GuessCost(n=n, r=r, p=p), b64decode(salt), b64decode(expected)


def _bytes(password: str) -> bytes:
    """The same letters give the same bytes on every keyboard. Source: NIST SP 800-63B, 5.1.1.2."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return b64encode(data).decode()
