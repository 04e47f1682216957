"""Words: texts -> the most telling words of each item as entities."""

from __future__ import annotations

import dataclasses
import html
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from kdiffe_jax.data.content.filters import strongest_links
from kdiffe_jax.data.content.undivided import grams, has_undivided
from kdiffe_jax.data.plain_files import read_names
from kdiffe_jax.data.relation import Relation
from kdiffe_jax.data.settings import WordSettings
from kdiffe_jax.errors import DataError

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_ZERO_WIDTH_BLANK = 0x200B


def word_relation(
    name: str, texts: Sequence[str], settings: WordSettings, *, space: str = "words"
) -> Relation:
    """An item's entities are the words of its text that tell most about it.

    Words are as `split_words` finds them, without stop words. Up to the length that the
    settings name, words that follow one another with nothing dropped between them are
    one entity as well. Words of too few items, or of too large a share of the items with
    text, go before the telling ones are chosen.

    Args:
      texts: one an item, "" where it has none.
      settings: stop words, bounds and the number of words of an item.
      space: relations with the same space share the entity of a word.

    Returns:
      The relation, its weights float32 tf-idf (each text of length 1); equal weights are
      ordered by rarity, then by alphabet. Its note counts words and items, and names the
      bound where no word is left.

    Raises:
      DataError: the file of stop words is missing or no text, or scikit-learn is not
        installed.
    """
    stops = stop_words(settings.words_language)
    items = np.flatnonzero([bool(text.strip()) for text in texts])
    if not len(items):
        return _nothing(name, space, "no item has text")
    given = [texts[item] for item in items.tolist()]
    counts, words = _count(given, stops, settings)
    if not len(words):
        return _nothing(
            name, space, "the texts hold nothing but stop words, numbers and single letters"
        )
    frequency = counts.getnnz(axis=0)
    rare = frequency < settings.words_min_items
    common = frequency / len(items) > settings.words_max_share
    if (rare | common).all():
        reason = _why_none(rare, common & ~rare, len(items), settings)
        return _nothing(name, space, reason + _of_script(given, settings.words_letters))
    relation = _telling(counts, words, ~(rare | common), settings.words_per_item)
    note = _note(relation, len(texts), given, settings.words_letters)
    numbers = items[relation.items].astype(np.int32)
    return dataclasses.replace(
        relation, name=name, items=numbers, space=space, note=f"{name}: {note}"
    )


def split_words(text: str, *, letters: int = 0) -> list[str]:
    """Words in the order of the text, in lower case.

    A word is a run of letters, digits and the marks that belong to letters, in any
    script, with one letter at least. Words of a single letter are dropped, except
    Chinese, Japanese and Korean ones. HTML tags and character references are undone.
    Where a language puts no blanks between words, a run up to the next blank or
    punctuation mark is one word, or runs of `letters` letters are words.

    Args:
      letters: how long words of such languages are; 0 does not divide them.

    >>> split_words("Mommy&#39;s 2-in-1 <b>Drip-Free</b> Cap, 10cm")
    ['mommy', 'in', 'drip', 'free', 'cap', '10cm']
    >>> split_words("赤ちゃんUSB", letters=2)
    ['赤ち', 'ちゃ', 'ゃん', 'usb']
    """
    return [run for run in _runs(text, _Signs(), letters) if _is_word(run)]


def stop_words(language: str) -> frozenset[str]:
    """Words that are no entities: "english", "none", or the words of a file.

    Raises:
      DataError: no such file, or it is no UTF-8 text; scikit-learn is not installed.
    """
    if language == "none":
        return frozenset()
    if language == "english":
        return frozenset(_sklearn_text().ENGLISH_STOP_WORDS)
    file = Path(language)
    if not language or not file.is_file():
        raise DataError(
            f"words_language = {language!r}: no such file; give english, none, or a file with "
            "one word a line"
        )
    return frozenset(word for line in read_names(file) for word in split_words(line))


