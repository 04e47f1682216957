"""Scores of baselines on disk, so that they are computed once a data set, not once a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.models.registry import model_class
from kdiffe_jax.storage.files import replacing_in_cache

# Raise when a baseline or a measure changes, so that older files are not taken for it.
_DEFINITION = 4


def cached(
    name: str,
    eval_data: EvalData,
    compute: Callable[[], dict[str, Any]],
    *,
    directory: Path,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """What `compute` returns, read from `directory` where it was computed before.

    A file that cannot be read or lacks anything is said aloud, computed again and replaced.
    The directory is private to the user; files appear under their name only when complete.

    Raises:
      DataError: the directory cannot be written.
    """
    file = Path(directory) / f"baseline-{name}-{_key(name, eval_data)}.json"
    stored = _read(file, n_users=len(eval_data.test.users))
    if stored is not None:
        return stored
    if file.exists():
        log(f"{file}: not readable as scores of {name}; computed again")
    scores = compute()
    _write(file, scores)
    return scores


def _key(name: str, eval_data: EvalData) -> str:
    kind = model_class(name)
    values = (dict(kind.grid), kind.Options().to_flat())
    text = repr((_DEFINITION, name, *values, eval_data.fingerprint()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _read(file: Path, *, n_users: int) -> dict[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        digest, scores = content["sha256"], content["scores"]
        sizes = {len(values) for values in scores["per_user"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return scores if digest == _digest(scores) and sizes == {n_users} else None


def _digest(scores: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(scores).encode()).hexdigest()


def _write(file: Path, scores: dict[str, Any]) -> None:
    with replacing_in_cache(file) as draft:
        text = json.dumps({"sha256": _digest(scores), "scores": scores})
        draft.write_text(text, encoding="utf-8")
