"""Settings: typed, read once, and every mistake named with its place and the nearest valid key."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.settings import Settings, SettingsError, load_settings, table


def load(folder: Path, toml: str, **environment: str) -> Settings:
    (folder / "lake.toml").write_text(toml)
    return load_settings(environment, folder)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path) == Settings()


def test_a_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    settings = load(tmp_path, 'home = "/data/lake"\ntrigger_seconds = 5\n', LAKE_TRIGGER_SECONDS="2.5")
    assert settings.home == Path("/data/lake")
    assert settings.trigger_seconds == 2.5


def test_a_whole_number_serves_where_a_number_is_wanted(tmp_path: Path) -> None:
    assert load(tmp_path, "topic_retention_days = 3").topic_retention_days == 3.0


def test_a_typo_names_the_key_the_file_and_the_nearest_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "triger_seconds = 5")
    text = str(caught.value)
    assert "unknown setting 'triger_seconds'" in text
    assert str(tmp_path / "lake.toml") in text
    assert "did you mean trigger_seconds?" in text


def test_a_key_that_resembles_none_points_to_the_list(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lake settings"):
        load(tmp_path, "zzz = 1")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('spark_cores = "two"', "spark_cores must be a whole number, not str"),
        ("spark_cores = true", "spark_cores must be a whole number, not bool"),
        ("spark_cores = 2.5", "spark_cores must be a whole number, not float"),
        ("home = 7", "home must be a path, not int"),
        ("pipeline = 7", "pipeline must be a text, not int"),
    ],
)
def test_a_wrong_type_is_named_with_an_example(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="for example") as caught:
        load(tmp_path, line)
    assert said in caught.value.what


def test_a_wrong_type_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="environment variable LAKE_SPARK_CORES: must be a whole number, not 'x'"):
        load(tmp_path, "", LAKE_SPARK_CORES="x")


@pytest.mark.parametrize(
    "line", ["spark_cores = 0", "trigger_seconds = 0.5", "topic_partitions = -1", "trigger_seconds = nan"]
)
def test_a_value_below_its_minimum_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="below the least possible value"):
        load(tmp_path, line)


@pytest.mark.parametrize("line", ['spark_profile = "huge"', 'log_format = "xml"'])
def test_a_word_that_is_none_of_a_settings_words_is_refused_with_them(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is none of its words") as caught:
        load(tmp_path, line)
    assert caught.value.remedy.startswith(("give small or large", "give text or json"))


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not TOML"):
        load(tmp_path, "home = ")


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file") as caught:
        load_settings({"LAKE_CONFIG": str(tmp_path / "gone.toml")}, tmp_path)
    assert "LAKE_CONFIG" in caught.value.remedy


def test_several_pipeline_folders_are_separated_as_paths_are(tmp_path: Path) -> None:
    assert load(tmp_path, 'pipelines = "/a:/b"').search_path == (Path("/a"), Path("/b"))


def test_a_way_to_log_in_to_kafka_that_is_none_is_named(tmp_path: Path) -> None:
    assert load(tmp_path, 'kafka_auth = "iam"').kafka_auth == "iam"
    with pytest.raises(SettingsError, match="'scram' is no way to log in to Kafka"):
        load(tmp_path, 'kafka_auth = "scram"')


def test_every_setting_is_documented_with_its_unit() -> None:
    rows = table(Settings())
    assert len(rows) > 10
    assert all(row.unit and row.description and row.variable == f"LAKE_{row.key.upper()}" for row in rows)
