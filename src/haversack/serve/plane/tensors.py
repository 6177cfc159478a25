"""Named tensors to named tensors, inside the memory there is."""

from __future__ import annotations

import time
from functools import partial

from haversack.engine.results import PackIdentity
from haversack.engine.session import Array
from haversack.engine.tensors import check, to_session
from haversack.errors import EngineError, HaversackError
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.admission import check_fits
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.shortage import is_short_of_memory
from haversack.serve.plane.visits import Target, Visits


class TensorPlane:
    """Takes tensors through the server: memory, turn, model. Belongs to one event loop."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def infer(
        self, target: Target, inputs: dict[str, Array], lifetime: RequestLifetime
    ) -> tuple[dict[str, Array], PackIdentity]:
        """A tensor pack's named outputs, and which version gave them.

        Raises:
            TensorError: the inputs are not the signature's. HaversackError: `inputs-refused`
                where the graph itself refuses their values.
        """
        visits = self._visits
        async with visits.visit(target, lifetime) as visit:
            model = visit.model
            check(model.manifest.signature, inputs)
            visit.stages.batch = _rows(inputs) if model.predictor.batches else 1
            if not model.runs_inline(inputs):
                need = model.tensor_bytes(inputs, visit.stages.batch)
                check_fits(need, visits.memory.limit, f"{visit.stages.batch:,} rows")
                async with visits.memory_for(visit, need):
                    work = partial(_run, model, inputs)
                    more = model.tensor_bytes(inputs, visit.stages.batch, model.device)
                    return await visits.turn(visit, work, more_on_device=more), model.identity
            began = time.perf_counter()
            outputs = _run(model, inputs)
            visit.stages.compute_infer = time.perf_counter() - began
            return outputs, model.identity


def _run(model: ServedModel, inputs: dict[str, Array]) -> dict[str, Array]:
    try:
        return model.predictor.run({name: to_session(array) for name, array in inputs.items()})
    except EngineError as error:
        if is_short_of_memory(error):
            raise
        # Names, datatypes and shapes were right: it is the values that the graph cannot take.
        raise HaversackError("inputs-refused", error.message, hint=error.hint) from error


def _rows(inputs: dict[str, Array]) -> int:
    return max((array.shape[0] for array in inputs.values() if array.ndim), default=1)
