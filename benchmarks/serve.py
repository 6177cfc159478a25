"""The server beside bare Starlette and beside other servers, in one run.

    .venv/bin/python benchmarks/serve.py [--peers litserve,mlserver] [--rounds 5]

Every server has the same decoder and the same ONNX graphs: FastestDet for photos of 1.2
megapixels, a graph of 15 numbers for tiny JSON, a mean for tensors of 600 KB. They run one after
the other, round by round, against the same closed-loop client (load.py), which shares the CPUs
with them: ratios are what counts.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import load
import numpy as np
import simplejpeg
from peers import peer_python
from tensor_packs import write_models

from haversack.engine.cpus import usable_cpus
from haversack.samples.scenes import draw_scene

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
SHARED = HERE.parents[1] / "shared" / "data" / "models" / "detect"
COMMAND = Path(sys.executable).with_name("haversack")
ENGINE = ("numpy", "onnxruntime", "simplejpeg", "pillow", "msgspec", "tomli-w", "python-multipart")
# MLServer 1.7 asks uvloop for an event loop in a way that 0.22 refuses.
PEERS = {"litserve": ("litserve",), "mlserver": ("mlserver", "uvloop<0.22")}
SECONDS = 3.0
TINY = {"inputs": [{"name": "rows", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
JSON = "application/json"


@dataclass(frozen=True)
class Server:
    """How one server is started for one kind of request, and asked."""

    name: str
    command: Callable[[int], list[str]]
    ask: Callable[[int], load.Ask]


@dataclass(frozen=True)
class Material:
    """Packs, the photo and the tensor."""

    folder: Path
    photo: bytes

    def pack(self, name: str) -> str:
        return str(self.folder / "packs" / name / "1")


def main() -> None:
    """Print every figure."""
    words = argparse.ArgumentParser()
    words.add_argument("--peers", default="", help="litserve,mlserver")
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    print(
        f"{datetime.date.today()}  {platform.machine()}, {usable_cpus()} CPUs, Python "
        f"{platform.python_version()}, {given.rounds} rounds of {SECONDS:g} s"
    )
    with tempfile.TemporaryDirectory() as folder:
        material = _material(Path(folder))
        peers = [name for name in given.peers.split(",") if name]
        kinds = ("photo", "tiny", "tensor")
        for kind in kinds:
            servers = [*_ours(material, kind), *_peers(material, kind, peers)]
            _compare(kind, servers, given.rounds)
        for server in [*_ours(material, "photo"), *_peers(material, "photo", peers)]:
            _weigh(server)


def _material(folder: Path) -> Material:
    if not SHARED.is_dir():
        raise SystemExit(f"FastestDet.onnx is needed, at {SHARED}")
    models = write_models(folder)
    for name, path in models.items():
        _import(path, name, folder, "--head", "none", "--geometry", "none")
    _import(SHARED / "FastestDet.onnx", "fastestdet", folder, "--preset", "fastestdet")
    scene = draw_scene(1, width=1280, height=960)
    return Material(folder, simplejpeg.encode_jpeg(scene.pixels, quality=90))


def _import(model: Path, name: str, folder: Path, *words: str) -> None:
    command = [str(COMMAND), "pack", "import", str(model), "--name", name, *words]
    subprocess.run([*command, "-o", str(folder / "packs")], check=True, capture_output=True)


def _ours(material: Material, kind: str) -> list[Server]:
    packs = {name: material.pack(name) for name in ("fastestdet", "tiny", "planes")}
    pack = {"photo": "fastestdet", "tiny": "tiny", "tensor": "planes"}[kind]

    def haversack(port: int) -> list[str]:
        state = ["--state", str(material.folder / "state")]
        return [str(COMMAND), "serve", packs[pack], "--port", str(port), *state]

    def bare(port: int) -> list[str]:
        return [sys.executable, str(HERE / "bare_serve.py"), str(port), *packs.values()]

    tiny = json.dumps(TINY).encode()
    size = 4 * 3 * 224 * 224
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "image",
                    "datatype": "FP32",
                    "shape": [1, 3, 224, 224],
                    "parameters": {"binary_data_size": size},
                }
            ]
        }
    ).encode()
    body = head + np.zeros(size // 4, "<f4").tobytes()
    length = str(len(head))
    asks: dict[str, tuple[Callable[[int], load.Ask], Callable[[int], load.Ask] | None]] = {
        "photo": (
            lambda port: load.post(port, "/predict/fastestdet", material.photo),
            lambda port: load.post(port, "/photo", material.photo),
        ),
        "tiny": (
            lambda port: load.post(port, "/v2/models/tiny/infer", tiny, Content_Type=JSON),
            lambda port: load.post(port, "/tensor/tiny", tiny, Content_Type=JSON),
        ),
        "tensor": (
            lambda port: load.post(
                port, "/v2/models/planes/infer", body, Inference_Header_Content_Length=length
            ),
            None,
        ),
    }
    own, floor = asks[kind]
    servers = [Server("haversack", haversack, own)]
    return servers if floor is None else [*servers, Server("bare Starlette", bare, floor)]


def _peers(material: Material, kind: str, names: list[str]) -> list[Server]:
    if kind == "tensor":
        return []
    makers = {"litserve": _litserve, "mlserver": _mlserver}
    found = []
    for name in names:
        python = peer_python(name, (*PEERS[name], *ENGINE))
        if python is not None:
            found.append(makers[name](material, kind, python))
    return found


def _litserve(material: Material, kind: str, python: Path) -> Server:
    script = str(HERE / "peer_servers" / "with_litserve.py")
    pack = material.pack("fastestdet" if kind == "photo" else "tiny")
    form = (
        b'--x\r\nContent-Disposition: form-data; name="content"; filename="p.jpg"\r\n\r\n'
        + material.photo
        + b"\r\n--x--\r\n"
    )

    def ask(port: int) -> load.Ask:
        if kind == "photo":
            return load.post(port, "/predict", form, Content_Type="multipart/form-data; boundary=x")
        return load.post(port, "/predict", json.dumps(TINY).encode(), Content_Type=JSON)

    return Server("LitServe", lambda port: [str(python), script, str(port), kind, pack], ask)


def _mlserver(material: Material, kind: str, python: Path) -> Server:
    pack = material.pack("fastestdet" if kind == "photo" else "tiny")
    tensor = {
        "name": "image",
        "datatype": "BYTES",
        "shape": [1],
        "data": [base64.b64encode(material.photo).decode()],
    }
    body = json.dumps({"inputs": [tensor]} if kind == "photo" else TINY).encode()

    def command(port: int) -> list[str]:
        folder = material.folder / f"mlserver-{port}"
        folder.mkdir()
        settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
        (folder / "settings.json").write_text(json.dumps(settings | {"debug": False}))
        model = {"name": "m", "implementation": "with_mlserver.PackRuntime"}
        (folder / "model-settings.json").write_text(
            json.dumps(model | {"parameters": {"uri": pack}})
        )
        return [str(python.with_name("mlserver")), "start", str(folder)]

    return Server(
        "MLServer",
        command,
        lambda port: load.post(port, "/v2/models/m/infer", body, Content_Type=JSON),
    )


def _compare(kind: str, servers: list[Server], rounds: int) -> None:
    titles = {
        "photo": "photo uploads of 1.2 MP",
        "tiny": "tiny JSON",
        "tensor": "tensors of 600 KB, binary",
    }
    crowds = (1, 16) if kind == "photo" else (16,)
    seen: dict[tuple[str, int], list[load.Load]] = {}
    for _ in range(rounds):
        for server in servers:
            with _running(server) as (ask, _):
                for clients in crowds:
                    one = load.run(ask, clients=clients, seconds=SECONDS)
                    seen.setdefault((server.name, clients), []).append(one)
    for clients in crowds:
        print(f"\n{titles[kind]}, {clients} at once")
        ours = seen["haversack", clients]
        for server in servers:
            theirs = seen[server.name, clients]
            ratios = sorted(a.rate / b.rate for a, b in zip(ours, theirs, strict=True) if b.rate)
            spread = f"({ratios[0]:.2f} to {ratios[-1]:.2f})" if ratios else ""
            middle = f"{statistics.median(ratios):.2f}" if ratios else "-"
            print(f"  {server.name:15} {_middle(theirs)}   haversack is {middle} x {spread}")


def _middle(loads: list[load.Load]) -> load.Load:
    """The round with the median rate."""
    return sorted(loads, key=lambda one: one.rate)[len(loads) // 2]


def _weigh(server: Server) -> None:
    """Memory of a server and its children, and the time from its start to its first answer."""
    with _running(server) as (ask, started):
        load.run(ask, clients=1, seconds=0.3)
        time.sleep(2)
        pid = started.pid
        idle, peak, stop = _resident(pid), [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                peak[0] = max(peak[0], _resident(pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        load.run(ask, clients=16, seconds=SECONDS)
        stop.set()
        watcher.join()
    print(
        f"\n{server.name}: first answer after {started.first_answer_seconds:.2f} s, "
        f"{idle:.0f} MB idle, {peak[0]:.0f} MB under 16 uploads"
    )


@dataclass(frozen=True)
class _Started:
    pid: int
    first_answer_seconds: float


@contextlib.contextmanager
def _running(server: Server) -> Iterator[tuple[load.Ask, _Started]]:
    """A server, from its first answer until it has ended."""
    port = _free_port()
    paths = os.pathsep.join([str(SOURCE), str(HERE / "peer_servers")])
    environ = {**os.environ, "PYTHONPATH": paths}
    began = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            server.command(port), stdout=log, stderr=log, env=environ, start_new_session=True
        )
        ask = server.ask(port)
        try:
            while not _answers(ask):
                if process.poll() is not None or time.perf_counter() - began > 120:
                    log.seek(0)
                    raise SystemExit(f"{server.name} did not start:\n{log.read().decode()[-3000:]}")
                time.sleep(0.01)
            yield ask, _Started(process.pid, time.perf_counter() - began)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(ask: load.Ask) -> bool:
    """Whether one request is answered with 200."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ask.port), 20) as to:
        to.sendall(ask.data)
        return to.recv(12) == b"HTTP/1.1 200"
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def _resident(pid: int) -> float:
    """Proportional memory of a process and its descendants, in MB."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rsplit(")", 1)[1].split()[3]) == pid:  # its session
                rollup = (status.parent / "smaps_rollup").read_text()
                total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1024


if __name__ == "__main__":
    main()
