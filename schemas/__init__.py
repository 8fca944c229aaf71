"""What a table looks like at every hop: contracts, Avro schemas, and the small pure model of them."""

from __future__ import annotations

from schemas.errors import ContractError, LakeError
from schemas.model import Dimension, Fact, Pipeline, SourceContract
from schemas.parse import load_pipeline

__all__ = ["ContractError", "Dimension", "Fact", "LakeError", "Pipeline", "SourceContract", "load_pipeline"]
