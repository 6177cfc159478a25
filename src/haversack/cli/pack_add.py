"""`haversack pack add`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.options import ExistingPath
from haversack.cli.output import notes
from haversack.packfile.archive import open_pack
from haversack.packfile.repository import Repository


@click.command("add")
@click.argument("pack", type=ExistingPath())
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("packs"),
    show_default=True,
    help="The repository.",
)
def command(pack: Path, out: Path) -> None:
    """Put PACK, a .pack file or a pack's folder, into a repository under its own version."""
    files = open_pack(pack)

    def write(folder: Path, _: str) -> None:
        files.write_into(folder)

    path = Repository(out).publish(files.manifest.name, files.manifest.version, write)
    notes().print(f"{files.manifest.name}@{files.manifest.version} is in {path}")
