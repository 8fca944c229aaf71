"""Exact arithmetic on digits, in Spark's own expressions: big integers from bytes, decimals of any scale, times."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.types import ColumnType

_WORD = "18446744073709551616"  # 2^64


def div(value: Column, by: int) -> Column:
    """Whole division of a bigint, cut towards zero, without a detour over doubles."""
    return F.call_function("div", value, F.lit(by))


def unscaled(raw: Column) -> Column:
    """The integer that big-endian two's-complement bytes hold, as `decimal(38,0)`; NULL where it has over 38 digits."""
    text = F.hex(raw)
    sign = F.when(F.substring(text, 1, 1) >= "8", F.lit("F")).otherwise(F.lit("0"))
    padded = F.concat(F.call_function("repeat", sign, 32 - F.length(text)), text)
    wide = F.when(F.octet_length(raw).between(1, 16), padded)
    high = F.conv(F.substring(wide, 1, 16), 16, -10).cast("decimal(19,0)")
    low = F.conv(F.substring(wide, 17, 16), 16, 10).cast("decimal(20,0)")
    # Spark's decimal overflow is NULL, as is right for a value of over 38 digits; so that no step before the last
    # overflows, a negative value is put together from above: its high word counts one more, its low word 2^64 less.
    word = F.lit(_WORD).cast("decimal(20,0)")
    below = high < 0
    upper = F.when(below, high + 1).otherwise(high).cast("decimal(19,0)")
    lower = F.when(below, low - word).otherwise(low).cast("decimal(21,0)")
    return (upper * word + lower).cast("decimal(38,0)")


def little_endian(raw: Column) -> Column:
    """The unsigned integer that at most 8 little-endian bytes hold, as `decimal(20,0)`; NULL for longer ones."""
    text = F.rpad(F.hex(raw), 16, "0")
    swapped = F.concat(*(F.substring(text, 15 - 2 * index, 2) for index in range(8)))
    return F.when(F.octet_length(raw).between(1, 8), F.conv(swapped, 16, 10).cast("decimal(20,0)"))


def exact_decimal(integer: Column, scale: Column, target: ColumnType) -> Column:
    """`integer * 10^-scale` as the target decimal; NULL where that would lose a digit."""
    sign = F.when(integer < 0, F.lit("-")).otherwise(F.lit(""))
    places = F.greatest(scale, F.lit(0))
    # A negative scale stands for trailing zeros.
    shifted = F.concat(F.abs(integer).cast("string"), _zeros(F.greatest(-scale, F.lit(0))))
    padded = F.when(F.length(shifted) > places, shifted).otherwise(
        F.concat(_zeros(places + 1 - F.length(shifted)), shifted)
    )
    whole = F.left(padded, F.length(padded) - places)
    return decimal_from_text(F.concat(sign, whole, F.lit("."), F.right(padded, places)), target)


def decimal_from_text(text: Column, target: ColumnType) -> Column:
    """Plain decimal notation as the target decimal; NULL for other text and where a digit would be lost."""
    places = target.sizes[1]
    plain = text.rlike(rf"^[+-]?\d+(\.\d{{0,{places}}}0*)?$")
    return F.when(plain, text.cast(target.spark))


def time_text(micros: Column) -> Column:
    """Microseconds of a day as `HH:MM:SS[.ffffff]`; NULL outside 00:00:00 to 24:00:00."""
    seconds = div(micros, 1_000_000)
    fraction = micros % 1_000_000
    parts = (div(seconds, 3600), div(seconds, 60) % 60, seconds % 60)
    clock = F.concat_ws(":", *(F.lpad(part.cast("string"), 2, "0") for part in parts))
    tail = F.when(fraction == 0, F.lit("")).otherwise(F.concat(F.lit("."), F.lpad(fraction.cast("string"), 6, "0")))
    return F.when(micros.between(0, 86_400_000_000), F.concat(clock, tail))


def _zeros(count: Column) -> Column:
    return F.call_function("repeat", F.lit("0"), count)
