"""The prepare command: what it writes and prints, and mistakes that leave nothing behind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.readers.prepared import read_prepared
from kdiffe_jax.data.settings import PrepareConfig
from launch import prepare as command
from launch.parsing import parse

pytest.importorskip("pyarrow")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A directory of tables: 12 users, 8 items with titles and brands, an extra file or two."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "shop"
    source.mkdir()
    rows = [
        f"naïve{u},p{(3 * u + k) % 8},{4 + k % 2},{100 * u + k}"
        for u in range(12)
        for k in range(5)
    ]
    text = "user_id,item_id,rating,timestamp\n" + "\n".join(rows) + "\n"
    (source / "interactions.csv").write_text(text, encoding="utf-8")
    items = ["item_id\ttitle\tbrand"]
    items += [f"p{i}\t{'red cup' if i % 2 else 'blue plate'}\tB{i % 3}" for i in range(8)]
    (source / "items.tsv").write_text("\n".join(items) + "\n")
    near = ["item\tneighbour\tweight"] + [f"p{i}\tp{(i + 1) % 8}\t0.5" for i in range(8)]
    (tmp_path / "near.tsv").write_text("\n".join(near) + "\n")
    np.save(tmp_path / "image.npy", np.random.default_rng(0).normal(size=(8, 4)).astype("f4"))
    (tmp_path / "image.ids.txt").write_text("".join(f"p{i}\n" for i in range(8)))
    return source


def run(*arguments) -> int:
    return command.main(["prepare", *arguments], absl_flags.FlagValues())


def refusal(capsys, *arguments) -> str:
    capsys.readouterr()
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


SMALL = ("--words_min_items=1", "--words_max_share=1", "--codebook_size=3", "--codes_per_item=1")


def test_tables_and_extra_files_become_a_data_set(shop, capsys):
    beside = ("--neighbours=near=near.tsv", "--features=image=image.npy")
    assert run("--source=tables", "--input=shop", "--output=out", *beside, *SMALL) == 0
    dataset = read_prepared("out")
    assert (dataset.name, dataset.n_users, dataset.n_items) == ("out", 12, 8)
    assert dataset.relation_names == ("near", "title", "brand", "image")
    assert "naïve3" in dataset.user_ids and dataset.item_names[dataset.item_ids.index("p1")]
    provenance = dataset.provenance
    assert provenance["source"] == "tables" and provenance["options"]["codebook_size"] == 3
    assert set(provenance["files"]) == {"interactions.csv", "items.tsv", "near.tsv"} | {
        "image.npy",
        "image.ids.txt",
    }
    printed = capsys.readouterr().out
    for words in ("near", "coverage", "split", "written: out"):
        assert words in printed


def test_the_same_input_gives_the_same_files(shop):
    for output in ("first", "second"):
        assert run("--input=shop", f"--output={output}", "--name=shop", *SMALL) == 0
    first, second = (sorted(Path(d).iterdir()) for d in ("first", "second"))
    assert [f.name for f in first] == [f.name for f in second]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_features_beside_tables_are_read_by_their_ids(shop):
    shutil.move("image.npy", shop / "image_feat.npy")
    shutil.move("image.ids.txt", shop / "image_feat.ids.txt")
    assert run("--input=shop", "--output=out", *SMALL) == 0
    dataset = read_prepared("out")
    assert "image" in dataset.relation_names and "image_feat.npy" in dataset.provenance["files"]
    rows = np.load(shop / "image_feat.npy")
    first = dataset.item_ids.index("p0")
    np.testing.assert_array_equal(dataset.features["image"][first], rows[0])


def test_extra_files_of_one_name_keep_both_sums(shop):
    Path("other").mkdir()
    shutil.copy("near.tsv", "other/near.tsv")
    beside = ("--neighbours=near=near.tsv", "--neighbours=far=other/near.tsv")
    assert run("--input=shop", "--output=out", *beside, *SMALL) == 0
    files = read_prepared("out").provenance["files"]
    assert sum(name.endswith("/near.tsv") for name in files) == 2


def test_one_relation_has_limits_of_its_own(shop):
    limits = ("--filter=brand:min_entity_items=3", "--filter=title:drop")
    assert run("--input=shop", "--output=out", *limits, *SMALL) == 0
    dataset = read_prepared("out")
    assert dataset.relation_names == ("brand",)
    assert set(dataset.entity_names) == {"B0", "B1"}
    assert dataset.provenance["options"]["filter"] == ["brand:min_entity_items=3", "title:drop"]
    assert any("'title' dropped, as asked for" in note for note in dataset.notes)


def test_inspect_prints_and_draws(shop, capsys):
    pytest.importorskip("matplotlib")
    assert run("--input=shop", "--output=out", *SMALL) == 0
    capsys.readouterr()
    assert run("--inspect", "--input=out", "--figures=figures") == 0
    printed = capsys.readouterr().out
    assert "identical" in printed and "density" in printed
    assert sorted(f.name for f in Path("figures").iterdir()) == [
        "entities_per_item.png",
        "entity_frequency.png",
    ]
    read_prepared("out")


def test_inspect_writes_nothing_that_is_not_asked_for(shop, capsys):
    assert run("--input=shop", "--output=out", *SMALL) == 0
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    assert run("--inspect", "--input=out") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("--figures=DIR draws")
    assert sorted(Path().rglob("*")) == before
    both = ("--item=p1", "--figures=figures")
    assert "leave one of them out" in refusal(capsys, "--inspect", "--input=out", *both)


def test_an_item_can_be_shown_in_words(shop, capsys):
    assert run("--input=shop", "--output=out", *SMALL) == 0
    capsys.readouterr()
    assert run("--inspect", "--input=out", "--item=p1") == 0
    assert capsys.readouterr().out == "item p1: red cup\n  title: cup; red\n  brand: B1\n"
    assert "no item 'p99'" in refusal(capsys, "--inspect", "--input=out", "--item=p99")


def test_the_directory_of_a_downloaded_data_set_is_recognised(shop, capsys):
    assert run("--input=shop", "--output=out", *SMALL) == 0
    assert run("--input=out", "--output=again", "--min_entity_items=3") == 0
    manifest = json.loads(Path("again/dataset.json").read_text())
    assert manifest["provenance"]["source"] == "prepared"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "--input=DIR is needed"),
        (("--input=shop",), "--output=DIR is needed"),
        (("--input=absent", "--output=out"), "absent: no such file or directory"),
        (("--input=empty", "--output=out"), "empty: no known layout; known are kdiffe,"),
        (("--input=shop", "--output=shop"), "shop: exists already"),
        (("--input=shop", "--output=out", "--source=excel"), "source"),
        (("--input=shop", "--output=out", "--k_core=-1"), "k_core = -1: must be at least 0"),
        (("--input=shop", "--output=out", "--k_core=50"), "50"),
        (("--input=shop", "--output=out", "--valid_share=2"), "valid_share = 2"),
        (("--input=shop", "--output=out", "--user_column=who"), "who"),
        (("--input=shop", "--output=out", "--text_columns=blurb"), "no column 'blurb'"),
        (("--input=shop", "--output=out", "--words_language=klingon"), "klingon"),
        (("--input=shop", "--output=out", "--neighbours=near.tsv"), "--neighbours=NAME=FILE"),
        (("--input=shop", "--output=out", "--neighbours=near=gone.tsv"), "gone.tsv: no such file"),
        (("--input=shop", "--output=out", "--labels=seen=image.npy"), "SCORES.npy,NAMES.txt"),
        (("--input=shop", "--output=out", "--features=image=items.tsv"), "items.tsv"),
        (("--input=shop", "--output=o/g", "--features=../e=image.npy"), "'../e': the name begins"),
        (("--input=shop", "--output=out", "--feature_neighbours=3"), "has no dense features"),
        (("--input=shop", "--output=out", "--split=given"), "given"),
        (("--input=shop/items.tsv", "--output=out"), "items.tsv"),
        (("--source=kdiffe", "--input=shop", "--output=out"), "trnMat.pkl"),
        (("--inspect", "--input=shop"), "shop: not prepared yet"),
        (("--input=shop", "--output=out", "--item=p1"), "--item goes with --inspect"),
        (("--input=shop", "--output=out", "--kg_ids=shared"), "--kg_ids=shared has no effect"),
        (("--input=shop", "--output=out", "--features=image=loose.npy"), "loose.ids.txt"),
        (("--input=shop", "--output=near.tsv/out"), "near.tsv/out"),
        (("stray",), "'stray' is not a flag"),
        (("--input=shop", "--output=out", "--filter=title"), "write --filter=title:"),
        (("--input=shop", "--output=out", "--filter=title:most=3"), "'most' is none of"),
        (("--input=shop", "--output=out", "--filter=title:min_entity_items=a"), "expected int"),
        (("--input=shop", "--output=out", "--filter=title:min_entity_items=0"), "at least 1"),
        (("--input=shop", "--output=out", "--filter=size:drop"), "there are title, brand"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(shop, tmp_path, capsys, arguments, expected):
    Path("empty").mkdir()
    shutil.copy("image.npy", "loose.npy")
    before = sorted(p.name for p in tmp_path.rglob("*"))
    assert expected in refusal(capsys, *arguments)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def test_an_interrupt_leaves_nothing(shop, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "prepare", interrupted)
    assert run("--input=shop", "--output=out") == 130
    assert not (tmp_path / "out").exists()
    assert "no Dataset was written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "file", sorted((ROOT / "launch").glob("prepare_*.flags")), ids=lambda file: file.name
)
def test_shipped_flag_files_are_valid(file):
    values = absl_flags.FlagValues()
    command.define(values)
    parse(["prepare", f"--flagfile={file}"], values)
    chosen = {name: values[name].value for name in PrepareConfig.all_options()}
    PrepareConfig.from_flat(chosen)
    assert values["source"].present and values["name"].present


def test_files_that_are_not_read_are_named(shop, capsys):
    for name in ("Items.CSV", "image_feat.npz", "brands.tsv"):
        (shop / name).write_text("item_id\tmaker\np1\tAcme\n")
    assert run("--input=shop", "--output=out", "--items=shop/brands.tsv", *SMALL) == 0
    assert "out: not read: Items.CSV, image_feat.npz; docs/data.md has" in capsys.readouterr().out


def test_shared_ids_make_items_of_entities(shop):
    Path("links.csv").write_text("item,relation,entity\np1,sequel,p2\nx,box,p3\nx,box,p1\n")
    triples = ("--triples=links.csv", "--kg_ids=shared")
    assert run("--input=shop", "--output=out", *triples, *SMALL) == 0
    dataset = read_prepared("out")
    assert {"sequel", "box (inverse)"} <= set(dataset.relation_names)
    assert "p2" in {dataset.item_ids[i] for i in dataset.entity_items.tolist() if i >= 0}
    assert dataset.provenance["options"]["kg_ids"] == "shared"
