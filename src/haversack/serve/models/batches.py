"""How many photos one call of a model should take, by its curve measured on this machine.

Source of the rule: on 2 CPUs a batch of 16 was 40 % slower a tile than one by one, and on other
machines it is not (docs/explanation/jobs.md), so nothing but a measurement can tell.
"""

from __future__ import annotations

from haversack.packfile.archive import PackFiles
from haversack.packfile.profile import Profile
from haversack.serve.models.sizes import Sizes

_LEAST_GAIN = 1.1
# Whoever cancels, and whoever asks over HTTP meanwhile, may have to wait for a whole call.
_LONGEST_CALL_SECONDS = 1.0


class Batches:
    """The best batch of each pack. Safe to use from several threads.

    A profile that is measured later is seen by the next process.

    Args:
        sizes: know this machine's profiles.
        threads: inside a call: the curve of another number of threads says nothing.
    """

    def __init__(self, sizes: Sizes, threads: int) -> None:
        self._sizes = sizes
        self._threads = threads
        self._profiles: dict[str, Profile | None] = {}

    def most(self, files: PackFiles, call_limit_bytes: int) -> int:
        """The batch to be done in one call that may take so much memory; 1 without a profile."""
        if not files.manifest.takes_photos or not files.manifest.signature.takes_batches:
            return 1
        if files.digest not in self._profiles:
            self._profiles[files.digest] = self._sizes.own_profile(files)
        profile = self._profiles[files.digest]
        return 1 if profile is None else paying_batch(profile, self._threads, call_limit_bytes)


def paying_batch(profile: Profile, threads: int, call_limit_bytes: int) -> int:
    """The batch of the most photos a second where these are a tenth more than one by one, else 1.

    Of the measured batches those count whose call takes a second at most, and fits.
    """
    curve = {
        case.batch: case.seconds
        for case in profile.cases
        if case.threads == threads and not case.megapixels and case.seconds > 0
    }
    if 1 not in curve:
        return 1
    paying = [
        batch
        for batch, seconds in curve.items()
        if batch / seconds >= _LEAST_GAIN / curve[1]
        and seconds <= _LONGEST_CALL_SECONDS
        and profile.memory.call_of(batch) <= call_limit_bytes
    ]
    return max(paying, key=lambda batch: batch / curve[batch], default=1)
