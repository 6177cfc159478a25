"""A kind of job as a developer adds one: what it is, and the command that does it.

    python -m tests.integration.bytes_kind < task.json

It counts the bytes of its photos, and misbehaves as it is told, so that tests can look on.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from haversack.errors import HaversackError, Kind
from haversack.jobs.command.child import ChildJob, run_child
from haversack.jobs.kind import JobInput, JobOption, JobWish, Lane, Words
from haversack.jobs.wishes import Wishes, line
from haversack.packfile.manifest import Manifest


class BytesKind:
    """See `jobs.kind.JobKind`."""

    name = "bytes"
    takes = JobInput.PHOTO
    lane = Lane(name="bytes", drain_seconds=0.0, heed_seconds=30.0)
    options = (JobOption(name="act", text="What it does.", schema={"type": "string"}),)
    words = Words(one="A count", running="It counts.", result="a number of bytes")

    def read(self, wishes: Wishes) -> JobWish:
        """?act."""
        return JobWish(options=msgspec.json.encode({"act": line(wishes, "act", 40)}).decode())

    def check_pack(self, manifest: Manifest) -> None:
        """Any pack will do."""


BYTES = BytesKind()


def work(job: ChildJob) -> dict[str, Any]:
    """One attempt."""
    out, kept = Path(job.task.out), Path(job.task.work)
    (kept / "pid").write_text(str(os.getpid()))
    job.progress(1, 2, 0.5)
    _act(job.task.options["act"], kept)
    (out / "said.txt").write_text("some words")
    (out / "no name for an address!").write_text("x")
    photos = [path for path in Path(job.task.photos).rglob("*") if path.is_file()]
    return {"bytes": sum(path.stat().st_size for path in photos), "attempt": job.task.attempt}


def _act(act: str, kept: Path) -> None:
    if act == "print":
        print("a library greets")
        print("x" * 3_000_000, flush=True)
        subprocess.run(["echo", '{"type":"fault","code":"a-b","message":"no"}'], check=True)
        os.write(2, b"\xff\xfe\n" * 1000)
    elif act == "crash":
        print("before", file=sys.stderr)
        sys.exit("the last words")
    elif act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act == "refuse":
        raise HaversackError("labels-missing", "no labels", hint="Give some.", details=("a.jpg",))
    elif act in tuple(Kind):
        raise HaversackError("labels-away", "no labels", kind=Kind(act))
    elif act == "place":
        (kept / "place.json").write_bytes(
            msgspec.json.encode([os.getcwd(), sys.path, dict(os.environ)])
        )
    elif act == "flood":
        os.write(2, b"y\n" * 500_000)
        sys.exit("the last words")
    elif act == "crash later":
        atexit.register(os._exit, 7)
    elif act == "hang later":
        atexit.register(time.sleep, 600)
    elif act == "silent":
        os._exit(0)
    elif act == "eat":
        bytearray(2 << 30)
    elif act == "once" and not (kept / "tried").exists():
        (kept / "tried").touch()
        os._exit(3)
    elif act in ("wait", "wait for ever"):
        if act == "wait for ever":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (kept / "other").write_text(str(other.pid))
        (kept / "waits").touch()
        time.sleep(600)


def chatter() -> None:
    """A command in its own way, whose libraries print what they like."""
    sys.stdin.read()
    for text in ("hello", '{"type":"nothing"}', '{"type":"progress","done":"two"}', "[1]", "\x00"):
        print(text)
    sys.stdout.flush()
    os.write(1, b"\xff\xfe\n" + b"x" * 3_000_000 + b"\n")
    os.write(1, b'{"type":"result","result":{"bytes":0}}')  # and no line's end


def stranger() -> None:
    """A command of a later version, which has kinds of errors that are new."""
    sys.stdin.read()
    print('{"type":"fault","code":"a-b","message":"no","kind":"new"}')


OTHERS = {"chatter": chatter, "stranger": stranger}

if __name__ == "__main__":
    OTHERS[sys.argv[1]]() if sys.argv[1:] else run_child(work)
