"""Which paths are on network file systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from haversack.database.mounts import check_local, file_system
from haversack.errors import HaversackError

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
nas:/home /home nfs4 rw 0 0
/dev/vdb1 /home/ada/fast xfs rw 0 0
//nas/photos /mnt/my\\040photos cifs rw 0 0
ssh /mnt/far fuse.sshfs rw 0 0
broken line
""".splitlines()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/jobs.sqlite", "ext4"),
        ("/home/ada/jobs.sqlite", "nfs4"),
        ("/homes/jobs.sqlite", "ext4"),
        ("/home/ada/fast/jobs.sqlite", "xfs"),
        ("/mnt/my photos/jobs.sqlite", "cifs"),
        ("/mnt/far/a/b", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_tells(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_of_two_mounts_on_one_place_the_later_one_is_seen() -> None:
    assert file_system(Path("/a/b"), ["x /a ext4 rw", "y /a nfs rw"]) == "nfs"


@pytest.mark.parametrize("path", ["/home/x", "/mnt/my photos/x", "/mnt/far/x"])
def test_a_network_file_system_is_refused_with_its_kind(path: str) -> None:
    with pytest.raises(HaversackError) as caught:
        check_local(Path(path), MOUNTS)
    assert caught.value.code == "database-on-network"
    assert file_system(Path(path), MOUNTS) in caught.value.message


def test_where_nothing_can_be_told_nothing_is_refused() -> None:
    check_local(Path("/home/x"), [])
    check_local(Path("/var/x"), MOUNTS)
