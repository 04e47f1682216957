"""Class scores to labels: what is read as what, and which classes an item keeps."""

import numpy as np
import pytest

from kdiffe_jax.data.content import dense
from kdiffe_jax.data.content.labels import label_relation, read_class_names
from kdiffe_jax.data.settings import LabelSettings
from kdiffe_jax.errors import DataError

NAMES = ("cat", "dog", "owl", "fox")
SHARES = np.array(
    [
        [0.50, 0.30, 0.15, 0.05],
        [0.00, 0.00, 0.00, 0.00],
        [0.25, 0.25, 0.25, 0.25],
        [0.01, 0.97, 0.01, 0.01],
    ]
)
TWO = LabelSettings(labels_per_item=2, labels_min_probability=0.1)


def labels_of(relation, item) -> dict[str, float]:
    mine = relation.items == item
    return {
        relation.entity_names[entity]: pytest.approx(float(weight))
        for entity, weight in zip(relation.entities[mine], relation.weights[mine], strict=True)
    }


def refusal(call, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ("auto", "probabilities"))
@pytest.mark.parametrize("dtype", (np.float64, np.float32, np.float16))
def test_likeliest_classes_above_the_threshold(kind, dtype):
    settings = LabelSettings(labels_per_item=2, labels_min_probability=0.1, label_scores=kind)
    relation = label_relation("image label", SHARES.astype(dtype), NAMES, settings)
    assert relation.items.tolist() == [0, 0, 2, 2, 3]
    assert [relation.entity_names[e] for e in relation.entities] == "cat dog cat dog dog".split()
    np.testing.assert_allclose(relation.weights, [0.5, 0.3, 0.25, 0.25, 0.97], rtol=1e-3)
    assert relation.items.dtype == relation.entities.dtype == np.int32
    assert relation.weights.dtype == np.float32
    assert relation.note == (
        "image label: 2 labels of 3 items from probabilities; 1 items have no scores, "
        "0 no label of probability 0.1 or more"
    )


@pytest.mark.parametrize("dtype", (np.float64, np.float32, np.float16))
@pytest.mark.parametrize("shift", (0.0, 40.0, -900.0))
def test_logits_become_the_same_labels(dtype, shift):
    logits = np.where(SHARES > 0, np.log(np.maximum(SHARES, 1e-9)) + shift, 0).astype(dtype)
    relation = label_relation("label", logits, NAMES, TWO)
    expected = label_relation("label", SHARES, NAMES, TWO)
    assert relation.items.tolist() == expected.items.tolist()
    assert relation.entities.tolist() == expected.entities.tolist()
    tolerance = 0.3 if dtype == np.float16 and shift == -900 else 0.03
    np.testing.assert_allclose(relation.weights, expected.weights, rtol=tolerance)
    assert "from logits" in relation.note


def test_huge_logits_neither_overflow_nor_warn():
    scores = np.array([[1e300, -1e300], [-3e4, 6e4]])
    relation = label_relation("label", scores, NAMES[:2], TWO)
    assert relation.entities.tolist() == [0, 1] and relation.weights.tolist() == [1, 1]


def test_an_item_may_reach_no_threshold():
    strict = LabelSettings(labels_per_item=2, labels_min_probability=0.4)
    relation = label_relation("label", SHARES, NAMES, strict)
    assert relation.items.tolist() == [0, 3]
    assert "2 labels of 2 items" in relation.note
    assert "1 items have no scores, 1 no label of probability 0.4 or more" in relation.note


def test_threshold_itself_is_kept_and_a_probability_of_zero_never():
    scores = np.array([[0.5, 0.5, 0.0]], np.float32)
    half = LabelSettings(labels_min_probability=0.5)
    assert label_relation("label", scores, NAMES[:3], half).entities.tolist() == [0, 1]
    none = LabelSettings(labels_min_probability=0.0)
    assert label_relation("label", scores, NAMES[:3], none).entities.tolist() == [0, 1]


def test_probabilities_of_classes_that_exclude_nothing():
    scores = np.array([[0.9, 0.8, 0.0], [0.2, 0.0, 0.0]])
    settings = LabelSettings(label_scores="probabilities")
    relation = label_relation("tag", scores, NAMES[:3], settings)
    assert labels_of(relation, 0) == {"cat": 0.9, "dog": 0.8}
    assert labels_of(relation, 1) == {"cat": 0.2}


