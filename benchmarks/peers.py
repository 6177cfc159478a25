"""Environments of their own for the packages we are compared with; none enters .venv.

They lie under build/peers, which git ignores, and are made once.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "build" / "peers"


def peer_python(name: str, packages: tuple[str, ...]) -> Path | None:
    """The interpreter of an environment with these packages; None where they cannot be had."""
    folder = PEERS / name
    python = folder / "bin" / "python"
    ready = folder / "ready.txt"
    if ready.is_file() and ready.read_text().split() == list(packages):
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)]
    fill = [uv, "pip", "install", "--quiet", "--python", str(python), *_links(), *packages]
    for command in (make, fill):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name} cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
            return None
    ready.write_text("\n".join(packages))
    return python


def _links() -> list[str]:
    """uv reads no pip.conf: a local folder of wheels is handed on."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        if key.endswith("find-links"):
            return ["--find-links", value.strip("'\"")]
    return []
