"""`haversack pack export`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.options import find_pack, packs_option
from haversack.cli.output import notes
from haversack.errors import PackError
from haversack.packfile.archive import write_archive
from haversack.units import format_bytes


@click.command("export")
@click.argument("pack")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@packs_option
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
def command(pack: str, file: Path, repositories: tuple[Path, ...], overwrite: bool) -> None:
    """Write PACK as one FILE whose name ends in .pack, to be copied anywhere."""
    if file.suffix != ".pack":
        raise PackError(
            "pack-name-unfit",
            f"a pack's file name ends in .pack; received {file.name!r}",
            hint=f"Write {file.with_suffix('.pack').name}.",
        )
    files = find_pack(pack, repositories)
    path = write_archive(files.location, file, overwrite=overwrite)
    notes().print(f"{path}: {format_bytes(path.stat().st_size)}, digest {files.digest}")
