"""A live workload: seeded transactions of every kind that a change log must survive. Pure: plans, no database.

:func:`plan` yields transactions without end. Kinds are drawn from a shuffled bag that holds each of them, so that
even a short run meets all. Which rows exist is followed in :class:`Shop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from infra.local.source import rows

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Change:
    """One row change: ``op`` c, u or d; ``values`` the row (c) or the changed columns (u)."""

    table: str
    op: str
    key: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transaction:
    """Changes that commit together, or are rolled back and must never be seen."""

    kind: str
    changes: tuple[Change, ...]
    rolled_back: bool = False


@dataclass
class Shop:
    """The live keys, and the generator that decides what happens to them."""

    rng: Random
    clock: Clock
    customers: list[int]
    products: list[int]
    orders: list[int]
    items: list[tuple[int, int]]
    next_customer: int
    next_product: int
    next_order: int
    removed: list[int] = field(default_factory=list)

    def insert(self, table: str, row: rows.Row) -> Change:
        """An insert of ``row``."""
        return Change(table, "c", {column: row[column] for column in rows.KEYS[table]}, row)

    def update(self, table: str, key: dict[str, Any], **values: Any) -> Change:
        """An update of some columns, with the row's time of change."""
        now = self.clock()
        stamp = rows.without_zone(now) if table == "order" else now
        return Change(table, "u", key, {**values, "updated_at": stamp})

    def some_customer(self) -> dict[str, int]:
        """The key of a live customer."""
        return {"customer_id": self.rng.choice(self.customers)}

    def some_product(self) -> dict[str, int]:
        """The key of a live product."""
        return {"product_id": self.rng.choice(self.products)}

    def some_item(self) -> dict[str, int]:
        """The key of a live order line."""
        order_id, line_no = self.rng.choice(self.items)
        return {"order_id": order_id, "line_no": line_no}

    def new_order(self, customer_id: int | None, ordered_at: datetime) -> tuple[Change, ...]:
        """An order and its lines."""
        key, self.next_order = self.next_order, self.next_order + 1
        self.orders.append(key)
        changes = [self.insert("order", rows.order(self.rng, key, customer_id, ordered_at))]
        for line_no in range(1, self.rng.randrange(2, 5)):
            row = rows.order_item(self.rng, key, line_no, self.rng.choice(self.products), self.clock())
            changes.append(self.insert("order_item", row))
            self.items.append((key, line_no))
        return tuple(changes)

    def new_customer(self, **values: Any) -> Change:
        """A customer nobody knew."""
        key, self.next_customer = self.next_customer, self.next_customer + 1
        self.customers.append(key)
        return self.insert("customer", rows.customer(self.rng, key, self.clock()) | values)


Plan = Iterator[Transaction]


def order_placed(shop: Shop) -> Plan:
    """Several changes in one transaction."""
    customer_id = shop.rng.choice(shop.customers)
    yield Transaction("order placed", shop.new_order(customer_id, shop.clock()))


def order_shipped(shop: Shop) -> Plan:
    """An update of an order."""
    key = {"order_id": shop.rng.choice(shop.orders)}
    yield Transaction("order shipped", (shop.update("order", key, status="shipped", shipped_at=shop.clock()),))


def customer_moved(shop: Shop) -> Plan:
    """Type 1: a new address."""
    yield Transaction("type 1", (shop.update("customer", shop.some_customer(), **rows.address(shop.rng)),))


def customer_reclassified(shop: Shop) -> Plan:
    """Type 2: new demographics."""
    values = {"segment": shop.rng.choice(rows.SEGMENTS), "marital_status": shop.rng.choice(rows.MARITAL)}
    yield Transaction("type 2", (shop.update("customer", shop.some_customer(), **values),))


def there_and_back(shop: Shop) -> Plan:
    """A → B → A, in transactions of their own."""
    key = shop.some_customer()
    for segment in ("corporate", "vip", "corporate"):
        yield Transaction("A-B-A", (shop.update("customer", key, segment=segment),))


def twice_at_one_instant(shop: Shop) -> Plan:
    """Two updates of one row in one transaction, so at one instant."""
    key = shop.some_customer()
    changes = (shop.update("customer", key, income_band="low"), shop.update("customer", key, income_band="high"))
    yield Transaction("same instant", changes)


def product_repriced(shop: Shop) -> Plan:
    """An update that leaves a long description alone, so that its value is not in the event."""
    price = rows.cents(shop.rng, 200, 40000)
    yield Transaction("type 1", (shop.update("product", shop.some_product(), list_price=price),))


def product_described(shop: Shop) -> Plan:
    """Type 1: a new long description."""
    text = rows.description(shop.rng, long=True)
    yield Transaction("type 1", (shop.update("product", shop.some_product(), description=text),))


def product_moved(shop: Shop) -> Plan:
    """Type 2: another category."""
    category = shop.rng.choice(tuple(rows.CATEGORIES))
    values = {"category": category, "subcategory": shop.rng.choice(rows.CATEGORIES[category])}
    yield Transaction("type 2", (shop.update("product", shop.some_product(), **values),))


