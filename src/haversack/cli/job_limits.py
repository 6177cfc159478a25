"""`haversack serve`'s options of what is kept of jobs, and of who is told of them."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from haversack.cli.options import ExistingPath, SizeType
from haversack.jobs.limits import JobLimits
from haversack.jobs.store import Retention
from haversack.jobs.webhook_rules import Network, WebhookRules, read_secret
from haversack.units import parse_seconds

_SIZE = SizeType()


class AgeType(click.ParamType[float]):
    """An age such as 12h, as seconds, above 0."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds; raises HaversackError `duration-unreadable`."""
        seconds = parse_seconds(value) if isinstance(value, str) else float(value)
        if seconds <= 0:
            self.fail(f"an age above 0 is needed; received {value!r}", param, ctx)
        return seconds


class NetworkType(click.ParamType[Network]):
    """An address, or a network such as 10.0.0.0/8."""

    name = "network"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Network:
        """The network, of one address where one is named."""
        try:
            return ipaddress.ip_network(value)
        except ValueError as fault:
            self.fail(f"{fault}; write it as 10.0.0.0/8 or 127.0.0.1", param, ctx)


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--keep-results` and its like, as one argument `limits`."""

    @functools.wraps(function)
    def limited(
        *words: Any,
        keep_results: float,
        keep_photos: float,
        keep_jobs: float,
        results_quota: int,
        photos_quota: int,
        most_jobs: int,
        **values: Any,
    ) -> Any:
        keep = Retention(
            result_seconds=keep_results,
            result_bytes=results_quota,
            input_seconds=keep_photos,
            input_bytes=photos_quota,
            job_seconds=keep_jobs,
        )
        return function(*words, limits=JobLimits(queued=most_jobs, keep=keep), **values)

    for option in (
        _option("--most-jobs", click.IntRange(1, 10_000_000), 100_000, "Jobs that may wait."),
        _option("--photos-quota", _SIZE, "4G", "Most of photos of jobs that ended."),
        _option("--results-quota", _SIZE, "1G", "Most of results of jobs."),
        _option("--keep-jobs", AgeType(), "90d", "Age at which a job itself is forgotten."),
        _option("--keep-photos", AgeType(), "1d", "Age at which a job's photos are removed."),
        _option("--keep-results", AgeType(), "7d", "Age at which a job's result is removed."),
    ):
        limited = option(limited)
    return limited


def webhook_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--webhook-secret` and `--webhook-to`, as one argument `webhooks`."""

    @functools.wraps(function)
    def told(
        *words: Any, webhook_secret: Path | None, webhook_to: tuple[Network, ...], **values: Any
    ) -> Any:
        if webhook_secret is None and webhook_to:
            raise click.UsageError("--webhook-to needs --webhook-secret.")
        rules = (
            WebhookRules(secret=read_secret(webhook_secret), allowed=webhook_to)
            if webhook_secret is not None
            else None
        )
        return function(*words, webhooks=rules, **values)

    for option in (
        click.option(
            "--webhook-to",
            multiple=True,
            type=NetworkType(),
            help="Private address or network that may be told all the same. May be given several "
            "times.",
        ),
        click.option(
            "--webhook-secret",
            type=ExistingPath(dir_okay=False),
            help="File with the secret (whsec_...) that signs webhooks; turns them on. Mode 0600.",
        ),
    ):
        told = option(told)
    return told


def _option(name: str, kind: Any, default: Any, text: str) -> Callable[..., Any]:
    return click.option(name, type=kind, default=default, show_default=True, help=text)
