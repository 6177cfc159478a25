"""The packs that come with Haversack, as a repository of their own."""

from pathlib import Path

BUNDLED_PACKS = Path(__file__).parent / "packs"
"""Names are looked up here last, so that `haversack predict blobs` works anywhere."""
