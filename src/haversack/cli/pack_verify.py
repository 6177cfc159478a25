"""`haversack pack verify`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.exits import DONE, FAILED
from haversack.cli.options import find_pack, json_option, packs_option
from haversack.cli.output import console, print_record
from haversack.cli.proof import proof_table
from haversack.engine.predictor import Predictor
from haversack.engine.verify import verify


@click.command("verify")
@click.argument("pack")
@packs_option
@json_option
@click.pass_context
def command(ctx: click.Context, pack: str, repositories: tuple[Path, ...], as_json: bool) -> None:
    """Replay the samples of PACK and compare with what the original model said of them.

    Every file's checksum and the graphs' safety are checked first. Needs no framework.
    """
    files = find_pack(pack, repositories)
    parity = files.manifest.provenance.parity
    checks = verify(files, Predictor(files))
    tolerance = parity.tolerance if parity else 0.0
    good = all(check.worst <= tolerance for check in checks)
    if as_json:
        for check in checks:
            record = {"sample": check.name, "worst": check.worst, "tolerance": tolerance}
            print_record({**record, "passed": check.worst <= tolerance})
    else:
        out = console()
        out.print(proof_table(checks, tolerance))
        name = f"{files.manifest.name}@{files.manifest.version}"
        if good:
            out.print(f"{name} answers as the original model did.")
        else:
            out.print(
                f"{name} does not answer as the original model did on this machine.", style="red"
            )
    ctx.exit(DONE if good else FAILED)
