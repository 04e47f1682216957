"""Several processes, each with devices of its own, as one program.

All run the same commands in the same order; process 0 alone reads and writes the run
directory, and the others receive what it found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Sharding

from kdiffe_jax.errors import ConfigError, KDiffEError, RunError

Found = TypeVar("Found")


def is_process_zero() -> bool:
    """Whether this is process 0, or the only one."""
    return jax.process_index() == 0


def on_process_zero(work: Callable[[], Found]) -> Found:
    """What process 0 finds, given to every process.

    Args:
      work: called by process 0 alone; what it returns can be written as JSON.

    Raises:
      RunError: on every other process, where `work` raised a `KDiffEError` on process 0, which
        raises that itself.
    """
    if jax.process_count() == 1:
        return work()
    mistake, found = None, None
    if is_process_zero():
        try:
            found = work()
        except KDiffEError as error:
            mistake = error
    told = _told({"found": found, "mistake": mistake and str(mistake)})
    if mistake is not None:
        raise mistake
    if told["mistake"] is not None:
        raise RunError(f"process 0 stopped: {told['mistake']}")
    return cast(Found, found if is_process_zero() else told["found"])


def arrays_from_process_zero(tree: Any) -> Any:
    """A pytree of arrays as process 0 has it.

    Args:
      tree: of the same structure, shapes and dtypes on every process.
    """
    return multihost_utils.broadcast_one_to_all(tree)


def from_process_zero(leaf: Any, like: Any) -> Any:
    """An array that process 0 has, on the host of every process.

    Args:
      leaf: the array on process 0, a typed key perhaps; not read elsewhere.
      like: its shape and dtype.
    """
    if jax.process_count() == 1:
        return leaf
    if _is_key(like):
        own = jax.random.key_data(leaf) if is_process_zero() else None
        words = from_process_zero(own, jax.eval_shape(jax.random.key_data, like))
        return jax.random.wrap_key_data(words)
    own = np.asarray(leaf) if is_process_zero() else np.zeros(like.shape, like.dtype)
    return np.asarray(arrays_from_process_zero(own))


def any_process(here: bool) -> bool:
    """Whether something holds on any process; all call it at the same place."""
    if jax.process_count() == 1:
        return here
    return bool(multihost_utils.process_allgather(np.bool_(here)).any())


def joined(share: np.ndarray) -> np.ndarray:
    """The shares of all processes, one after another by their numbers, on every process.

    Args:
      share: of any length in its first axis, of one dtype on all processes.
    """
    if jax.process_count() == 1:
        return share
    lengths = multihost_utils.process_allgather(np.int32(len(share)))
    padded = np.zeros((lengths.max(), *share.shape[1:]), share.dtype)
    padded[: len(share)] = share
    found = multihost_utils.process_allgather(padded)
    return np.concatenate([row[:length] for row, length in zip(found, lengths, strict=True)])


def check_alike(identity: dict[str, Any]) -> None:
    """Refuses processes that were started with different data or hyper-parameters.

    Args:
      identity: what names both; can be written as JSON.

    Raises:
      ConfigError: on every process, if any differs from process 0.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).digest()
    found = multihost_utils.process_allgather(np.frombuffer(digest, np.uint8))
    found = found.reshape(jax.process_count(), -1)
    other = [process for process, row in enumerate(found) if (row != found[0]).any()]
    if other:
        raise ConfigError(
            f"process {other[0]} was started with other flags or other data than process 0; "
            "give all processes the same, but for --process_id"
        )


def placed(leaf: Any, sharding: Sharding) -> jax.Array:
    """An array on devices of any process; each process lays its own part.

    Args:
      leaf: the whole array, the same on every process; a typed key is kept one.
      sharding: how it is to lie.
    """
    if getattr(leaf, "sharding", None) == sharding:
        return leaf
    if jax.process_count() == 1:
        return jax.device_put(leaf, sharding)
    if _is_key(leaf):
        return jax.random.wrap_key_data(placed(jax.random.key_data(leaf), sharding))
    whole = np.asarray(leaf)
    return jax.make_array_from_callback(whole.shape, sharding, lambda index: whole[index])


def on_host(leaf: jax.Array) -> Any:
    """The whole array on the host of every process; a typed key becomes local."""
    if _is_key(leaf):
        return jax.random.wrap_key_data(on_host(jax.random.key_data(leaf)))
    if leaf.is_fully_replicated:
        return np.asarray(leaf.addressable_data(0))
    if not leaf.is_fully_addressable:
        return multihost_utils.process_allgather(leaf, tiled=True)
    whole = np.empty(leaf.shape, leaf.dtype)  # `np.asarray` keeps a whole copy with the array
    for shard in leaf.addressable_shards:
        whole[shard.index] = shard.data
    return whole


def _is_key(leaf) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _told(words: dict[str, Any]) -> dict[str, Any]:
    """What process 0 says, on every process: its length, then itself."""
    text = np.frombuffer(json.dumps(words).encode(), np.uint8)
    length = int(arrays_from_process_zero(np.int32(len(text))))
    own = text if is_process_zero() else np.zeros(length, np.uint8)
    return json.loads(arrays_from_process_zero(own).tobytes())
