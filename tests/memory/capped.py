"""`haversack serve` where it cannot have more memory than it was given, and photos to send it.

The cap is a control group, v1 or v2. Where none can be made, RLIMIT_AS stands in, and `said` tells:
it counts addresses instead of memory, so it is set once the server is ready, to what it has then,
what it may still take, and a GiB for bodies on disk that are mapped; and the server is given its
budget by --memory. What it has of its own is compared with the budget in both cases.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg

from haversack.serve.models.memory_plan import default_whole

COMMAND = Path(sys.executable).with_name("haversack")
GROUPS = Path("/sys/fs/cgroup")
_MAPPED_BYTES = 1 << 30
_READY = "Haversack is ready at "


@dataclass(frozen=True, kw_only=True)
class Capped:
    """A server in a control group of its own."""

    url: str
    process: subprocess.Popen[str]
    group: Path | None
    stderr: Path

    @property
    def said(self) -> str:
        """Who caps it."""
        return "control group" if self.group is not None else "--memory"

    def resident_bytes(self) -> int:
        """Of its process, now."""
        text = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def private_bytes(self) -> int:
        """What only its process has, now: not the program's files, nor bodies that wait on disk."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0]) * 1024

    def kills(self) -> int:
        """How often the system killed in its group because memory ran out."""
        for name in ("memory.oom_control", "memory.events") if self.group else ():
            with contextlib.suppress(OSError):
                assert self.group is not None
                for line in (self.group / name).read_text().splitlines():
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        return 0


@contextlib.contextmanager
def memory_group(limit_bytes: int) -> Iterator[Path | None]:
    """A control group, v1 or v2, with no swap either; None where none can be made."""
    v1 = GROUPS / "memory"
    top, limit = (v1, "memory.limit_in_bytes") if v1.is_dir() else (GROUPS, "memory.max")
    swap = "memory.memsw.limit_in_bytes" if v1.is_dir() else "memory.swap.max"
    group = Path(tempfile.mktemp(prefix="haversack-test-", dir=top))
    try:
        group.mkdir()
        (group / limit).write_text(str(limit_bytes))
    except OSError:
        with contextlib.suppress(OSError):
            group.rmdir()
        yield None
        return
    with contextlib.suppress(OSError):
        (group / swap).write_text(str(limit_bytes) if v1.is_dir() else "0")
    try:
        yield group
    finally:
        with contextlib.suppress(OSError):
            group.rmdir()


@contextlib.contextmanager
def capped_server(folder: Path, limit_bytes: int, *words: str | Path) -> Iterator[Capped]:
    """The installed command in a group of that size, from ready until it ended by itself."""
    home = Path(tempfile.mkdtemp(dir=folder))
    stderr = home / "stderr"
    command = [COMMAND, "serve", "--port", "0", "--state", home / "state", *words]
    with memory_group(limit_bytes) as group, stderr.open("w") as errors:
        if group is None:
            command += ["--memory", str(default_whole(limit_bytes))]
        join = f"echo $$ > '{group}/cgroup.procs' &&" if group is not None else ""
        enter = f'{join} exec "$0" "$@"'
        process = subprocess.Popen(
            ["bash", "-c", enter, *map(str, command)],
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        late = threading.Timer(60, process.kill)
        late.start()
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith(_READY), f"it said {line!r} and {stderr.read_text()}"
            late.cancel()
            url = line.removeprefix(_READY).strip()
            if group is None:
                _limit_addresses(process.pid, limit_bytes)
            yield Capped(url=url, process=process, group=group, stderr=stderr)
        finally:
            late.cancel()
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(40)
            process.kill()
            process.wait(10)
            process.stdout.close()


def _limit_addresses(pid: int, limit_bytes: int) -> None:
    text = Path(f"/proc/{pid}/status").read_text()
    size, resident = (int(text.split(f"{key}:")[1].split()[0]) << 10 for key in ("VmSize", "VmRSS"))
    most = size + max(limit_bytes - resident, 0) + _MAPPED_BYTES
    resource.prlimit(pid, resource.RLIMIT_AS, (most, most))


def draw_jpeg(megapixels: float, seed: int = 0, quality: int = 85) -> bytes:
    """A JPEG of 4:3 whose noise is as hard to pack as a photo's."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5 / 16) * 16
    height = width * 3 // 4
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    pixels[::2, ::2] //= 2
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=quality))
