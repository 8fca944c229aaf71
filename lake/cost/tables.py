"""The two tables that a bill is made of, read from files and checked: unit prices, and sizes of environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from lake.cost.sizing import DPUS, CostError

HERE = files("lake.cost")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Strict):
    """A price in USD of so many units (`1000 requests`; one where no number is told), and where it was read."""

    usd: PositiveFloat
    unit: str
    source: str

    @property
    def units(self) -> float:
        """How many the price is of."""
        number = self.unit.partition(" ")[0]
        return float(number) if number.isdecimal() else 1.0


class Prices(_Strict):
    """Unit prices of one region on one day."""

    date: date
    region: str
    currency: Literal["USD"]
    hours_a_month: PositiveFloat
    prices: dict[str, Price]

    def of(self, item: str) -> Price:
        """The price of an item.

        Raises:
            CostError: the table has none.
        """
        if item not in self.prices:
            raise CostError(
                f"no price of {item}", where=f"prices of {self.date}", remedy="add it to the file of prices"
            )
        return self.prices[item]


class Kafka(_Strict):
    """MSK; broker type, brokers and GB each where it is provisioned."""

    kind: Literal["serverless", "provisioned"]
    broker: str = ""
    brokers: int = 0
    gb: int = 0

    @model_validator(mode="after")
    def _whole(self) -> Kafka:
        if (self.kind == "provisioned") != bool(self.broker and self.brokers and self.gb):
            raise ValueError("a provisioned cluster has broker, brokers and gb, a serverless one none of them")
        return self


class Connect(_Strict):
    """MSK Connect's workers, and units of each."""

    workers: PositiveInt
    mcus: PositiveInt


class Job(_Strict):
    """Glue workers that run on the mean, the driver's among them."""

    worker: str
    workers: PositiveInt
    runs_a_day: int = 0

    @property
    def dpus(self) -> float:
        """Units that are paid."""
        return DPUS[self.worker] * self.workers

    @model_validator(mode="after")
    def _known(self) -> Job:
        if self.worker not in DPUS:
            raise ValueError(f"no worker type {self.worker}; use one of {', '.join(DPUS)}")
        return self


class Warehouse(_Strict):
    """Redshift; `nodes` of all zones together; `refreshes`: whether streaming views are refreshed each minute."""

    kind: Literal["serverless", "provisioned"]
    rpus: int = 0
    node: str = ""
    nodes: int = 0
    refreshes: bool

    @model_validator(mode="after")
    def _whole(self) -> Warehouse:
        if (self.kind == "provisioned") != bool(self.node and self.nodes) or (self.kind == "serverless") != bool(
            self.rpus
        ):
            raise ValueError("a provisioned warehouse has node and nodes, a serverless one rpus")
        return self


class Network(_Strict):
    """Zones, NAT gateways, interface endpoints (each in every zone)."""

    zones: PositiveInt
    gateways: PositiveInt
    endpoints: PositiveInt


class Watching(_Strict):
    """What is paid by the piece."""

    keys: PositiveInt
    secrets: PositiveInt
    alarms: PositiveInt
    dashboards: PositiveInt


class Days(_Strict):
    """How long data is kept."""

    kafka: PositiveInt
    landing: PositiveInt


class Environment(_Strict):
    """What one environment runs."""

    kafka: Kafka
    connect: Connect
    stream: Job
    batch: Job
    warehouse: Warehouse
    network: Network
    watching: Watching
    days: Days = Field(description="days that data is kept")


@dataclass(frozen=True)
class Tables:
    """Prices, and environments by name."""

    prices: Prices
    environments: Mapping[str, Environment]

    def environment(self, name: str) -> Environment:
        """An environment's sizes.

        Raises:
            CostError: there is none of this name.
        """
        if name not in self.environments:
            known = ", ".join(self.environments)
            raise CostError(f"no environment '{name}'", where="--env", remedy=f"use one of {known}")
        return self.environments[name]


def load_tables(prices: Path | None = None, environments: Path | None = None) -> Tables:
    """The tables of the project, or your own.

    Raises:
        CostError: a file cannot be read, or something in it is missing, unknown or of a wrong type.
    """
    found = _read(prices, "prices.yaml")
    sizes = _read(environments, "environments.yaml")
    where = str(environments or "environments.yaml")
    try:
        priced = Prices.model_validate(found)
    except ValidationError as error:
        raise _wrong(error, str(prices or "prices.yaml")) from None
    try:
        return Tables(priced, {str(name): Environment.model_validate(item) for name, item in sizes.items()})
    except ValidationError as error:
        raise _wrong(error, where) from None


def _read(given: Path | None, name: str) -> dict[str, object]:
    where = str(given or name)
    try:
        text = given.read_text(encoding="utf-8") if given else HERE.joinpath(name).read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except OSError as error:
        raise CostError(error.strerror or "cannot be read", where=where, remedy="name a file that is there") from None
    except yaml.YAMLError:
        raise CostError("the file is no YAML", where=where, remedy="correct it") from None
    if not isinstance(found, dict):
        raise CostError("the file is no mapping", where=where, remedy="write it as lake/cost has its own")
    return found


def _wrong(error: ValidationError, where: str) -> CostError:
    found = error.errors(include_url=False, include_input=False)
    # A misspelt name is unknown there and missing here: the first tells more.
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])
    place = ".".join(str(part) for part in first["loc"])
    return CostError(first["msg"], where=f"{where}: {place}", remedy="write it as lake/cost has its own")
