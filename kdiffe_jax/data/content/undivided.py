"""Scripts that put no blanks between words: their letters in short runs stand for words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Thai, Lao, Burmese, Khmer, kana and Chinese.
_LETTERS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_TOO_LONG_FOR_A_WORD = re.compile(f"[{_LETTERS}]{{7}}")
_PIECES = re.compile(f"([{_LETTERS}]+)|[^{_LETTERS}]+")


def has_undivided(text: str) -> bool:
    """Whether a text has a run of such letters that is too long for one word."""
    return _TOO_LONG_FOR_A_WORD.search(text) is not None


def grams(runs: Sequence[str], n: int) -> list[str]:
    """Runs of text, those of such letters cut into all their runs of n letters.

    A letter keeps the marks that stand on it. Shorter runs stay as they are, and so do other
    scripts.

    >>> grams(["赤い靴", "nike"], 2), grams(["ที่ดี"], 2)
    (['赤い', 'い靴', 'nike'], ['ที่ดี'])
    """
    found = []
    for run in runs:
        for piece in _PIECES.finditer(run):
            letters = _with_marks(piece[1]) if piece[1] else [piece[0]]
            last = max(1, len(letters) - n + 1)
            found += ["".join(letters[start : start + n]) for start in range(last)]
    return found


def _with_marks(text: str) -> list[str]:
    letters: list[str] = []
    for character in text:
        if letters and unicodedata.category(character).startswith("M"):
            letters[-1] += character
        else:
            letters.append(character)
    return letters
