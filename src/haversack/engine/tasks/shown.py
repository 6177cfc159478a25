"""What a caller of a tensor protocol sees of a pack that takes photos."""

from __future__ import annotations

from haversack.packfile.signature import Signature, TensorSpec

IMAGE = TensorSpec(name="image", datatype="UINT8", shape=(-1, -1, 3))
"""The one input that a pack that takes photos shows: RGB pixels, or an encoded photo."""


def photo_signature(signature: Signature) -> Signature:
    """One photo in, and a batch of 1 out."""
    outputs = tuple(
        TensorSpec(name=spec.name, datatype=spec.datatype, shape=(1, *spec.shape[1:]))
        for spec in signature.outputs
    )
    return Signature(inputs=(IMAGE,), outputs=outputs)
