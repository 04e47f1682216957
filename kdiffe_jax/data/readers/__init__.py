"""One module a source layout, and the door for training: what it can read as it is."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.public.files import PUBLIC
from kdiffe_jax.data.readers import kdiffe, prepared
from kdiffe_jax.data.share import ALONE, Share
from kdiffe_jax.errors import DataError
from kdiffe_jax.options import closest

_MOST_NAMED = 10


def read_dataset(
    path: str | Path, *, name: str, split_seed: int = 0, share: Share = ALONE
) -> Dataset:
    """Reads a directory that training can use as it is: prepared, or KDiffE/DiffMM.

    Args:
      name: the data set's name, used in reports and in the advice where files are missing.
      split_seed: of the validation split where the source has none.
      share: whose interactions to keep, where several processes share them. Of a prepared
        directory no more than a part is read, of another layout everything.

    Raises:
      DataError: no directory, no known layout, or what the layout's reader finds.
    """
    path = Path(path)
    if prepared.is_prepared(path):
        return prepared.read_prepared(path, name=name, share=share)
    return share.all_or_none(lambda: _read_whole(path, name, split_seed)).shared(share)


def _read_whole(path: Path, name: str, split_seed: int) -> Dataset:
    if kdiffe.is_kdiffe(path):
        return kdiffe.read_kdiffe(path, name=name, split_seed=split_seed)
    remedy = "prepare your own files with python -m launch.prepare, see docs/data.md"
    if name in PUBLIC:
        remedy = (
            f"python -m launch.prepare --download={name} --input={quote(str(path))} fetches them"
        )
    if not path.is_dir():
        raise DataError(f"{path}: there is no such directory{_others(path)}; {remedy}")
    raise DataError(
        f"{path}: has neither layout; expected {kdiffe.FILES} (or, prepared, {prepared.FILES}); "
        f"{remedy}"
    )


def _others(path: Path) -> str:
    """The data sets beside one that is not there, the closest name first; empty without any."""
    beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    there = [
        other.name for other in beside if prepared.is_prepared(other) or kdiffe.is_kdiffe(other)
    ]
    if not there:
        return ""
    near = closest(path.name, there)
    more = ", ..." if len(there) > _MOST_NAMED else ""
    return near or f"; {path.parent} has {', '.join(there[:_MOST_NAMED])}{more}"
