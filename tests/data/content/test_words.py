"""Texts to words: what a word is, which words count, and which of them an item keeps."""

import math
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.data.content.words import split_words, stop_words, word_relation
from kdiffe_jax.data.settings import WordSettings
from kdiffe_jax.errors import DataError

ALL = WordSettings(words_language="none", words_min_items=1, words_max_share=1.0, words_per_item=0)


def changed(**values) -> WordSettings:
    return WordSettings(**({f: getattr(ALL, f) for f in ALL.__dataclass_fields__} | values))


def words_of(relation, n_items) -> list[dict[str, float]]:
    found: list[dict[str, float]] = [{} for _ in range(n_items)]
    for item, entity, weight in zip(
        relation.items, relation.entities, relation.weights, strict=True
    ):
        found[item][relation.entity_names[entity]] = float(weight)
    return found


def tf_idf_by_hand(texts) -> list[dict[str, float]]:
    counts = [Counter(text.split()) for text in texts]
    n_texts = sum(map(bool, counts))
    frequency = Counter(word for count in counts for word in count)
    idf = {w: math.log((1 + n_texts) / (1 + f)) + 1 for w, f in frequency.items()}
    raw = [{w: n * idf[w] for w, n in count.items()} for count in counts]
    norms = [math.sqrt(sum(v * v for v in row.values())) for row in raw]
    return [{w: v / norm for w, v in row.items()} for row, norm in zip(raw, norms, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Red RED red-blue", ["red", "red", "red", "blue"]),
        ("a b of 12 1.5 2x 3kg ½ x² _ __", ["of", "2x", "3kg", "x2"]),
        ("Toss &amp; Spill &quot;x&quot; caf&eacute;", ["toss", "spill", "café"]),
        ("one<br/>two <p class='x'>three</p> 2 < 3 > four", ["one", "two", "three", "four"]),
        ("Müller Straße ÇELİK", ["müller", "straße", "çeli̇k"]),
        ("cafe\u0301 ＦＵＬＬ ﬁne", ["café", "full", "fine"]),
        ("Детская коляска, 3 в 1", ["детская", "коляска"]),
        ("हिन्दी किताब", ["हिन्दी", "किताब"]),
        ("عربة أطفال", ["عربة", "أطفال"]),
        ("می\u200cخواهم co\u00adtton", ["میخواهم", "cotton"]),
        ("ผ้า\u200bอ้อม", ["ผ\u0e49า", "อ\u0e49อม"]),
        ("赤 い 赤い靴。靴 물 x ж", ["赤", "い", "赤い靴", "靴", "물"]),
        ("★ ❤\ufe0f 5\ufe0f\u20e3 👶", []),
        ("0\U0001ec71 \u2460", []),
        ("", []),
    ],
)
def test_what_a_word_is(text, expected):
    assert split_words(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_words_of_any_text_hold_a_letter_and_no_blank(text):
    for word in split_words(text):
        assert any(sign.isalpha() for sign in word)
        assert word.split() == [word]


def test_weights_are_tf_idf():
    texts = ["red cup cup", "", "red spoon", "  ", "red red bib cup"]
    found = words_of(word_relation("title", texts, ALL), 5)
    with_text = [0, 2, 4]
    expected = tf_idf_by_hand([texts[item] for item in with_text])
    for item, words in zip(with_text, expected, strict=True):
        assert found[item] == pytest.approx(words, abs=1e-6)
    assert found[1] == found[3] == {}


TEXTS = st.lists(
    st.lists(st.sampled_from("red cup bib toy car owl fox".split()), max_size=6).map(" ".join),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 4))
