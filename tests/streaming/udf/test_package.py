"""The package: equal bytes at every run, complete, small enough, and its handler runs with nothing but the zip."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest

from schemas import load_pipeline
from schemas.streamed import BATCH_ROWS
from streaming.udf.package import HANDLER, MOST_BYTES, PackageError, locked_wheel, main, package
from tests.support.decode_function import PackagedFunction, RegistryServer, request
from tests.support.envelopes import pg_change
from tests.support.landing import Events
from tests.support.retail import AVRO, customer

RETAIL = load_pipeline("retail")


def test_the_same_contracts_give_the_same_bytes() -> None:
    made = package(RETAIL)
    assert made == package(load_pipeline("retail"))
    assert len(made) < MOST_BYTES // 10
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [name for name in archive.namelist() if name.endswith((".so", ".pyc"))]
        assert HANDLER.rsplit(".", 1)[0].replace(".", "/") + ".py" in archive.namelist()


def test_the_zips_handler_decodes_alone(tmp_path: Path) -> None:
    texts = [(AVRO / f"retail.customer.cdc-{side}.avsc").read_text() for side in ("key", "value")]
    events = Events(*(json.loads(text) for text in texts))
    record = events.record({"customer_id": 1}, pg_change("c", "customer", lsn=9, ts_us=1, after=customer(1)), 0)
    with (
        RegistryServer.serving(events.texts) as registry,
        PackagedFunction.running(RETAIL, tmp_path, registry.address) as function,
    ):
        found = [json.loads(text) for text in function.decoded("customer", [(record.key, record.value)] * BATCH_ROWS)]
        assert {item["op"] for item in found} == {"c"}
        assert found[0]["image"]["birth_date"] == "2022-01-08"
        assert registry.asked == ["1", "2"]
        registry.down = True
        other = Events(events.key_schema, events.value_schema, value_id=3).record({"customer_id": 1}, None, 0)
        assert json.loads(function.decoded("customer", [(other.key, None)])[0])["op"] == "x"
        unknown = b"\x00\x00\x00\x00\x03" + (record.value or b"")[5:]
        assert function.invoke(request("customer", [(record.key, unknown)]))["success"] is False


def test_a_wheel_is_packed_only_if_the_lock_names_it(tmp_path: Path) -> None:
    wheel = tmp_path / "fastavro-1-cp313-cp313-manylinux_2_28_aarch64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("fastavro/__init__.py", "fastavro/_read.so", "fastavro-1.dist-info/LICENSE", "other/x.py"):
            archive.writestr(name, "x")
    lock = tmp_path / "requirements.lock"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(f"duckdb==1 \\\n    --hash=sha256:{digest}\nfastavro==1 \\\n    --hash=sha256:{'0' * 64}\n")
    with pytest.raises(PackageError, match="not among those"):
        locked_wheel(wheel, lock)
    lock.write_text(f"fastavro==1 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{digest}\nx==1\n")
    with zipfile.ZipFile(io.BytesIO(package(RETAIL, locked_wheel(wheel, lock)))) as archive:
        names = [name for name in archive.namelist() if not name.startswith(("schemas/", "streaming/"))]
    assert names == ["fastavro-1.dist-info/LICENSE", "fastavro/__init__.py", "fastavro/_read.so"]


def test_the_tool_writes_the_zip_and_tells_its_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out" / "decode.zip"
    assert main(["--pipeline", "retail", "--out", str(target)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert main(["--pipeline", "no_such", "--out", str(target)]) == 1
    assert "error:" in capsys.readouterr().err
