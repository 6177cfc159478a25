"""Which file system a path lies on: SQLite needs locks that network ones do not keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haversack.errors import HaversackError

NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs ceph glusterfs lustre gpfs beegfs 9p virtiofs ncpfs "  # noqa: SIM905
    "fuse.sshfs fuse.glusterfs fuse.s3fs fuse.rclone fuse.gcsfuse fuse.ceph".split()
)
"""File systems whose locks and shared memory do not hold between machines.

Source: sqlite.org/wal.html ("All processes using a database must be on the same host") and
sqlite.org/howtocorrupt.html, 2.1. 9p and virtiofs are folders of another machine's kernel.
"""
_MOUNTS = Path("/proc/mounts")


def check_local(path: Path, mounts: Sequence[str] | None = None) -> None:
    """Refuse a database file on a network file system.

    Args:
        mounts: lines as in /proc/mounts; by default this machine's, none where there is no such
            file.

    Raises:
        HaversackError: `database-on-network`.
    """
    kind = file_system(path, _read_mounts() if mounts is None else mounts)
    if kind in NETWORK:
        raise HaversackError(
            "database-on-network",
            f"{path} lies on a network file system ({kind}); SQLite's file must be on a disk of "
            "this machine",
            hint="Give --state a local folder, or several machines one PostgreSQL: --database "
            "postgresql://...",
        )


def is_on_network(path: Path, mounts: Sequence[str] | None = None) -> bool:
    """Whether another machine may change what lies at `path`; `mounts` as for `check_local`."""
    return file_system(path, _read_mounts() if mounts is None else mounts) in NETWORK


def file_system(path: Path, mounts: Sequence[str]) -> str:
    """The type of the file system that holds `path`, or "" where it cannot be told."""
    place = str(path.absolute().resolve())
    best, kind = "", ""
    for line in mounts:
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = fields[1].encode().decode("unicode_escape")  # spaces are \040
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        # Of two on one place the later one is seen.
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind


def _read_mounts() -> Sequence[str]:
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
