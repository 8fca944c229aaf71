"""Templates to SQL. Only validated identifiers, contract types and closed words are substituted; values are parameters.

A template holds
- `{name}`: a word, alone or inside an identifier (`staging.{d}_log`);
- `{list: pattern}`: the pattern once per item, joined by commas: `#` is the item's name, `#type` its type, `@` the
  column it is matched with or taken from, `~` the table that column lies in;
- `{list: pattern | and}`: joined by `and`, `or` or, as texts, one after the other (`concat`) or with a `/` between
  them (`slash`); a pattern that itself begins with a comma, `and` or `or` is not joined by more, and is nothing for an
  empty list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from redshift_sql.statements import Kind, Repeat, Statement, Step
from schemas.errors import LakeError

_LIST: Final = re.compile(r"\{(\w+): ((?:[^{}]|\{\w+\}|\{\w+: [^{}]*\})*?)(?: \| (and|or|slash|concat))?\}")
_NAME: Final = re.compile(r"\{(\w+)\}")
_WORD: Final = re.compile(r"(?<![\w{}\"'])((?:\w|\{\w+\})*\{\w+\}(?:\w|\{\w+\})*)")
_ITEM_WORD: Final = re.compile(r"\w*[#@~]\w*")
_TEXT: Final = re.compile(r"'[^']*'")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_IDENTIFIER: Final = re.compile(r"^[a-z_][a-z0-9_]{0,126}$")
_TYPE: Final = re.compile(r"^[a-z ]+(\(\d+(,\d+)?\))?$")
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z_]+)\b")
_COMMA: Final = re.compile(r"(\n\s*), ")
_JOINTS: Final = {None: ", ", "and": " and ", "or": " or ", "slash": " || '/' || ", "concat": " || "}
_LEADING: Final = (", ", "and ", "or ")
_OPENING: Final = ("select ", "insert ", "grant ", "revoke ", "set ", "where ", "from ", "on ")
_LINE: Final = 110

RESERVED: Final = frozenset(
    """
    aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
    blanksasnull both bytedict bzip2 case cast check collate column connect constraint create credentials cross
    current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag
    delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit
    false for foreign freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike
    in initially inner intersect interval into is isnull join language lateral leading left like limit localtime
    localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off
    offline offset oid old on only open or order outer overlaps parallel partition percent permissions pivot
    placing primary qualify raw readratio recover references rejectlog resort respect restore right select
    session_user similar snapshot some summarize sysdate system table tag tdes text255 text32k then to top
    trailing true truncatecolumns union unique unnest unpivot user using variadic verbose wallet when where window
    with without
    """.split()  # noqa: SIM905 - a list of words reads better
)
"""Words that Redshift, PostgreSQL or DuckDB keep for themselves: quoted where a contract uses one as a name."""


class RenderError(LakeError):
    """A template and its contract do not fit each other, or a name is no identifier."""


@dataclass(frozen=True)
class Item:
    """One element of a list: a column's name and Redshift type, the column it is matched with, and that one's table."""

    name: str
    type: str = ""
    other: str = ""
    via: str = ""

    def __post_init__(self) -> None:
        for name in (self.name, self.other or "x", self.via or "x"):
            if not _IDENTIFIER.match(name):
                raise RenderError("not a name that SQL may hold", where=name[:40], remedy="use a-z, 0-9 and _")
        if self.type and not _TYPE.match(self.type):
            raise RenderError("not a type that SQL may hold", where=f"{self.name}: {self.type[:40]}")


Context = Mapping[str, "str | Sequence[Item]"]
_Key = tuple[tuple[str, "str | tuple[Item, ...]"], ...]


def render(template: str, context: Context) -> str:
    """The SQL of a template.

    Raises:
        RenderError: the template names what the context does not hold.
    """
    lines = (_lists(line, context) for line in template.split("\n"))
    kept = (line for line in lines if line is not None)
    written = "\n".join(_words(line, context) for text in kept for line in text.split("\n"))
    return "\n".join(line.rstrip() for line in _COMMA.sub(r",\1", written).split("\n"))


def statements(source: str, subject: str, context: Context, *, kind: Kind = Kind.EXECUTE) -> tuple[Statement, ...]:
    """The statements of one template file, in order.

    Args:
        source: path of the file in this package, such as `dimension/110_incoming.sql`.
        subject: the table it is rendered for.
        context: what it may name.
        kind: what is done with each statement.

    Raises:
        RenderError: no such file, or it names what the context does not hold.
    """
    key = tuple((name, text if isinstance(text, str) else tuple(text)) for name, text in sorted(context.items()))
    return _statements(source, subject, key, kind)


@lru_cache(maxsize=4096)
def _statements(source: str, subject: str, context: _Key, kind: Kind) -> tuple[Statement, ...]:
    """Kept, because each load renders the same plan."""
    texts = [text.strip().removesuffix(";") for text in _template(source).split(";\n")]
    rendered = [render(text, dict(context)) for text in texts if _without_comments(text)]
    return tuple(
        Statement(sql, source, number, subject, kind, _parameters(sql)) for number, sql in enumerate(rendered, start=1)
    )


def fragment(source: str, context: Context) -> str:
    """The text of a template that is a part of others' statements.

    Raises:
        RenderError: as `statements`.
    """
    return render(_template(source).strip(), context)


def step(source: str, subject: str, context: Context) -> tuple[Step, ...]:
    """A file as a part of a plan.

    `*.repeat.sql` is repeated, each statement of `*.bind.sql` binds, each of `*.check.sql` checks.
    """
    if source.endswith(".repeat.sql"):
        return (Repeat(statements(source, subject, context)),)
    if source.endswith(".bind.sql"):
        return statements(source, subject, context, kind=Kind.BIND)
    if source.endswith(".check.sql"):
        return statements(source, subject, context, kind=Kind.CHECK)
    return statements(source, subject, context)


@cache
def _template(source: str) -> str:
    file = resources.files("redshift_sql").joinpath(*source.split("/"))
    if not file.is_file():
        raise RenderError("no such template", where=f"redshift_sql/{source}", remedy="install the package again")
    return file.read_text(encoding="utf-8")


def _lists(line: str, context: Context) -> str | None:
    """One line with its lists written out; None when nothing is left of it."""
    if line.lstrip().startswith("--") or not line.strip():
        return line
    depth = len(line) - len(line.lstrip()) + (4 if line.lstrip().startswith(_OPENING) else 0)
    written = _LIST.sub(lambda match: _expanded(match, context, " " * depth), line)
    if line.lstrip().startswith("{") and not written.strip():
        return None
    return written.rstrip()


def _words(line: str, context: Context) -> str:
    """Words of one line: as they are in comments and between quotes, as identifiers elsewhere."""

    def plain(text: str) -> str:
        return _NAME.sub(lambda name: _scalar(name[1], context), text)

    if line.lstrip().startswith("--"):
        return plain(line)
    in_text = _QUOTED.sub(lambda match: plain(match[0]), line)
    return _WORD.sub(lambda match: quoted(plain(match[1])), in_text)


def _expanded(match: re.Match[str], context: Context, indent: str) -> str:
    name, pattern, word = match[1], match[2], match[3]
    items = context.get(name)
    if items is None or isinstance(items, str):
        raise RenderError(f"the template lists '{name}', which its context lacks")
    pattern = _LIST.sub(lambda inner: _expanded(inner, context, ""), pattern)
    texts = [_item(pattern, item) for item in items]
    before, after = match.string[: match.start()].strip(), match.string[match.end() :]
    if pattern.startswith(_LEADING):
        return _leading(texts, indent, alone=not before)
    joined = _JOINTS[word].join(texts)
    if len(joined) + len(indent) <= _LINE or len(texts) < 2:
        return joined
    first = f"\n{indent}" if before else ""
    last = f"\n{indent[4:]}" if after.startswith(")") else ""
    joint = f"\n{indent}{_JOINTS[word].strip()} " if word else f",\n{indent}"
    return first + joint.join(texts) + last


def _leading(texts: Sequence[str], indent: str, *, alone: bool) -> str:
    lines = [f"{indent}{text}" for text in texts]
    written = "\n".join(lines)
    if alone:
        return written.removeprefix(indent)
    return "".join(f",\n{indent}{text[2:]}" if text.startswith(", ") else f"\n{indent}{text}" for text in texts)


def _item(pattern: str, item: Item) -> str:
    parts = re.split(r"('[^']*')", pattern)
    return "".join(
        _filled(part, item) if part.startswith("'") else _ITEM_WORD.sub(lambda m: _named(m[0], item), part)
        for part in parts
    )


def _named(word: str, item: Item) -> str:
    return item.type if word == "#type" else quoted(_filled(word, item))


def _filled(text: str, item: Item) -> str:
    return text.replace("#", item.name).replace("@", item.other).replace("~", item.via)


def quoted(word: str) -> str:
    """An identifier as it stands in SQL: in quotes where an engine keeps the word for itself."""
    return f'"{word}"' if word in RESERVED else word


def _scalar(name: str, context: Context) -> str:
    value = context.get(name)
    if not isinstance(value, str):
        raise RenderError(f"the template names '{name}', which its context lacks")
    return value


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith("--")).strip()


def _parameters(sql: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_PARAMETER.findall(_TEXT.sub("''", _without_comments(sql)))))
