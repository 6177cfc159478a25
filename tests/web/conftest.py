"""The installed server in a subprocess, and a real browser before it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from haversack.samples.bundle import BUNDLED_PACKS

COMMAND = Path(sys.executable).with_name("haversack")
BLOBS = BUNDLED_PACKS / "blobs" / "1"
START_SECONDS = 60
JOBS_KEY = "for-photos-and-jobs-alone"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
VOC = (
    "background,aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,dining table,dog,horse,"
    "motorbike,person,potted plant,sheep,sofa,train,tv"
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def packs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A detector, a label map, a classifier and one without a drawing; no test changes them.

    Imported once, however many processes run the tests: it takes 9 s of a processor.
    """
    names = ("yolox-nano", "deeplab", "mnist", "raw")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packs"
    with _alone(folder.with_suffix(".lock")):
        if not folder.is_dir():
            half = folder.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            _import_all(shared_data / "models", half)
            half.rename(folder)
    return [folder / name / "1" for name in names]


@pytest.fixture(scope="session")
def server(packs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with those packs, and `blobs`."""
    with running(tmp_path_factory.mktemp("server"), *packs, BLOBS) as address:
        yield address


@pytest.fixture(scope="session")
def blobs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with `blobs` alone; its list of jobs grows from test to test."""
    with running(tmp_path_factory.mktemp("blobs"), BLOBS) as address:
        yield address


@pytest.fixture(scope="session")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with `blobs`, and the same network as `spots`."""
    folder = tmp_path_factory.mktemp("two")
    with running(folder, BLOBS, _like_blobs(folder, "spots")) as address:
        yield address


@pytest.fixture(scope="session")
def keyed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that wants the key `sesame-of-sixteen-letters`, or JOBS_KEY."""
    folder = tmp_path_factory.mktemp("keyed")
    keys = folder / "keys"
    keys.write_text(f"somebody:sesame-of-sixteen-letters\nsender:{JOBS_KEY}:infer,jobs\n")
    keys.chmod(0o600)
    with running(folder, BLOBS, "--keys", keys) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ended with this room: while it runs, nothing else on its thread can run an event loop."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def dog(shared_data: Path) -> Path:
    """A dog before a bicycle and a car, 768 by 576."""
    return shared_data / "images" / "everyday" / "darknet_dog.jpg"


@pytest.fixture
def expected() -> list[str]:
    """Beginnings of the console messages that a test provokes."""
    return []


@pytest.fixture
def open_page(browser: Browser, expected: list[str]) -> Iterator[OpenPage]:
    """`open_page(address, color_scheme="dark")`: a fresh person's page.

    Anything in the console fails the test: an exception, a refusal by the content security policy.
    """
    contexts, messages = [], list[str]()

    def heard(message: ConsoleMessage) -> None:
        messages.append(message.text)

    def call(address: str, *, wait: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(address)
        if wait:
            page.wait_for_selector("[data-tone=good]")
        return page

    yield call
    for context in contexts:
        context.close()
    assert [one for one in messages if not one.startswith(tuple(expected))] == []


@contextmanager
def running(folder: Path, *words: str | Path) -> Iterator[str]:
    """`haversack serve` with those words, until the block ends."""
    command = [COMMAND, "serve", "--port", "0", "--state", folder / "state", *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    log = folder / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < START_SECONDS:
        found = re.search(r"ready at (http://\S+)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process of all in the block at a time."""
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _import_all(models: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "voc.names").write_text("\n".join(VOC.split(",")))
    names = models / "detect" / "coco80.names"
    yolox = models / "detect" / "yolox_nano.onnx"
    deeplab = models / "segment" / "deeplab_v3_1_default_1.onnx"
    mnist = models / "classify" / "mnist_ort.onnx"
    _import(folder, yolox, "yolox-nano", "--preset", "yolox", "--labels", names)
    _import(folder, deeplab, "deeplab", "--preset", "deeplab", "--labels", folder / "voc.names")
    _import(folder, mnist, "mnist", "--preset", "mnist")
    raw = _like_blobs(folder, "raw") / "pack.toml"
    text = re.sub(r"\[graph\]\n(?:[^\[\n].*\n|\n)+", "", raw.read_text())
    raw.write_text(text.replace('task = "detect"', 'task = "tensor"', 1))


def _import(folder: Path, source: Path, name: str, *words: str | Path) -> None:
    """As a person does."""
    command = [COMMAND, "pack", "import", source, "--name", name, *words, "-o", folder]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120)


def _like_blobs(folder: Path, name: str) -> Path:
    """The same network under another name."""
    pack = folder / name / "1"
    shutil.copytree(BLOBS, pack)
    manifest = pack / "pack.toml"
    manifest.write_text(manifest.read_text().replace('name = "blobs"', f'name = "{name}"', 1))
    return pack
