"""What a table looks like at every hop: contracts, Avro schemas, and the small pure model of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.errors import ContractError, LakeError
from schemas.model import Dimension, Fact, Pipeline, SourceContract

if TYPE_CHECKING:
    from schemas.parse import load_pipeline

__all__ = ["ContractError", "Dimension", "Fact", "LakeError", "Pipeline", "SourceContract", "load_pipeline"]


def __getattr__(name: str) -> Any:
    """`load_pipeline`, whose libraries are loaded with its first use: who reads no contract need not have them."""
    if name != "load_pipeline":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from schemas.parse import load_pipeline

    return load_pipeline
