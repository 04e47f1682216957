"""The KDiffE/DiffMM directory layout: read, or refused with one line that names the file."""

import gc
import pickle
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp

from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.readers import read_dataset
from kdiffe_jax.data.readers.kdiffe import read_kdiffe, read_triple_lines
from kdiffe_jax.data.settings import PrepareConfig
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.errors import DataError

TRAIN = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3), (2, 0), (2, 2), (2, 3), (2, 4)]
VALID = [(0, 3), (1, 0)]
TEST = [(0, 4), (1, 2), (3, 0)]
SHAPE = (4, 5)


def write_matrix(path, pairs, shape=SHAPE):
    users, items = np.array(pairs).T
    matrix = sp.coo_matrix((np.ones(len(pairs), np.float32), (users, items)), shape=shape)
    path.write_bytes(pickle.dumps(matrix))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "tiktok"
    path.mkdir()
    for name, pairs in (("trnMat", TRAIN), ("valMat", VALID), ("tstMat", TEST)):
        write_matrix(path / f"{name}.pkl", pairs)
    (path / "kg.txt").write_text("0 1 7\n4 3 9\n2 1 7\n")
    np.save(path / "image_feat.npy", np.arange(10.0).reshape(5, 2).astype(np.float16))
    return path


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_dataset(path, name="tiktok")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_every_part(source):
    dataset = read_dataset(source, name="tiktok")
    assert (dataset.name, dataset.n_users, dataset.n_items) == ("tiktok", *SHAPE)
    assert dataset.train.tolist() == [list(pair) for pair in TRAIN]
    assert dataset.valid.tolist() == [list(pair) for pair in VALID]
    assert dataset.test.tolist() == [list(pair) for pair in TEST]
    assert dataset.triples.tolist() == [[0, 0, 0], [2, 0, 0], [4, 1, 1]]
    assert dataset.relation_names == ("relation 1", "relation 3")
    assert dataset.n_entities == 2
    assert dataset.entity_names == ("entity 7", "entity 9")
    assert dataset.entity_items is None
    assert dataset.features["image"].tolist() == np.arange(10.0).reshape(5, 2).tolist()
    assert dataset.notes == ()


def test_features_and_triples_may_be_absent(source):
    (source / "kg.txt").unlink()
    (source / "image_feat.npy").unlink()
    dataset = read_dataset(source, name="tiktok")
    assert dataset.features == {} and dataset.triples.shape == (0, 3)
    assert dataset.n_entities == dataset.n_relations == 0


