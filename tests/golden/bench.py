"""The commands in one folder, which has the packs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.shell import Ran, haversack


@dataclass(frozen=True)
class Shell:
    """Runs commands in one folder."""

    folder: Path

    def run(self, *words: str | Path, typed: str = "") -> Ran:
        """`haversack` with these words, and this on its standard input."""
        return haversack(*words, cwd=self.folder, typed=typed)

    def done(self, *words: str | Path, typed: str = "") -> str:
        """The same; what it printed, of a command that must succeed."""
        ran = self.run(*words, typed=typed)
        assert ran.status == 0, ran.err
        return ran.out
