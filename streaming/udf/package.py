"""The function's package: one zip with its modules, the pipeline's contracts and fastavro, equal bytes at every run.

`python -m streaming.udf.package --pipeline retail --out decode.zip`; with `--wheel` and fastavro's wheel for the
function's platform (as `requirements.lock` names it by hash), the compiled reader is packed instead of the plain one.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Final

from schemas import load_pipeline
from schemas.errors import LakeError
from schemas.model import Pipeline
from schemas.streamed import StreamedContract

HANDLER: Final = "streaming.udf.handler.handler"
MOST_BYTES: Final = 50 * 1024 * 1024
"""AWS Lambda, "Lambda quotas": a zip that is uploaded directly."""
MODULES: Final[Mapping[str, Sequence[str]]] = {
    "schemas": ("errors", "model", "streamed", "types", "writer"),
    "streaming": ("reasons", "registry"),
    "streaming.udf": (
        "avro",
        "changes",
        "decimals",
        "faults",
        "framing",
        "handler",
        "instants",
        "jvm_text",
        "positions",
        "schema_cache",
        "values",
    ),
}
_CONTRACTS: Final = "streaming/udf/contracts.json"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_PERMISSIONS: Final = 0o644 << 16
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class PackageError(LakeError):
    """The package cannot be made."""


def package(pipeline: Pipeline, wheel: bytes | None = None) -> bytes:
    """The zip's bytes.

    Args:
        pipeline: whose contracts are packed.
        wheel: fastavro's wheel for the function's platform; without one its Python modules are packed, which run
            anywhere.

    Raises:
        PackageError: fastavro is not there, or the zip is too large for AWS Lambda.
    """
    files = dict(_own(pipeline)) | dict(_installed_fastavro() if wheel is None else _unpacked(wheel))
    out = io.BytesIO()
    # Stored, not packed: what zlib makes of the same bytes differs from release to release.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            item = zipfile.ZipInfo(name, _EARLIEST)
            item.external_attr = _PERMISSIONS
            item.create_system = 3
            archive.writestr(item, files[name])
    made = out.getvalue()
    if len(made) > MOST_BYTES:
        what = f"the zip has {len(made)} bytes, AWS Lambda takes {MOST_BYTES}"
        raise PackageError(what, where="fastavro", remedy="leave out --wheel")
    return made


def locked_wheel(path: Path, lock: Path) -> bytes:
    """A wheel's bytes, if the lock file names their hash for fastavro.

    Raises:
        PackageError: it does not.
    """
    data = path.read_bytes()
    entry = next((part for part in re.split(r"\n(?=\S)", lock.read_text()) if part.startswith("fastavro==")), "")
    if hashlib.sha256(data).hexdigest() not in _HASH.findall(entry):
        what = "the wheel's hash is not among those of the lock file"
        raise PackageError(what, where=path.name, remedy=f"download the release that {lock.name} pins")
    return data


def _own(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Our modules. The packages' own `__init__` would ask for more than the function needs: they are left empty."""
    for name, modules in MODULES.items():
        folder = name.replace(".", "/")
        yield f"{folder}/__init__.py", b""
        for module in modules:
            yield f"{folder}/{module}.py", resources.files(name).joinpath(f"{module}.py").read_bytes()
    contracts = [StreamedContract.of(source).to_json() for source in pipeline.sources.values()]
    yield _CONTRACTS, json.dumps(contracts, indent=1, sort_keys=True).encode()


def _installed_fastavro() -> Iterator[tuple[str, bytes]]:
    try:
        found = metadata.distribution("fastavro")
    except metadata.PackageNotFoundError:
        raise PackageError("fastavro is not installed", where="fastavro", remedy="run: make setup") from None
    for item in found.files or []:
        if _is_packed(str(item)) and item.suffix != ".so":
            yield str(item), Path(str(item.locate())).read_bytes()


def _unpacked(wheel: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name in archive.namelist():
            if _is_packed(name):
                yield name, archive.read(name)


def _is_packed(name: str) -> bool:
    licence = ".dist-info/" in name and "LICENSE" in name.upper()
    return licence or (name.startswith("fastavro/") and name.endswith((".py", ".so")))


def main(argv: Sequence[str]) -> int:
    """Writes the zip, and prints its size and hash as a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m streaming.udf.package", description=__doc__)
    parser.add_argument("--pipeline", default="retail", help="a folder of contracts")
    parser.add_argument("--contracts", type=Path, help="a folder that holds pipelines of your own")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    parser.add_argument("--wheel", type=Path, help="fastavro's wheel for the function's platform")
    parser.add_argument("--lock", type=Path, default=Path("requirements.lock"), help="the lock file that has its hash")
    args = parser.parse_args(argv)
    try:
        pipeline = load_pipeline(args.pipeline, (args.contracts,) if args.contracts else ())
        made = package(pipeline, locked_wheel(args.wheel, args.lock) if args.wheel else None)
    except (LakeError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(made)
    told = {"zip": str(args.out), "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest(), "handler": HANDLER}
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
