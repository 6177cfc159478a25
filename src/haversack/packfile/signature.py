"""A graph's named inputs and outputs."""

from __future__ import annotations

from typing import Annotated

import msgspec


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tensor of a graph.

    Attributes:
        name: as in the graph.
        datatype: the Open Inference V2 name: UINT8, INT64, FP32, BOOL, BYTES...
        shape: -1 stands for a dimension that varies.
    """

    name: str
    datatype: str
    shape: tuple[Annotated[int, msgspec.Meta(ge=-1)], ...]

    def __str__(self) -> str:
        sides = ",".join("?" if side < 0 else str(side) for side in self.shape)
        return f"{self.name} {self.datatype}[{sides}]"


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The inputs and outputs of model.onnx, in the graph's order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    @property
    def takes_batches(self) -> bool:
        """Whether one call takes any number of rows."""
        first = self.inputs[0].shape
        return bool(first) and first[0] == -1