class _Signs(dict):
    """Code point -> itself within a word, None where it is invisible, a blank elsewhere."""

    def __missing__(self, code: int) -> int | str | None:
        kind = unicodedata.category(chr(code))
        self[code] = " "
        if chr(code).isalnum() or kind.startswith("M"):
            self[code] = code
        elif kind == "Cf" and code != _ZERO_WIDTH_BLANK:
            self[code] = None
        return self[code]


def _runs(text: str, signs: _Signs, letters: int) -> list[str]:
    plain = _TAG.sub(" ", html.unescape(text))
    runs = unicodedata.normalize("NFKC", plain).lower().translate(signs).split()
    return grams(runs, letters) if letters else runs


def _is_word(word: str) -> bool:
    if len(word) == 1:
        return word.isalpha() and unicodedata.east_asian_width(word) == "W"
    return any(map(str.isalpha, word))


def _count(
    texts: list[str], stops: frozenset[str], settings: WordSettings
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """int64[n texts, n words] counts and the words in alphabetical order."""
    signs, longest = _Signs(), settings.words_ngrams

    def terms(text: str) -> list[str]:
        runs = _runs(text, signs, settings.words_letters)
        usable = [_is_word(run) and run not in stops for run in runs]
        return [
            " ".join(runs[start : start + length])
            for length in range(1, longest + 1)
            for start in range(len(runs) - length + 1)
            if all(usable[start : start + length])
        ]

    counter = _sklearn_text().CountVectorizer(analyzer=terms)
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        return sparse.csr_matrix((len(texts), 0), dtype=np.int64), np.zeros(0, object)
    return counts, counter.get_feature_names_out()


def _telling(
    counts: sparse.csr_matrix, words: np.ndarray, keep: np.ndarray, per_text: int
) -> Relation:
    weights = _sklearn_text().TfidfTransformer().fit_transform(counts[:, keep]).tocoo()
    relation = Relation(
        "",
        weights.row,
        weights.col.astype(np.int32),
        tuple(words[keep].tolist()),
        weights.data.astype(np.float32),
    )
    return strongest_links(relation, per_text) if per_text else relation


def _note(relation: Relation, n_items: int, given: list[str], letters: int) -> str:
    n_words = len(np.unique(relation.entities))
    covered = len(np.unique(relation.items))
    note = f"{n_words} words of {covered} items; {len(given)} of {n_items} items have text"
    return note + _of_script(given, letters)


def _of_script(given: list[str], letters: int) -> str:
    """What to say where texts are in a script without blanks."""
    undivided = sum(map(has_undivided, given))
    if undivided and letters:
        return f", {undivided} of them in a script without blanks: {letters} letters are a word"
    if undivided:
        return (
            f", {undivided} of them with long runs in a script without blanks, where only a "
            "blank or a punctuation mark ends a word: divide such texts first, or take pairs of "
            "letters for words with --words_letters=2"
        )
    return ""


def _why_none(rare: np.ndarray, common: np.ndarray, n_texts: int, settings: WordSettings) -> str:
    reasons = []
    if rare.any():
        reasons.append(f"{rare.sum()} in fewer than words_min_items={settings.words_min_items}")
    if common.any():
        reasons.append(f"{common.sum()} in more than words_max_share={settings.words_max_share}")
    return (
        f"no word is left of {len(rare)}: {', '.join(reasons)} of the {n_texts} items with text; "
        "change the bound"
    )


def _nothing(name: str, space: str, reason: str) -> Relation:
    none = np.zeros(0, np.int32)
    return Relation(name, none, none, (), none.astype(np.float32), space, f"{name}: {reason}")


def _sklearn_text():
    try:
        from sklearn.feature_extraction import text
    except ImportError as error:
        raise DataError(
            "words of texts need scikit-learn: pip install 'kdiffe_jax[content]'"
        ) from error
    return text
