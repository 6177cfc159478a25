"""Memory of servers with the same model: idle, and under 16 uploads at once.

    .venv/bin/python benchmarks/memory.py [--peers litserve,bentoml] [--megapixels 1.2,24]

Every server has the same decoder and the same graphs, FastestDet's, and runs alone. Memory is the
proportional share (PSS) of a server with all its processes, the highest of a sample every 50 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import platform
import tempfile
import threading
import time
from pathlib import Path

import load
import simplejpeg
from peers import peer_python
from serve import ENGINE, HERE, Material, Server, _import, _litserve, _ours, _running

from haversack.engine.cpus import usable_cpus
from haversack.samples.scenes import draw_scene

MODEL = HERE.parents[1] / "shared" / "data" / "models" / "detect" / "FastestDet.onnx"
PEERS = {"litserve": ("litserve",), "bentoml": ("bentoml",)}
SECONDS = 6.0


def main() -> None:
    """Print every figure."""
    words = argparse.ArgumentParser()
    words.add_argument("--peers", default="", help="litserve,bentoml")
    words.add_argument("--megapixels", default="1.2", help="of the uploads; several with commas")
    given = words.parse_args()
    if not MODEL.is_file():
        raise SystemExit(f"FastestDet.onnx is needed, at {MODEL}")
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        _import(MODEL, "fastestdet", Path(folder), "--preset", "fastestdet")
        for size in map(float, given.megapixels.split(",")):
            width = round((size * 1e6 * 4 / 3) ** 0.5 / 16) * 16
            scene = draw_scene(1, width=width, height=width * 3 // 4)
            material = Material(Path(folder), simplejpeg.encode_jpeg(scene.pixels, quality=90))
            print(f"\nuploads of {size:g} MP, {len(material.photo) >> 10} KiB")
            for server in _servers(material, given.peers.split(",")):
                weigh(server)


def weigh(server: Server) -> None:
    """One server, from its start to its end."""
    with _running(server) as (ask, started):
        load.run(ask, clients=1, seconds=0.3)
        time.sleep(2)
        idle, most, stop = _family_mb(started.pid), [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                most[0] = max(most[0], _family_mb(started.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        seen = load.run(ask, clients=16, seconds=SECONDS)
        stop.set()
        watcher.join()
        time.sleep(3)
        after = _family_mb(started.pid)
    print(
        f"  {server.name:15} {idle:5.0f} MB idle  {most[0]:5.0f} MB at most  {after:5.0f} MB after"
        f"   {seen.rate:6.0f}/s" + (f"  {seen.errors} ERRORS" if seen.errors else "")
    )


def _family_mb(pid: int) -> float:
    """Of a process and all its descendants: BentoML's workers lead sessions of their own."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rsplit(")", 1)[1].split()[1])
    family, total = {pid}, 0
    while grown := {one for one, parent in parents.items() if parent in family} - family:
        family |= grown
    for one in family:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1024


def _servers(material: Material, peers: list[str]) -> list[Server]:
    found = [one for one in _ours(material, "photo") if one.name == "haversack"]
    for name in filter(None, peers):
        python = peer_python(name, (*PEERS[name], *ENGINE))
        if python is not None:
            found.append({"litserve": _litserve_photo, "bentoml": _bentoml}[name](material, python))
    return found


def _litserve_photo(material: Material, python: Path) -> Server:
    return _litserve(material, "photo", python)


def _bentoml(material: Material, python: Path) -> Server:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + material.photo + b"\r\n--x--\r\n"
    )
    script = "env PACK={pack} {bento} serve with_bentoml:Photo --port {port} --host 127.0.0.1"

    def command(port: int) -> list[str]:
        bento = python.with_name("bentoml")
        return script.format(pack=material.pack("fastestdet"), bento=bento, port=port).split()

    return Server(
        "BentoML",
        command,
        lambda port: load.post(
            port, "/predict", form, Content_Type="multipart/form-data; boundary=x"
        ),
    )


if __name__ == "__main__":
    main()
