"""The three real data sets, from their files to a Dataset by the shipped flag files."""

from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.diagnosis.reports import relation_reports
from kdiffe_jax.data.diagnosis.text import item_in_words
from kdiffe_jax.data.readers.prepared import read_prepared
from launch import prepare as command

pytestmark = pytest.mark.real_data
pytest.importorskip("pyarrow")
LAUNCH = Path(__file__).parents[2] / "launch"


def prepared(name: str, source: Path, output: Path, *more: str):
    flags = (f"--flagfile={LAUNCH}/prepare_{name}.flags", f"--input={source}", f"--output={output}")
    assert command.main(["prepare", *flags, *more], absl_flags.FlagValues()) == 0
    return read_prepared(output)


def sizes(dataset) -> tuple[int, ...]:
    names = ("users", "items", "train", "valid", "test")
    return tuple(dataset.statistics()[name] for name in names)


def test_tiktok(real_data, tmp_path, capsys):
    source = real_data / "tiktok"
    dataset = prepared("tiktok", source, tmp_path / "out", "--codebook_size=16")
    assert sizes(dataset) == (9308, 6710, 59541, 3051, 6130)
    assert dataset.relation_names == ("audio", "image")
    assert "relation 'relation 1' is degenerate" in capsys.readouterr().out


def test_baby(real_data, tmp_path):
    source = real_data / "baby"
    beside = [f"--neighbours={kind}={source}/knn_{kind}_top10.tsv" for kind in ("image", "text")]
    more = (f"--items={source}/items.tsv", *beside)
    dataset = prepared("baby", source, tmp_path / "out", *more)
    assert sizes(dataset) == (19445, 7050, 118551, 21682, 20559)
    image, text, title = relation_reports(dataset)
    assert (image.name, text.name, title.name) == ("image", "text", "title")
    assert (image.triples, text.triples) == (63503, 63454)
    assert 0.45 < title.coverage < 0.5 and image.coverage > 0.99
    assert "title: baby" in item_in_words(dataset, "693")
    assert dataset.items_of_entities().max() < dataset.n_items


def test_megcf_beauty(real_data, tmp_path):
    dataset = prepared("megcf_beauty", real_data / "megcf-beauty", tmp_path / "out")
    assert sizes(dataset) == (15576, 8678, 108166, 15576, 15576)
    assert dataset.relation_names == ("title", "visual")
    assert dataset.statistics()["items_without_triples"] == 0