def customer_joined(shop: Shop) -> Plan:
    """A new customer."""
    yield Transaction("insert", (shop.new_customer(),))


def product_launched(shop: Shop) -> Plan:
    """A new product."""
    key, shop.next_product = shop.next_product, shop.next_product + 1
    shop.products.append(key)
    yield Transaction("insert", (shop.insert("product", rows.product(shop.rng, key, shop.clock())),))


def line_corrected(shop: Shop) -> Plan:
    """An update of an order line."""
    yield Transaction("update", (shop.update("order_item", shop.some_item(), quantity=shop.rng.randrange(1, 9)),))


def line_removed(shop: Shop) -> Plan:
    """A delete of an order line."""
    key = shop.some_item()
    shop.items.remove((key["order_id"], key["line_no"]))
    yield Transaction("delete", (Change("order_item", "d", key),))


def customer_left(shop: Shop) -> Plan:
    """A delete of a customer, who may come back later."""
    key = shop.some_customer()
    shop.customers.remove(key["customer_id"])
    shop.removed.append(key["customer_id"])
    yield Transaction("delete", (Change("customer", "d", key),))


def customer_came_back(shop: Shop) -> Plan:
    """A re-insert under the old key."""
    if not shop.removed:
        yield from customer_left(shop)
    key = shop.removed.pop(0)
    shop.customers.append(key)
    yield Transaction("re-insert", (shop.insert("customer", rows.customer(shop.rng, key, shop.clock())),))


def correction_of_the_past(shop: Shop) -> Plan:
    """A late correction: an old order's time is moved, and an order of weeks ago is entered only now."""
    past = shop.clock() - timedelta(days=shop.rng.randrange(20, 200))
    key = {"order_id": shop.orders[shop.rng.randrange(max(1, len(shop.orders) // 4))]}
    yield Transaction("late correction", (shop.update("order", key, ordered_at=past),))
    yield Transaction("late order", shop.new_order(shop.rng.choice(shop.customers), past))


def key_changed(shop: Shop) -> Plan:
    """An update of a primary key."""
    old, new = shop.rng.choice(shop.customers), shop.next_customer
    shop.next_customer += 1
    shop.customers[shop.customers.index(old)] = new
    yield Transaction("key change", (shop.update("customer", {"customer_id": old}, customer_id=new),))


def early_order(shop: Shop) -> Plan:
    """An order of a customer who is entered only afterwards."""
    customer_id = shop.next_customer
    yield Transaction("early order", shop.new_order(customer_id, shop.clock()))
    yield Transaction("late customer", (shop.new_customer(),))


def bad_quantity(shop: Shop) -> Plan:
    """A line that violates a rule of its contract."""
    key, line_no = shop.rng.choice(shop.orders), 90 + shop.rng.randrange(10)
    while (key, line_no) in shop.items:
        key, line_no = shop.rng.choice(shop.orders), line_no + 1
    row = rows.order_item(shop.rng, key, line_no, shop.rng.choice(shop.products), shop.clock()) | {"quantity": -3}
    shop.items.append((key, line_no))
    yield Transaction("bad row", (shop.insert("order_item", row),))


def bad_email(shop: Shop) -> Plan:
    """A customer whose e-mail address has no @."""
    yield Transaction("bad row", (shop.new_customer(email="not-an-address"),))


def bad_price_then_fixed(shop: Shop) -> Plan:
    """A negative price, corrected by the next transaction."""
    key = shop.some_product()
    yield Transaction("bad row", (shop.update("product", key, list_price=Decimal("-1.00")),))
    yield Transaction("fix", (shop.update("product", key, list_price=rows.cents(shop.rng, 200, 40000)),))


def changed_its_mind(shop: Shop) -> Plan:
    """Changes that are rolled back."""
    changes = (shop.update("customer", shop.some_customer(), segment="vip"),)
    yield Transaction("rolled back", changes, rolled_back=True)


#: how often each kind lies in the bag
BAG: Final[tuple[tuple[Callable[[Shop], Plan], int], ...]] = (
    *((order_placed, 10), (order_shipped, 6), (customer_moved, 4), (customer_reclassified, 5), (there_and_back, 1)),
    *((twice_at_one_instant, 1), (product_repriced, 3), (product_described, 1), (product_moved, 2)),
    *((customer_joined, 3), (product_launched, 1), (line_corrected, 3), (line_removed, 2), (customer_left, 1)),
    *((customer_came_back, 1), (correction_of_the_past, 1), (key_changed, 1), (early_order, 1), (bad_quantity, 1)),
    *((bad_email, 1), (bad_price_then_fixed, 1), (changed_its_mind, 1)),
)


def plan(shop: Shop) -> Plan:
    """Transactions without end; each pass over the bag meets every kind."""
    while True:
        bag = [kind for kind, times in BAG for _ in range(times)]
        shop.rng.shuffle(bag)
        for kind in bag:
            yield from kind(shop)
