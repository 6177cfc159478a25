"""`haversack predict`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.progress import Progress
from rich.text import Text

from haversack.cli.copies import plan_copies
from haversack.cli.exits import DONE, SOME_FAILED, exit_code
from haversack.cli.inputs import expand
from haversack.cli.options import DeviceType, SizeType, find_pack, json_option, packs_option, share
from haversack.cli.output import console, notes, print_record
from haversack.engine.allocator import Trimmer, settle, trim
from haversack.engine.devices import CPU, Device
from haversack.engine.photo import decode
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.results import PhotoResult, failed
from haversack.engine.session import MOST_THREADS, SessionOptions
from haversack.engine.verify import read_arrays
from haversack.errors import HaversackError, PhotoError
from haversack.formats import table
from haversack.formats.overlay import save_annotated
from haversack.settings import from_environment

# From here up a progress bar is shown.
_FEW = 4
Show = Callable[[PhotoResult], None]


@click.command("predict")
@click.argument("pack")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@packs_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="One row an object on standard output.")
@click.option(
    "--draw",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for annotated copies of the photos.",
)
@click.option(
    "--threshold", type=float, callback=share, help="Least score, 0 to 1; default the pack's."
)
@click.option("--device", type=DeviceType(), default=CPU, show_default=True)
@click.option(
    "--threads", type=click.IntRange(1, MOST_THREADS), help="Default: the CPUs it may use."
)
@click.option("--decode-limit", type=SizeType(), help="Memory for decoding one photo, e.g. 512M.")
@click.pass_context
def command(
    ctx: click.Context,
    pack: str,
    inputs: tuple[str, ...],
    repositories: tuple[Path, ...],
    as_json: bool,
    as_csv: bool,
    draw: Path | None,
    threshold: float | None,
    device: Device,
    threads: int | None,
    decode_limit: int | None,
) -> None:
    """Say what PACK sees in each INPUT: photos, folders or globs.

    A photo that cannot be read is reported, the rest go on, and the exit code is 3. A pack that
    takes tensors reads .npz files with its inputs by name.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other; give one.")
    settle()
    paths = expand(inputs)
    copies = plan_copies(draw, paths) if draw is not None else {}
    limit = from_environment().decode_limit_bytes if decode_limit is None else decode_limit
    options = PredictorOptions(
        session=SessionOptions(device=device, threads=threads), decode_limit_bytes=limit
    )
    predictor = Predictor(find_pack(pack, repositories), options)
    trim()  # what loading a graph leaves behind: 5 MB for YOLOX-Nano
    _refuse_idle_options(predictor, as_csv=as_csv, draw=draw, threshold=threshold)
    if threshold is None:
        threshold = predictor.manifest.defaults.score_threshold
    show = _shower(as_json=as_json, as_csv=as_csv)
    trimmer = Trimmer()
    failures: list[HaversackError] = []
    for path in _progress(paths):
        result = _predict(predictor, path).above(threshold)
        show(result)
        if result.error is not None:
            failures.append(result.error)
        if path in copies and result.error is None and predictor.takes_photos:
            failure = _draw(path, result, copies[path], limit)
            failures += [failure] if failure is not None else []
        trimmer.tick()
    ctx.exit(_status(failures, len(paths)))


def _refuse_idle_options(
    predictor: Predictor, *, as_csv: bool, draw: Path | None, threshold: float | None
) -> None:
    """An option that this pack cannot follow is refused, not passed over."""
    task = predictor.task
    if threshold is not None and not task.takes_threshold:
        raise click.UsageError(
            f"--threshold is for packs that detect; this one's task is {task.name}."
        )
    if draw is not None and not task.is_drawn:
        raise click.UsageError("--draw is for packs that see photos; this one gives tensors.")
    if as_csv and not task.columns:
        raise click.UsageError("--csv has no columns for tensors; --json gives their values.")


def _predict(predictor: Predictor, path: Path) -> PhotoResult:
    """The result, or the failure of this one file as a result."""
    try:
        data = path.read_bytes()
        if predictor.takes_photos:
            return predictor.predict(data, str(path))
        return predictor.run_as_result(read_arrays(data), str(path))
    except OSError as fault:
        error: HaversackError = PhotoError(
            "file-unreadable", f"{path} cannot be read: {fault.strerror or fault}"
        )
    except HaversackError as fault:
        error = fault
    return failed(str(path), predictor.identity, error)


def _draw(path: Path, result: PhotoResult, copy: Path, limit: int) -> HaversackError | None:
    """Write one annotated copy; or report why not, so that the rest go on.

    A photo that was decoded smaller to be predicted needs its full size to be drawn on.
    """
    try:
        pixels = decode(path.read_bytes(), limit_bytes=limit).pixels
        copy.parent.mkdir(parents=True, exist_ok=True)
        save_annotated(pixels, result, copy)
    except HaversackError as fault:
        error = fault
    except OSError as fault:
        error = HaversackError(
            "copy-unwritable", f"{copy} cannot be written: {fault.strerror or fault}"
        )
    else:
        return None
    notes().print(f"{path} could not be drawn: {error.message}", style="red")
    return error


def _progress(paths: list[Path]) -> Iterator[Path]:
    if len(paths) <= _FEW or not sys.stderr.isatty():
        yield from paths
        return
    # Lines for a file or a pipe must not be drawn on the terminal above the bar.
    bar = Progress(console=notes(), transient=True, redirect_stdout=sys.stdout.isatty())
    with bar:
        yield from bar.track(paths, description="Predicting")


def _shower(*, as_json: bool, as_csv: bool) -> Show:
    if as_json:
        return lambda result: print_record(result.to_dict())
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(table.header())
        return lambda result: writer.writerows(table.rows(result))
    return _print_for_people


def _print_for_people(result: PhotoResult) -> None:
    out = console()
    if result.error is not None:
        notes().print(f"{result.image}: {result.error.message}", style="red")
        if result.error.hint:
            notes().print(f"  {result.error.hint}")
        return
    out.print(Text.assemble((result.image, "bold"), _facts(result)))
    assert result.outcome is not None, "a result without an error has one"
    for line in result.outcome.lines(result.pack.labels):
        out.print(f"  {line}")


def _facts(result: PhotoResult) -> str:
    size = f"  {result.width} x {result.height}" if result.width else ""
    seconds = sum(result.timing.values())
    return f"{size}  {seconds * 1000:.0f} ms" if seconds else size


def _status(failures: list[HaversackError], total: int) -> int:
    """0, 3 where some failed, and where all did the code of the first failure."""
    if not failures:
        return DONE
    if total > 1:
        notes().print(f"{len(failures)} of {total} could not be read.")
    return SOME_FAILED if len(failures) < total else exit_code(failures[0].kind)
