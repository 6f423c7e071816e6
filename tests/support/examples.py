"""On how many examples a property is tried: some in every run, very many by `make proof`."""

import os

from hypothesis import settings

IS_PROOF = os.environ.get("CALSYNC_PROOF", "") not in {"", "0"}


def tried(usually: int, in_proof: int) -> settings:
    """A decorator for a property. How long an example takes is the benchmarks' business."""
    return settings(max_examples=in_proof if IS_PROOF else usually, deadline=None)
