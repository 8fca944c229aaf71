"""dev, qa and prod: fully apart, alike but for sizes and options, and what `lake deploy` reads of them."""

from __future__ import annotations

from pathlib import Path

from lake.deploy.places import places_of
from lake.warehouse.data_api import parsed
from schemas import load_pipeline
from streaming.sizing import partitions
from tests.infra.terraform.applied import State
from tests.infra.terraform.harness import ENVIRONMENTS, SOURCES, terraform

RETAIL = load_pipeline("retail")
OWN = {"sizes.tf", "backend.tf"}
"""Files in which environments differ."""


def files(environment: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in (SOURCES / "environments" / environment).glob("*.tf")}


def test_everything_is_formatted(installed: None) -> None:
    done = terraform("fmt", "-check", "-recursive", "-diff", str(SOURCES), cwd=SOURCES)
    assert done.returncode == 0, done.stdout
    done = terraform("fmt", "-check", "-recursive", "-diff", str(Path(__file__).parent), cwd=SOURCES)
    assert done.returncode == 0, done.stdout


def test_environments_have_equal_files_but_for_sizes_and_state() -> None:
    dev, *others = (files(name) for name in ENVIRONMENTS)
    assert dev.keys() >= OWN
    for other in others:
        assert other.keys() == dev.keys()
        assert {name: other[name] for name in dev.keys() - OWN} == {name: dev[name] for name in dev.keys() - OWN}


def test_sizes_hold_values_and_nothing_else() -> None:
    for name in ENVIRONMENTS:
        text = files(name)["sizes.tf"]
        assert not any(word in text for word in ("resource ", "module ", "data ", "var.", "provider "))


def test_each_state_is_locked_encrypted_and_an_environments_own() -> None:
    texts = [files(name)["backend.tf"] for name in ENVIRONMENTS]
    assert len(set(texts)) == len(ENVIRONMENTS)
    for name, text in zip(ENVIRONMENTS, texts, strict=True):
        lines = dict(line.strip().split(None, 1) for line in text.splitlines() if "=" in line and "#" not in line)
        assert lines["use_lockfile"] == "= true"
        assert lines["encrypt"] == "= true"
        assert name in lines["bucket"]
        assert name in lines["key"]


def test_environments_share_no_name_and_no_address(environments: dict[str, State]) -> None:
    for kind, attribute in (("aws_s3_bucket", "bucket"), ("aws_kms_alias", "name"), ("aws_iam_role", "name")):
        named = [{item.values[attribute] for item in state.all(kind)} for state in environments.values()]
        assert all(named)
        assert len(set.union(*named)) == sum(map(len, named)), kind
    assert len({state.one("aws_vpc").values["cidr_block"] for state in environments.values()}) == len(environments)


def test_the_outputs_are_what_a_deployment_reads(environments: dict[str, State]) -> None:
    for name, state in environments.items():
        places = places_of(state.outputs)
        assert places.name == f"retail-datalake-{name}"
        assert places.buckets["lake"] == places.name
        assert places.databases.items() >= {"staging": "retail_staging", "curated": "retail_curated"}.items()
        parsed(places.warehouse_uri)
        assert places.cluster_kind in ("serverless", "provisioned")
        assert places.bootstrap.endswith(":9098")


def test_topics_have_the_partitions_that_the_stated_throughput_asks_for(environments: dict[str, State]) -> None:
    seen = set()
    for state in environments.values():
        topics = {topic.name: topic for topic in places_of(state.outputs).topics}
        assert topics.keys() >= {source.topic for source in RETAIL.sources.values()}
        for source in RETAIL.sources.values():
            peak = state.outputs["throughput"][source.table]
            topic = topics[source.topic]
            assert topic.partitions == partitions(peak["records_per_second"], peak["record_bytes"])
            assert topic.replicas == 3
            assert topic.config["retention.ms"] == str(7 * 24 * 60 * 60 * 1000)
            seen.add(topic.partitions)
    assert len(seen) > 2  # by records, by bytes, and the least


def test_prod_cannot_lose_what_dev_may(environments: dict[str, State]) -> None:
    destroys = {
        name: {item.values["force_destroy"] for item in state.all("aws_s3_bucket")}
        for name, state in environments.items()
    }
    assert destroys == {"dev": {True}, "qa": {False}, "prod": {False}}
    cluster = environments["prod"].one("aws_redshift_cluster").values
    assert cluster["skip_final_snapshot"] is False
    assert cluster["multi_az"] is True
    assert environments["prod"].all("aws_backup_vault_lock_configuration")
    assert environments["prod"].all("aws_s3_bucket_replication_configuration")
