"""`haversack pack list`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from haversack.cli.options import json_option, known_repositories, packs_option
from haversack.cli.output import console, notes, print_record
from haversack.errors import HaversackError, Kind, PackError
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.repository import PackEntry, Repository
from haversack.permissions import sentence
from haversack.units import format_bytes


@click.command("list")
@click.argument("repository", required=False, type=click.Path(path_type=Path, readable=False))
@packs_option
@json_option
def command(repository: Path | None, repositories: tuple[Path, ...], as_json: bool) -> None:
    """List the packs of REPOSITORY, or of every place where names are looked up.

    A pack that cannot be opened is listed with its fault.
    """
    if repository is not None and not repository.is_dir():
        raise PackError(
            "repository-missing",
            f"there is no folder {repository}",
            hint="Give a folder of packs, or none to see every place where names are looked up.",
            kind=Kind.NOT_FOUND,
        )
    places = (repository,) if repository is not None else known_repositories(repositories)
    records = [record for place in places for record in _records(place)]
    if as_json:
        for record in records:
            print_record(record)
        return
    if not records:
        looked = ", ".join(str(place) for place in places)
        notes().print(f"No packs in {looked}. `haversack pack import` makes one.")
        return
    table = Table("name", "version", "task", "input", "size", "description", box=None)
    for record in records:
        fault = record.get("error")
        table.add_row(
            str(record["name"]),
            str(record["version"]),
            str(record.get("task", "")),
            str(record.get("input", "")),
            format_bytes(int(str(record["bytes"]))) if "bytes" in record else "",
            Text(str(fault), style="red") if fault else str(record.get("description", "")),
        )
    console().print(table)


def _records(place: Path) -> list[dict[str, object]]:
    """Of one repository: its packs, then what may hold some and may not be read by this user."""
    found = Repository(place).scan_all()
    closed: list[dict[str, object]] = [
        {
            "name": path.name if path == place else path.relative_to(place).parts[0],
            "version": path.name if path.parent.parent == place else "",
            "path": str(path),
            "error": sentence(path),
        }
        for path in found.closed
    ]
    return [_record(entry) for entry in found.entries] + closed


def _record(entry: PackEntry) -> dict[str, object]:
    record: dict[str, object] = {
        "name": entry.name,
        "version": entry.version,
        "path": str(entry.path),
    }
    try:
        files = open_pack(entry.path)
    except HaversackError as error:
        return {**record, "error": error.message}
    return record | _facts(files)


def _facts(files: PackFiles) -> dict[str, object]:
    manifest = files.manifest
    size = manifest.input
    return {
        "task": manifest.task,
        "input": f"{size.width}x{size.height}" if size else "tensors",
        "labels": len(manifest.labels),
        "bytes": sum(path.stat().st_size for path in files.location.rglob("*") if path.is_file()),
        "description": manifest.description,
        "digest": files.digest,
    }
