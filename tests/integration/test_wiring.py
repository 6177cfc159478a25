"""A server is wired without living: no thread and no task is begun before its lifecycle."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from tests.server.running import BLOBS

from haversack.app.lifecycle import Lifecycle
from haversack.app.options import AppOptions
from haversack.app.wiring import application, job_workers, wire
from haversack.jobs.webhook_rules import WebhookRules
from haversack.serve.http.job_context import Phase


def test_wiring_begins_no_thread_and_no_task(tmp_path: Path) -> None:
    async def work() -> None:
        before = set(threading.enumerate())
        rules = WebhookRules(secret=b"\1" * 32)
        options = AppOptions(packs=(BLOBS,), state=tmp_path, webhooks=rules)
        parts = wire(options, has_door=True)
        lifecycle = Lifecycle(parts, lambda models: None)
        application(parts, lifecycle.life)
        workers = job_workers(parts, asyncio.get_running_loop())
        assert set(threading.enumerate()) == before
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert parts.context.phase is Phase.LOADING
        assert parts.plane.catalogue.models() == []
        assert parts.notifier is not None
        assert len(workers) == 2
        parts.jobs.store.close()

    asyncio.run(work())


def test_a_lifecycle_brings_up_what_was_wired_and_leaves_no_thread_behind(tmp_path: Path) -> None:
    async def work() -> None:
        before = set(threading.enumerate())
        came: list[str] = []
        ready = asyncio.Event()

        parts = wire(AppOptions(packs=(BLOBS,), state=tmp_path), has_door=False)

        def on_ready(models: object) -> None:
            came.extend(model.identity.name for model in parts.plane.catalogue.models())
            ready.set()

        lifecycle = Lifecycle(parts, on_ready)
        async with lifecycle.life(), asyncio.timeout(60):
            await ready.wait()
            assert parts.context.phase is Phase.READY
            assert set(threading.enumerate()) > before
        assert came == ["blobs"]
        assert lifecycle.fault is None
        left = {one.name for one in set(threading.enumerate()) - before}
        assert {name for name in left if not name.startswith("asyncio_")} == set()

    asyncio.run(work())


def test_a_pack_that_cannot_be_loaded_is_the_lifecycles_fault_and_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        parts = wire(AppOptions(packs=(tmp_path / "none",), state=tmp_path), has_door=False)
        lifecycle = Lifecycle(parts, lambda models: None)
        told = asyncio.Event()
        lifecycle.on_fault = told.set
        async with lifecycle.life(), asyncio.timeout(60):
            await told.wait()
        assert lifecycle.fault is not None
        assert parts.context.phase is Phase.LOADING

    asyncio.run(work())