def test_the_words_kept_are_those_of_largest_weight(texts, most):
    found = words_of(word_relation("title", texts, changed(words_per_item=most)), len(texts))
    given_texts = [text for text in texts if text]
    by_hand = iter(tf_idf_by_hand(given_texts))
    for item, text in enumerate(texts):
        expected = next(by_hand) if text else {}
        best = sorted(expected.values(), reverse=True)[:most]
        assert sorted(found[item].values(), reverse=True) == pytest.approx(best, abs=1e-6)
        assert all(
            value == pytest.approx(expected[w], abs=1e-6) for w, value in found[item].items()
        )


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_permuted_items_have_the_same_words(texts, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    limits = changed(words_per_item=2, words_max_share=0.6)
    plain = words_of(word_relation("title", texts, limits), len(texts))
    moved = words_of(word_relation("title", [texts[i] for i in order], limits), len(texts))
    assert moved == [plain[i] for i in order]


def test_equal_weights_are_ordered_by_rarity_then_alphabet():
    texts = ["owl fox bib", "bib"]
    assert set(words_of(word_relation("t", texts, changed(words_per_item=1)), 2)[0]) == {"fox"}
    texts = ["cup cup", "owl bib cup"]
    assert set(words_of(word_relation("t", texts, changed(words_per_item=1)), 2)[1]) == {"bib"}


def test_bounds_count_items_and_shares_of_the_items_with_text():
    texts = ["red cup cup cup", "red cup", "red bib", "bib car", "", "", "", ""]
    assert word_relation("t", texts, changed(words_min_items=2)).entity_names == (
        "bib",
        "cup",
        "red",
    )
    assert word_relation("t", texts, changed(words_max_share=0.5)).entity_names == (
        "bib",
        "car",
        "cup",
    )
    assert word_relation("t", texts, changed(words_max_share=0.75)).entity_names == (
        "bib",
        "car",
        "cup",
        "red",
    )


def test_the_largest_share_itself_is_kept():
    texts = ["red"] * 29 + [f"w{n}" for n in range(71)]
    kept = word_relation("t", texts, changed(words_min_items=2, words_max_share=0.29))
    assert kept.entity_names == ("red",)


def test_runs_of_words_are_entities_unless_something_between_was_dropped():
    texts = ["diaper bag for the baby, 2 cups"]
    three = changed(words_language="english", words_ngrams=3)
    assert word_relation("t", texts, three).entity_names == (
        *("baby", "bag", "cups", "diaper", "diaper bag"),
    )
    none = changed(words_ngrams=3)
    runs = set(word_relation("t", ["soft diaper bag"], none).entity_names)
    assert runs == {
        *("soft", "diaper", "bag", "soft diaper", "diaper bag", "soft diaper bag"),
    }


def test_relation_is_sparse_typed_and_says_what_it_did():
    relation = word_relation("title", ["red cup", "", "and the"], changed(words_language="english"))
    assert relation.name == "title" and relation.space == "words"
    assert relation.items.dtype == relation.entities.dtype == np.int32
    assert relation.weights.dtype == np.float32
    assert relation.note == "title: 2 words of 1 items; 2 of 3 items have text"


def test_words_of_two_columns_share_their_entities_unless_told_otherwise():
    assert word_relation("title", ["red"], ALL).space == "words"
    assert word_relation("title", ["red"], ALL, space="").space == ""


@pytest.mark.parametrize("texts", ([], [""], ["", " \n\t\u3000"]))
def test_no_text_at_all(texts):
    relation = word_relation("title", texts, ALL)
    assert len(relation.items) == len(relation.entities) == len(relation.weights) == 0
    assert relation.note == "title: no item has text"


@pytest.mark.parametrize("text", ("the of", "12 7", "x & y", "★"))
def test_no_words_in_the_texts(text):
    relation = word_relation("title", [text], changed(words_language="english"))
    assert len(relation.items) == 0
    assert relation.note == (
        "title: the texts hold nothing but stop words, numbers and single letters"
    )


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (dict(words_min_items=4), "3 in fewer than words_min_items=4 of the 3 items"),
        (dict(words_max_share=0.1), "3 in more than words_max_share=0.1 of the 3 items"),
        (
            dict(words_min_items=2, words_max_share=0.5),
            "2 in fewer than words_min_items=2, 1 in more than words_max_share=0.5 of the 3 items",
        ),
    ],
)
def test_no_word_left_by_the_bounds_is_said_with_the_bound(limits, said):
    relation = word_relation("title", ["red cup", "red", "red bib", ""], changed(**limits))
    assert len(relation.items) == 0 and relation.entity_names == ()
    assert relation.note == f"title: no word is left of 3: {said} with text; change the bound"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["赤ちゃんの靴はとても軽い", "red"], True),
        (["ผ้าอ้อมสำหรับเด็ก"], True),
        (["赤 い 靴", "Детская коляска", "유모차 그리고 아기"], False),
    ],
)
def test_a_script_without_blanks_is_said(texts, expected):
    note = word_relation("title", texts, ALL).note
    assert ("1 of them with long runs in a script without blanks" in note) is expected


