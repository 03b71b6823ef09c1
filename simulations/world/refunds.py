"""Refunds: a further row that takes a claim back, with the claim's own key and negative amounts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulations.world.block import Block
from simulations.world.columns import REFUND_FLAG, REFUND_FLAGS, amount_names


def with_refunds(batch: pa.RecordBatch, block: Block, share: float) -> pa.RecordBatch:
    """A batch followed by the refunds of some of its claims."""
    taken_back = batch.take(pa.array(block.refunded(share)))
    negative = amount_names()
    for place, name in enumerate(batch.schema.names):
        if name in negative:
            taken_back = taken_back.set_column(place, name, pc.negate(taken_back.column(place)))
        elif name == REFUND_FLAG:
            flags = pa.array(np.full(len(taken_back), REFUND_FLAGS.index("1"), np.int32))
            coded = pa.DictionaryArray.from_arrays(flags, batch.column(place).dictionary)
            taken_back = taken_back.set_column(place, name, coded)
    return pa.concat_batches([batch, taken_back])
