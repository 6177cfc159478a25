"""Whom `haversack serve` lets in: by its options, its address and the accounts it finds."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import click

from haversack.accounts.accounts import has_accounts
from haversack.asgi.access import LOOPBACK, AccessRules, read_keys
from haversack.asgi.names import own_authority
from haversack.errors import HaversackError


@dataclass(frozen=True, kw_only=True)
class AccessOptions:
    """The options of who may use a server.

    Attributes:
        keys: file of API keys.
        no_auth: let everyone in.
        accounts: ask for one even if nobody has one yet.
        trust_proxy: believe X-Forwarded-For and X-Forwarded-Proto.
        hosts: names of its own beside those of this machine, as a proxy passes them on.
    """

    keys: Path | None
    no_auth: bool
    accounts: bool
    trust_proxy: bool
    hosts: tuple[str, ...] = ()


def needs_account(guard: AccessOptions, database_url: str) -> bool:
    """Whether callers are looked up in the database: decided now, for the server's whole life.

    Taking the last account away therefore never opens a server that runs.

    Raises:
        click.UsageError: options that contradict each other.
        HaversackError: as `has_accounts`.
    """
    if guard.no_auth and (guard.keys is not None or guard.accounts):
        other = "--accounts" if guard.accounts else "--keys"
        raise click.UsageError(f"{other} and --no-auth contradict each other; give one of them.")
    return not guard.no_auth and (guard.accounts or has_accounts(database_url))


def access_rules(
    host: str, guard: AccessOptions, origins: frozenset[str], *, looks_up: bool
) -> AccessRules:
    """Who may ask.

    Raises:
        HaversackError: `address-open` where others could, and nothing says that they may;
            `host-name-invalid`; as `read_keys`.
    """
    hosts = frozenset(str(own_authority(name)) for name in guard.hosts)
    keys = () if guard.keys is None else read_keys(guard.keys)
    trusts = guard.trust_proxy
    named = LOOPBACK | hosts if hosts else None
    if keys or looks_up:
        return AccessRules(keys=keys, hosts=named, origins=origins, trust_proxy=trusts)
    if _is_loopback(host):
        return AccessRules(hosts=LOOPBACK | hosts, origins=origins, trust_proxy=trusts)
    if not guard.no_auth:
        raise HaversackError(
            "address-open",
            f"listening on {host} lets others use this server",
            hint="Let people sign in (haversack user add NAME), or give --keys FILE, or --no-auth "
            "if everyone may use it.",
        )
    return AccessRules(hosts=named, origins=origins, trust_proxy=trusts)


def who_may(rules: AccessRules, accounts: str | None) -> str:
    """Who may use the server, in a sentence for whoever started it."""
    if accounts is not None and not rules.keys and not has_accounts(accounts):
        return "Nobody may use it yet: haversack user add NAME lets somebody sign in."
    if accounts is not None:
        return "Who has an account or a key may use it."
    if rules.keys:
        return "Who has a key of the file may use it."
    if rules.hosts is None:
        return (
            "Everyone who reaches this address may use it, load and remove packs: haversack user "
            "add NAME, or --keys FILE, would close it."
        )
    others = ", ".join(sorted(rules.hosts - LOOPBACK))
    if others:
        return (
            f"Open to everyone on this machine, and to whoever reaches it as {others}: they may "
            "load and remove packs, too."
        )
    return (
        "Open to everyone on this machine, and to nobody else: after haversack user add NAME "
        "people have to sign in."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
