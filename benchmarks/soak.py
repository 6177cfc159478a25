"""A server under mixed uploads for some minutes, and its memory each few seconds.

    .venv/bin/python benchmarks/soak.py [MINUTES] [--memory 512M] [--pack PACK]

Sixteen clients send photos of 0.3 to 24 megapixels, JPEG in one scan and in several, and some that
are broken. Ends with a line that says by how much the mean grew from the first half to the last.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import simplejpeg
from PIL import Image

from haversack.samples.bundle import BUNDLED_PACKS
from haversack.samples.scenes import draw_scene

COMMAND = Path(sys.executable).with_name("haversack")
CLIENTS = 16


def main() -> None:
    """Print memory over time, and what the clients were told."""
    words = argparse.ArgumentParser()
    words.add_argument("minutes", type=float, nargs="?", default=2.0)
    words.add_argument("--memory", default="512M")
    words.add_argument("--pack", type=Path, default=BUNDLED_PACKS / "blobs" / "1")
    given = words.parse_args()
    photos = draw_photos()
    with tempfile.TemporaryDirectory() as folder:
        command = [COMMAND, "serve", given.pack, "--port", "0", "--memory", given.memory]
        process = subprocess.Popen(
            [str(word) for word in [*command, "--state", Path(folder) / "state"]],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("Haversack is ready at ").strip()
            soak(url, process.pid, photos, given.minutes * 60)
        finally:
            process.terminate()
            process.wait(60)


def soak(url: str, pid: int, photos: list[bytes], seconds: float) -> None:
    """Sixteen clients for that long; then what they were told, and the growth."""
    name = httpx.get(f"{url}/packs").json()["packs"][0]["name"]
    seen: Counter[int] = Counter()
    lock, stop = threading.Lock(), threading.Event()

    def ask(number: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as client:
            while not stop.is_set():
                number += 1
                answer = client.post(f"/predict/{name}", content=photos[number % len(photos)])
                with lock:
                    seen[answer.status_code] += 1

    clients = [threading.Thread(target=ask, args=[number]) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    began, at = time.monotonic(), []
    every = max(seconds / 20, 1.0)
    while time.monotonic() - began < seconds:
        time.sleep(every)
        passed, resident = time.monotonic() - began, _resident_mb(pid)
        at.append(resident)
        print(f"{passed:7.0f} s  {resident:5.0f} MB  {sum(seen.values()):8,} answers", flush=True)
    stop.set()
    for client in clients:
        client.join()
    time.sleep(3)
    budget = httpx.get(f"{url}/status").json()["memory"]["budget_bytes"] >> 20
    print(f"\n{dict(seen)}; budget {budget} MiB, highest sample {max(at):.0f} MB")
    print(f"at rest afterwards {_resident_mb(pid):.0f} MB")
    half = len(at) // 2
    first, last = sum(at[:half]) / half, sum(at[-half:]) / half
    print(f"under load: first half {first:.0f} MB, last {last:.0f} MB: {last / first - 1:+.1%}")


def draw_photos() -> list[bytes]:
    """JPEGs of five sizes, one in several scans, a PNG, and two that are broken."""
    found = []
    for seed, width in enumerate((640, 1280, 2048, 4000, 5664)):
        pixels = draw_scene(seed, width=width, height=width * 3 // 4).pixels
        found.append(simplejpeg.encode_jpeg(pixels, quality=88))
    photo = Image.fromarray(draw_scene(7, width=2048, height=1536).pixels)
    for kind, options in (("JPEG", {"progressive": True}), ("PNG", {"compress_level": 1})):
        buffer = io.BytesIO()
        photo.save(buffer, kind, **options)
        found.append(buffer.getvalue())
    return [*found, found[1][: len(found[1]) // 2], b"\xff\xd8 no photo"]


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
