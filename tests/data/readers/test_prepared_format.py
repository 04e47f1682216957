"""Our own format: a round trip loses nothing, a bad file is named, a failed write leaves none."""

import dataclasses
import json

import numpy as np
import pytest

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.plain_files import write_integers
from kdiffe_jax.data.readers import prepared, read_dataset
from kdiffe_jax.data.readers.prepared import read_prepared, write_prepared
from kdiffe_jax.errors import DataError

PLAIN = Dataset(
    name="shop",
    n_users=3,
    n_items=4,
    n_entities=3,
    train=np.array([[0, 0], [0, 2], [1, 1], [2, 3]], np.int32),
    valid=np.array([[0, 1]], np.int32),
    test=np.array([[1, 0], [2, 0]], np.int32),
    triples=np.array([[0, 0, 0], [0, 1, 2], [3, 1, 1]], np.int32),
    relation_names=("brand", "цвет"),
    entity_names=("Müller & Söhne", "赤", "a  b"),
    features={"image": np.arange(8, dtype=np.float16).reshape(4, 2), "text": np.eye(4)},
    relevant=np.array([True, False, True]),
    notes=("one line", "другая"),
)


@pytest.fixture
def written(tmp_path):
    write_prepared(PLAIN, tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def by_hand(tmp_path):
    manifest = {"format": 1, "users": 2, "items": 3, "entities": 2}
    (tmp_path / "dataset.json").write_text(json.dumps(manifest))
    (tmp_path / "train.tsv").write_text("# user item\n1\t2\n0\t0\n1\t2\n")
    (tmp_path / "valid.tsv").write_text("0\t1\n")
    (tmp_path / "test.tsv").write_text("")
    (tmp_path / "triples.tsv").write_text("2\t0\t1\n")
    return tmp_path


def change_manifest(path, **entries):
    file = path / "dataset.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps(manifest | entries))


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_prepared(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_round_trip(written):
    again = read_dataset(written, name="shop")
    for field in dataclasses.fields(Dataset):
        if field.name != "features":
            np.testing.assert_array_equal(getattr(again, field.name), getattr(PLAIN, field.name))
    assert set(again.features) == {"image", "text"}
    for modality, rows in PLAIN.features.items():
        np.testing.assert_array_equal(again.features[modality], rows)
        assert again.features[modality].dtype == rows.dtype
    assert again.fingerprint() == PLAIN.fingerprint()


def test_round_trip_without_truth_names_and_triples(tmp_path):
    bare = dataclasses.replace(
        PLAIN,
        triples=np.zeros((0, 3), np.int32),
        relation_names=(),
        entity_names=(),
        n_entities=0,
        features={},
        relevant=None,
        valid=np.zeros((0, 2), np.int32),
    )
    write_prepared(bare, tmp_path / "bare")
    again = read_prepared(tmp_path / "bare")
    assert again.relevant is None and again.entity_names == ()
    assert again.triples.shape == (0, 3) and again.valid.shape == (0, 2)
    assert again.fingerprint() == bare.fingerprint()


@pytest.mark.parametrize("name", ("line\u2028break", "next\x85line", "form\x0cfeed", "a\nb", "a\r"))
def test_names_with_odd_separators_survive_or_are_refused(tmp_path, name):
    dataset = dataclasses.replace(PLAIN, entity_names=(name, "b", "c"))
    try:
        write_prepared(dataset, tmp_path / "odd")
    except DataError:
        return
    assert read_prepared(tmp_path / "odd").entity_names == dataset.entity_names


def test_a_first_name_that_begins_with_a_byte_order_mark_keeps_it(tmp_path):
    dataset = dataclasses.replace(PLAIN, entity_names=("\ufeffa", "b", "c"))
    write_prepared(dataset, tmp_path / "odd")
    assert read_prepared(tmp_path / "odd").entity_names == dataset.entity_names


def test_only_the_data_set_is_left_behind(written):
    assert [path.name for path in written.parent.iterdir()] == ["shop"]
    assert written.stat().st_mode & 0o777 == 0o755


def test_directory_written_by_hand(by_hand):
    dataset = read_prepared(by_hand)
    assert dataset.name == by_hand.name
    assert dataset.train.tolist() == [[0, 0], [1, 2]]
    assert dataset.test.shape == (0, 2)
    assert dataset.triples.tolist() == [[2, 0, 1]]
    assert dataset.relation_names == ("relation 0",)


def test_given_name_wins(by_hand):
    assert read_prepared(by_hand, name="mine").name == "mine"


@pytest.mark.parametrize("file", ("train.tsv", "triples.tsv", "image_feat.npy", "entities.tsv"))
def test_changed_file_is_refused(written, file):
    content = (written / file).read_bytes()
    (written / file).write_bytes(content + b" ")
    assert f"{file}: missing or changed" in refusal(written)


def test_removed_file_is_refused(written):
    (written / "relations.tsv").unlink()
    assert "relations.tsv: missing or changed" in refusal(written)


def test_edit_on_purpose_is_accepted_without_the_checksum(written):
    (written / "valid.tsv").write_text("0\t3\n")
    change_manifest(written, sha256={})
    assert read_prepared(written).valid.tolist() == [[0, 3]]


@pytest.mark.parametrize("text", ("", "{", "not json", '{"format": 1,}'))
def test_manifest_that_is_not_json(by_hand, text):
    (by_hand / "dataset.json").write_text(text)
    assert "dataset.json: not readable JSON" in refusal(by_hand)


def test_manifest_that_is_not_text(by_hand):
    (by_hand / "dataset.json").write_bytes(b"\xff\xfe\x00")
    assert "dataset.json: not readable JSON" in refusal(by_hand)


@pytest.mark.parametrize("text", ("[]", "3", "{}", '{"format": 2}', '{"format": "1"}'))
def test_manifest_of_another_version(by_hand, text):
    (by_hand / "dataset.json").write_text(text)
    assert '"format": 1' in refusal(by_hand)


@pytest.mark.parametrize("key", ("users", "items", "entities"))
@pytest.mark.parametrize("size", (None, -1, 2.5, "3", True))
def test_size_that_is_no_whole_number(by_hand, key, size):
    change_manifest(by_hand, **{key: size})
    assert f'"{key}" must be a whole number' in refusal(by_hand)


@pytest.mark.parametrize("entries", ({"sha256": ["train.tsv"]}, {"notes": 5}))
def test_manifest_entry_of_another_type(by_hand, entries):
    change_manifest(by_hand, **entries)
    assert "dataset.json" in refusal(by_hand)


@pytest.mark.parametrize("file", ("../secret", "/etc/hostname", "a/b", ".."))
def test_manifest_cannot_leave_the_directory(by_hand, file):
    (by_hand.parent / "secret").write_text("x")
    change_manifest(by_hand, sha256={file: "0"})
    message = refusal(by_hand)
    assert "leaves the directory" in message or file == ".."


@pytest.mark.parametrize(
    ("file", "line", "expected"),
    [
        ("train.tsv", "2\t0", "user 2 is outside 0..1"),
        ("valid.tsv", "0\t3", "item 3 is outside 0..2"),
        ("triples.tsv", "3\t0\t0", "item 3 is outside 0..2"),
        ("triples.tsv", "0\t0\t2", "entity 2 is outside 0..1"),
        ("test.tsv", "-1\t0", "test.tsv, row 1: ids are 0.."),
        ("test.tsv", f"0\t{2**31}", "test.tsv, row 1: ids are 0.."),
        ("test.tsv", f"0\t{2**70}", "test.tsv:"),
        ("test.tsv", "0\tx", "test.tsv:"),
        ("test.tsv", "0\t1.5", "test.tsv:"),
        ("test.tsv", "0 1", "test.tsv:"),
        ("test.tsv", "0\t1\t2", "test.tsv: 3 columns, expected 2"),
        ("test.tsv", "0\t1\n0", "test.tsv:"),
        ("triples.tsv", "0\t0", "triples.tsv: 2 columns, expected 3"),
    ],
)
def test_bad_line_is_refused(by_hand, file, line, expected):
    (by_hand / file).write_text(line + "\n")
    assert expected in refusal(by_hand)


@pytest.mark.parametrize(
    "file",
    (
        "train.tsv",
        "triples.tsv",
        "entities.tsv",
    ),
)
def test_text_that_is_not_utf8_is_refused(by_hand, file):
    (by_hand / file).write_bytes(b"\xff\t\xfe\n")
    assert file in refusal(by_hand)


@pytest.mark.parametrize("text", ("\n", "# none yet\n"))
def test_table_without_rows_is_empty(by_hand, text):
    (by_hand / "test.tsv").write_text(text)
    assert read_prepared(by_hand).test.shape == (0, 2)


def test_missing_table(by_hand):
    (by_hand / "valid.tsv").unlink()
    assert "valid.tsv: no such file" in refusal(by_hand)


def test_triple_marked_both_ways(by_hand):
    (by_hand / "triples.tsv").write_text("0\t0\t0\t1\n0\t0\t0\t0\n")
    assert "both relevant and not" in refusal(by_hand)


def test_marks_stay_with_their_triples_when_sorted(by_hand):
    (by_hand / "triples.tsv").write_text("2\t0\t1\t1\n0\t0\t0\t0\n")
    dataset = read_prepared(by_hand)
    assert dataset.triples.tolist() == [[0, 0, 0], [2, 0, 1]]
    assert dataset.relevant.tolist() == [False, True]


def test_names_must_match_entities(by_hand):
    (by_hand / "entities.tsv").write_text("only one\n")
    assert "1 entity names for 2 entities" in refusal(by_hand)


def test_features_whose_file_would_be_elsewhere_are_refused(tmp_path):
    dataset = dataclasses.replace(PLAIN, features={"a/../../evil": np.ones((4, 2))})
    with pytest.raises(DataError, match="^features 'a/../../evil': the name holds a slash"):
        write_prepared(dataset, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_other_bytes_than_utf8_is_refused(tmp_path):
    dataset = dataclasses.replace(PLAIN, relation_names=("brand", "a\udcff"))
    with pytest.raises(DataError, match="relations.tsv: the name .*udcff' holds bytes that are"):
        write_prepared(dataset, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_existing_target_is_refused_and_kept(tmp_path):
    target = tmp_path / "shop"
    target.mkdir()
    (target / "mine").write_text("keep")
    with pytest.raises(DataError, match="exists already"):
        write_prepared(PLAIN, target)
    assert [file.name for file in target.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(28, "disk full"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
@pytest.mark.parametrize("fails_at", (1, 4))
def test_nothing_is_left_of_a_failed_write(tmp_path, monkeypatch, error, seen, fails_at):
    calls = []

    def failing(*arguments):
        calls.append(1)
        if len(calls) == fails_at:
            raise error
        write_integers(*arguments)

    monkeypatch.setattr(prepared, "write_integers", failing)
    with pytest.raises(seen) as caught:
        write_prepared(PLAIN, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == [] and len(calls) == fails_at
    if seen is DataError:
        assert "disk full" in str(caught.value) and "\n" not in str(caught.value)


def test_names_provenance_and_items_as_entities_survive(tmp_path):
    n_users, n_items = PLAIN.n_users, PLAIN.n_items
    rich = dataclasses.replace(
        PLAIN,
        user_ids=tuple(f"{2**53 + 1 + u}" for u in range(n_users)),
        item_ids=tuple(f"naïve 赤\t{i}" for i in range(n_items)),
        item_names=("",) * n_items,
        item_pictures=("",) * (n_items - 1) + ("https://x/y.jpg",),
        entity_items=np.arange(PLAIN.n_entities, dtype=np.int32) % 2 - 1,
        provenance={"source": "tables", "files": {"a.csv": "0" * 64}},
    )
    write_prepared(rich, tmp_path / "rich")
    again = read_prepared(tmp_path / "rich")
    for field in ("user_ids", "item_ids", "item_names", "item_pictures", "provenance"):
        assert getattr(again, field) == getattr(rich, field)
    np.testing.assert_array_equal(again.entity_items, rich.entity_items)
    assert again.fingerprint() == rich.fingerprint()
    manifest = json.loads((tmp_path / "rich" / "dataset.json").read_text())
    assert manifest["statistics"] == rich.statistics()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("9\t0\n", "entity 9 is outside 0..1"),
        ("0\t0\n0\t1\n", "entity 0 is two items"),
        ("0\t99\n", "entity 0 is item 99"),
        ("0\n", "1 columns, expected 2"),
    ],
)
def test_entity_items_that_do_not_fit(by_hand, content, expected):
    (by_hand / "entity_items.tsv").write_text(content)
    assert expected in refusal(by_hand)


@pytest.mark.parametrize("size", ("users", "items", "entities"))
@pytest.mark.parametrize("names", ("", "a\nb\n"))
def test_a_size_of_petabytes_is_refused_before_there_is_room_for_it(by_hand, size, names):
    change_manifest(by_hand, **{size: 1 << 50})
    (by_hand / "entity_items.tsv").write_text("0\t1\n")
    if names:
        (by_hand / "entities.tsv").write_text(names)
    assert "mend the number" in refusal(by_hand)