def test_logits_that_look_like_probabilities_when_told():
    settings = LabelSettings(label_scores="logits")
    scores = np.array([[1.0, 0.0]])
    relation = label_relation("label", scores, NAMES[:2], settings)
    assert labels_of(relation, 0) == {"cat": np.e / (1 + np.e), "dog": 1 / (1 + np.e)}


def test_blocks_make_no_difference(monkeypatch, rng):
    scores = rng.normal(size=(37, 4))
    whole = label_relation("label", scores, NAMES, TWO)
    monkeypatch.setattr(dense, "BLOCK_NUMBERS", 12)
    parts = label_relation("label", scores, NAMES, TWO)
    for field in ("items", "entities", "weights"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(parts, field))


def test_permuted_items_have_the_same_labels(rng):
    scores, order = rng.normal(size=(20, 4)), rng.permutation(20)
    plain = label_relation("label", scores, NAMES, TWO)
    moved = label_relation("label", scores[order], NAMES, TWO)
    assert [labels_of(moved, i) for i in range(20)] == [labels_of(plain, i) for i in order]


def test_classes_of_one_name_stay_apart():
    relation = label_relation("label", SHARES, ("crane", "dog", "crane", "fox"), TWO)
    assert relation.entity_names == ("crane (class 0)", "dog", "crane (class 2)", "fox")


@pytest.mark.parametrize("shape", ((3, 4), (0, 4)))
def test_no_item_with_scores(shape):
    relation = label_relation("label", np.zeros(shape), NAMES, TWO)
    assert len(relation.items) == 0
    assert f"0 labels of 0 items from probabilities; {shape[0]} items have no" in relation.note


@pytest.mark.parametrize("value", (np.nan, np.inf, -np.inf))
def test_score_that_is_no_number(value):
    scores = SHARES.copy()
    scores[3, 1] = value
    message = refusal(label_relation, "label", scores, NAMES, TWO)
    assert message == "label, row 3: a NaN or infinite value; mend the row"


@pytest.mark.parametrize("value", (-0.2, 1.2))
def test_probability_outside_its_range(value):
    scores = SHARES.copy()
    scores[2, 0] = value
    settings = LabelSettings(label_scores="probabilities")
    message = refusal(label_relation, "label", scores, NAMES, settings)
    assert (
        "labels 'label', row 2 (counted from 0): a probability outside 0..1; are these logits?"
        in message
    )


def test_scores_that_auto_cannot_tell():
    scores = SHARES.copy()
    scores[2] = [0.9, 0.8, 0.0, 0.0]
    message = refusal(label_relation, "label", scores, NAMES, TWO)
    assert (
        "labels 'label', row 2 (counted from 0): scores within 0..1 that do not sum to 1" in message
    )
    assert "label_scores" in message


def test_percentages_are_not_taken_for_logits():
    message = refusal(label_relation, "label", 100 * SHARES, NAMES, TWO)
    assert "every row sums to 100" in message
    said = LabelSettings(label_scores="logits")
    assert label_relation("label", 100 * SHARES, NAMES, said).entities.size


@pytest.mark.parametrize("names", (NAMES[:3], (*NAMES, "more"), ()))
def test_another_number_of_names(names):
    message = refusal(label_relation, "label", SHARES, names, TWO)
    assert f"{len(names)} class names for 4 columns" in message


def test_scores_that_are_no_matrix():
    message = refusal(label_relation, "label", SHARES[0], NAMES, TWO)
    assert "expected a numeric matrix" in message


@pytest.fixture
def names(tmp_path):
    (tmp_path / "names.txt").write_bytes("\ufeffcat\r\n dog  house \nсова\nfox\n\n".encode())
    return tmp_path / "names.txt"


def test_class_names_are_read(names):
    assert read_class_names(names, 4) == ("cat", "dog house", "сова", "fox")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a\nb\nc\n", "3 class names for 4 columns"),
        (b"a\nb\nc\nd\ne", "5 class names for 4 columns"),
        (b"", "0 class names for 4 columns"),
        (b"a\n \nc\nd\n", "names.txt, line 2: an empty class name"),
        (b"a\n\xff\nc\nd\n", "names.txt: not UTF-8"),
    ],
)
def test_malformed_names(names, text, expected):
    names.write_bytes(text)
    assert expected in refusal(read_class_names, names, 4)


def test_missing_names(tmp_path):
    assert "names.txt: no such file" in refusal(read_class_names, tmp_path / "names.txt", 4)
