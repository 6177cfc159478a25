"""The measuring process: opens one pack, runs each case, says what it took.

    python -m haversack.measure.child < wish.json

Nothing else runs in it, so that growth of its memory is the pack's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from haversack.engine.allocator import settle
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.session import SessionOptions
from haversack.errors import HaversackError
from haversack.measure.latency import median_seconds
from haversack.measure.memory import growth_bytes, rested_bytes
from haversack.measure.plan import CaseWish, ChildWish, Measured, Opened, Refused, Said
from haversack.measure.work import work_of
from haversack.packfile.archive import open_pack

# Decoding is measured, not limited: 24 megapixels as they come must go through.
_DECODE_LIMIT_BYTES = 1 << 30


def main() -> None:
    """Do what standard input wishes; one JSON line for each thing found."""
    settle()
    wish = msgspec.json.decode(sys.stdin.buffer.read(), type=ChildWish)
    try:
        predictor = _opened(wish)
        for case in wish.cases:
            _say(_measured(case, predictor, wish))
    except HaversackError as error:
        _say(Refused(message=error.message))


def _opened(wish: ChildWish) -> Predictor:
    files = open_pack(Path(wish.pack))
    before = rested_bytes()
    session = SessionOptions(threads=wish.threads, spin_between_calls=False)
    options = PredictorOptions(session=session, decode_limit_bytes=_DECODE_LIMIT_BYTES)
    predictor = Predictor(files, options)
    # The first call allocates what is kept for all later ones.
    work = work_of(CaseWish(), predictor)
    work()
    work()
    del work
    _say(Opened(runtime_bytes=before, session_bytes=max(rested_bytes() - before, 0)))
    return predictor


def _measured(case: CaseWish, predictor: Predictor, wish: ChildWish) -> Measured:
    work = work_of(case, predictor)
    work()
    return Measured(
        megapixels=case.megapixels,
        batch=case.batch,
        threads=wish.threads,
        peak_bytes=max(growth_bytes(work) for _ in range(2)),
        seconds=median_seconds(work, wish.seconds),
    )


def _say(what: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
