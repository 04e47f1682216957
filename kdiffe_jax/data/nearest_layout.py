"""A directory that no reader takes: which layout it is nearest to, and by which file."""

from __future__ import annotations

import difflib
from pathlib import Path

# What each layout calls the files that tell it.
_FILES = {
    "tables": ("interactions.csv", "interactions.parquet", "part-00000.parquet"),
    "kdiffe": ("trnMat.pkl", "tstMat.pkl"),
    "mmrec": ("NAME.inter",),
    "lightgcn": ("train.txt", "test.txt", "kg_final.txt"),
    "megcf": ("train.txt", "validation.txt", "test.txt", "i2e_title.txt"),
    "kgcn": (
        "ratings_final.txt", "ratings_final.npy", "kg_final.txt", "item_index2entity_id.txt",
    ),
    "movielens": ("ratings.csv", "ratings.dat", "movies.csv", "movies.dat", "u.data", "u.item"),
    "amazon": ("reviews.jsonl", "meta.jsonl"),
    "yelp": ("yelp_academic_dataset_review.json", "yelp_academic_dataset_business.json"),
    "prepared": ("dataset.json",),
}  # fmt: skip
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z")
_LEAST = 0.6


def nearest(path: Path) -> str:
    """Says which file is nearest to a file of a known layout, or is an archive; else empty.

    Args:
      path: a directory.
    """
    best = (_LEAST, "")
    files = sorted(found for found in path.iterdir() if found.is_file())[:1000]
    for file in files:
        for layout, names in _FILES.items():
            for name in names:
                likeness = _likeness(file.name, name)
                if likeness > best[0]:
                    best = likeness, _said(file.name, layout, name)
    archives = [file.name for file in files if file.name.lower().endswith(_ARCHIVES)]
    return best[1] or (f"{archives[0]} is an archive: unpack it first" if archives else "")


def _said(file: str, layout: str, name: str) -> str:
    if file == name:
        return f"nearest is {layout}, which has {', '.join(_FILES[layout])}"
    return f"nearest is {file}, which {layout} calls {name}"


def _likeness(one: str, other: str) -> float:
    """0 to 1; a file of another kind is less like."""
    ratio = difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()
    stem, named = one.lower().split(".")[0], other.lower().split(".")[0]
    begins = min(len(stem), len(named)) >= 5 and (stem.startswith(named) or named.startswith(stem))
    same_kind = Path(one).suffix.lower() == Path(other).suffix.lower()
    return (max(ratio, 0.9) if begins else ratio) - (0.0 if same_kind else 0.15)