def test_validation_is_split_by_seed_and_said(source):
    (source / "valMat.pkl").unlink()
    first, again = (read_dataset(source, name="tiktok", split_seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.valid, again.valid)
    users = first.valid[:, 0].tolist()
    assert users == [0, 2]
    joined = sorted(map(tuple, np.concatenate([first.train, first.valid]).tolist()))
    assert joined == TRAIN
    assert len(first.notes) == 1
    assert "no valMat.pkl: 2 training interactions" in first.notes[0]
    assert "seed 3" in first.notes[0]


@pytest.mark.parametrize("name", ("valMat", "tstMat"))
def test_shapes_that_differ(source, name):
    write_matrix(source / f"{name}.pkl", [(3, 5)], (4, 6))
    message = refusal(source)
    assert f"{name}.pkl" in message and "(4, 6)" in message and "(4, 5)" in message


@pytest.mark.parametrize(
    ("name", "pair", "splits"),
    [
        ("valMat", (2, 3), "train and valid"),
        ("tstMat", (2, 3), "train and test"),
        ("tstMat", (1, 0), "valid and test"),
    ],
)
def test_overlap_names_splits_user_and_item(source, name, pair, splits):
    write_matrix(source / f"{name}.pkl", [(3, 1), pair])
    message = refusal(source)
    assert splits in message and f"user {pair[0]}, item {pair[1]}" in message


def test_a_source_whose_splits_overlap_is_told_what_to_do(source):
    write_matrix(source / "tstMat.pkl", [(3, 1), (2, 3), (1, 0)])
    _, catalogue = read_source(source, name="tiktok")
    with pytest.raises(DataError, match=r"one pair in .* as are 1 more .* --overlap=earlier or"):
        prepare(catalogue)
    for which, train, test in (("earlier", 9, 1), ("later", 8, 3)):
        made = prepare(catalogue, PrepareConfig.from_flat({"overlap": which}))
        assert (len(made.train), len(made.test)) == (train, test)


def test_a_source_without_validation_is_split_as_training_splits_it(source):
    (source / "valMat.pkl").unlink()
    _, catalogue = read_source(source, name="tiktok")
    made = prepare(catalogue, PrepareConfig.from_flat({"split_seed": 3}))
    trained = read_dataset(source, name="tiktok", split_seed=3)
    assert made.valid.tolist() == trained.valid.tolist()
    assert made.train.tolist() == trained.train.tolist()
    assert any("without validation: 2 training interactions" in note for note in made.notes)


def test_missing_test_matrix(source):
    (source / "tstMat.pkl").unlink()
    assert "tstMat.pkl: no such file" in refusal(source)


def test_missing_directory_says_what_and_where(tmp_path):
    message = refusal(tmp_path / "absent")
    assert "no such directory" in message
    assert "python -m launch.prepare --download=tiktok --input=" in message


def test_directory_of_neither_layout_points_to_the_documentation(tmp_path):
    with pytest.raises(DataError, match=r"neither layout.*docs/data\.md"):
        read_dataset(tmp_path, name="shop")


def test_triple_lines_with_every_kind_of_blank(tmp_path):
    path = tmp_path / "kg.txt"
    path.write_bytes(b"\xef\xbb\xbf# head relation tail\r\n\r\n0\t1\t2\r\n  3  1 2 # note\n\n0 1 2")
    assert read_triple_lines(path).tolist() == [[0, 1, 2], [3, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("text", ("", "\n", "# nothing yet\n\n"))
def test_graph_without_triples(source, text):
    (source / "kg.txt").write_text(text)
    assert read_triple_lines(source / "kg.txt").shape == (0, 3)
    for shared_ids in (False, True):
        dataset = read_kdiffe(source, name="tiktok", shared_ids=shared_ids)
        assert dataset.triples.shape == (0, 3) and dataset.triples.dtype == np.int32
        assert dataset.relation_names == dataset.entity_names == dataset.notes == ()


def test_items_without_a_triple(source):
    assert read_dataset(source, name="tiktok").statistics()["items_without_triples"] == 2


@pytest.mark.parametrize("line", ("1 2", "1 2 3 4", "1 2 x", "1 2 3.0", "-1 0 0", "1,2,3", "1 ² 3"))
def test_bad_triple_line_is_named(source, line):
    (source / "kg.txt").write_text(f"0 0 0\n# comment\n{line}\n", encoding="utf-8")
    assert "kg.txt, line 3:" in refusal(source)


def test_head_that_is_no_item(source):
    (source / "kg.txt").write_text("4 0 0\n5 0 0\n")
    message = refusal(source)
    assert "kg.txt, triple 2: head 5" in message and "pass --kg_ids=shared" in message


def test_duplicate_triples_are_kept_once(source):
    (source / "kg.txt").write_text("1 0 0\n0 0 0\n1 0 0\n1 2 0\n")
    triples = read_dataset(source, name="tiktok").triples
    assert triples.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]


def test_triples_beyond_int64_are_refused(source):
    (source / "kg.txt").write_text("0 0 99999999999999999999\n")
    assert "kg.txt" in refusal(source)


def test_triples_that_are_not_utf8_are_refused(source):
    (source / "kg.txt").write_bytes(b"0 0 0\n\xff\xfe\n")
    assert "kg.txt, line 2: not UTF-8 text" in refusal(source)


def test_triples_that_are_a_pointer(source):
    (source / "kg.txt").write_text("version https://git-lfs.github.com/spec/v1\nsize 1\n")
    assert "kg.txt: a Git LFS pointer" in refusal(source)


def test_graph_that_is_a_directory(source):
    (source / "kg.txt").unlink()
    (source / "kg.txt").mkdir()
    assert "kg.txt: not readable" in refusal(source)


def test_entity_ids_above_int32_are_renumbered(source):
    (source / "kg.txt").write_text(f"0 0 {2**40}\n1 0 5\n")
    dataset = read_dataset(source, name="tiktok")
    assert dataset.triples.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_feature_rows_must_match_items(source):
    np.save(source / "text_feat.npy", np.zeros((4, 2)))
    assert "text_feat.npy: 4 rows for 5 items" in refusal(source)


@pytest.mark.parametrize("value", (np.nan, np.inf))
@pytest.mark.parametrize("dtype", ("float16", "float64"))
def test_feature_row_that_is_not_finite_is_named(source, value, dtype):
    rows = np.zeros((5, 3), dtype)
    rows[3, 1] = value
    np.save(source / "text_feat.npy", rows)
    assert "text_feat.npy, row 3 (counted from 0):" in refusal(source)


@pytest.mark.parametrize(
    "rows",
    [np.zeros(5), np.zeros((5, 2, 2)), np.zeros((5, 2), complex), np.full((5, 2), "a")],
    ids=("vector", "cube", "complex", "text"),
)
def test_feature_that_is_no_numeric_matrix(source, rows):
    np.save(source / "text_feat.npy", rows)
    assert "text_feat.npy: expected a numeric matrix" in refusal(source)


def test_feature_of_objects_is_not_unpickled(source, tmp_path):
    class Attack:
        def __reduce__(self):
            return open, (str(tmp_path / "executed"), "w")

    np.save(source / "text_feat.npy", np.array([[Attack()]] * 5, object), allow_pickle=True)
    assert "text_feat.npy" in refusal(source)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("size", (0, 5, 40, 130))
def test_truncated_feature(source, size):
    file = source / "image_feat.npy"
    file.write_bytes(file.read_bytes()[:size])
    assert "image_feat.npy: not a readable .npy array" in refusal(source)


def test_zipped_feature_asks_to_be_unzipped(source):
    (source / "image_feat.npy").rename(source / "hidden")
    with zipfile.ZipFile(source / "image_feat.npy.zip", "w") as archive:
        archive.write(source / "hidden", "image_feat.npy")
    assert "unzip" in refusal(source)


def test_unzipped_feature_beside_its_archive(source):
    (source / "image_feat.npy.zip").write_bytes(b"PK")
    assert set(read_dataset(source, name="tiktok").features) == {"image"}


def test_feature_that_is_a_pointer(source):
    (source / "text_feat.npy").write_bytes(b"version https://git-lfs.github.com\nsize 1\n")
    assert "text_feat.npy" in refusal(source)


def failure_of(source) -> type:
    try:
        read_dataset(source, name="tiktok")
    except Exception as error:
        return type(error)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_feature_that_is_half_an_archive(source):
    (source / "text_feat.npy").write_bytes(b"PK\x03\x04 cut short")
    failure = failure_of(source)
    gc.collect()
    assert failure is DataError


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_npz_under_the_name_of_a_feature(source):
    with (source / "text_feat.npy").open("wb") as file:
        np.savez(file, rows=np.zeros((5, 2)))
    assert "text_feat.npy" in refusal(source)
    gc.collect()


def test_half_precision_and_integer_features(source):
    np.save(source / "text_feat.npy", np.ones((5, 2), np.int64))
    features = read_dataset(source, name="tiktok").features
    assert features["image"].dtype == np.float16
    assert features["text"].dtype == np.float32


@pytest.mark.parametrize("shared", (False, True))
@pytest.mark.parametrize("shape", [((1 << 31) - 1, 5), (4, (1 << 31) - 1)])
def test_sides_that_no_interaction_bears_out_are_refused(source, shape, shared):
    for name, pairs in (("trnMat", TRAIN), ("valMat", VALID), ("tstMat", TEST)):
        write_matrix(source / f"{name}.pkl", pairs, shape)
    (source / "image_feat.npy").unlink()
    with pytest.raises(DataError, match="mend the number"):
        read_kdiffe(source, name="tiktok", shared_ids=shared)