def test_stop_words_from_a_file(tmp_path):
    file = tmp_path / "stop.txt"
    file.write_bytes("\ufeffdon't\r\n\r\nRED \nпод и\n".encode())
    assert stop_words(str(file)) == {"don", "red", "под"}
    kept = word_relation("t", ["red cup под"], changed(words_language=str(file)))
    assert kept.entity_names == ("cup",)


def test_english_and_no_stop_words():
    assert {"the", "and", "of"} <= stop_words("english")
    assert stop_words("none") == frozenset()


def refusal(language) -> str:
    with pytest.raises(DataError) as caught:
        word_relation("title", ["red"], changed(words_language=str(language)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("language", ("german", "", "."))
def test_missing_file_of_stop_words(language):
    message = refusal(language)
    assert f"words_language = {language!r}: no such file; give english, none" in message


def test_stop_words_that_are_no_text(tmp_path):
    (tmp_path / "stop.txt").write_bytes(b"\xff\xfe\n")
    assert "not UTF-8" in refusal(tmp_path / "stop.txt")


@pytest.mark.parametrize("language", ("english", "none"))
def test_missing_library_is_named(monkeypatch, language):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction", None)
    assert "pip install 'kdiffe_jax[content]'" in refusal(language)


@pytest.mark.real_data
def test_titles_of_baby(real_data):
    lines = (real_data / "baby" / "items.tsv").read_text(encoding="utf-8").splitlines()[1:]
    relation = word_relation("title", [line.split("\t")[3] for line in lines], WordSettings())
    assert "3416 of 7050 items have text" in relation.note
    assert {"diaper", "stroller"} <= set(relation.entity_names)
    assert not {"amp", "quot", "the"} & set(relation.entity_names)
    assert len(np.unique(relation.items)) > 3300
    assert np.bincount(relation.items).max() == 12


def test_letters_of_a_script_without_blanks_are_words_by_an_option():
    texts = ["ステンレスボトル", "ボトル ケース", "Nike 赤い靴", "นมผง"]
    relation = word_relation("title", texts, changed(words_letters=2))
    bottle = relation.entity_names.index("トル")
    assert relation.items[relation.entities == bottle].tolist() == [0, 1]
    assert {"nike", "赤い", "い靴", "นม", "ผง"} <= set(relation.entity_names)
    assert "1 of them in a script without blanks: 2 letters are a word" in relation.note
    whole = word_relation("title", texts, ALL)
    assert "ステンレスボトル" in whole.entity_names and "--words_letters=2" in whole.note


@pytest.mark.parametrize("text", ("유모차 그리고 아기", "Детская коляска", "soft diaper bag"))
def test_scripts_with_blanks_stay_as_they_are(text):
    assert split_words(text, letters=2) == split_words(text)


def test_a_letter_keeps_its_marks():
    assert split_words("ที่นี่ดี", letters=2) == ["ที่นี่", "นี่ดี"]


def test_a_script_without_blanks_is_named_where_no_word_is_left():
    kinds = "蓝色木制花盆套装", "红色陶瓷花盆套装"
    titles = [f"{kinds[item % 2]}{item}" for item in range(8)]
    none = word_relation("title", titles, changed(words_min_items=2))
    assert not len(none.items)
    assert "change the bound, 8 of them with long runs in a script without blanks" in none.note
    bounds = dict(words_min_items=2, words_max_share=0.6)
    pairs = word_relation("title", titles, changed(**bounds, words_letters=2))
    assert {"红色", "蓝色"} <= set(pairs.entity_names)
