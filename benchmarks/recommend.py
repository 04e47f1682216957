"""Lists for every user against the bare matrix product that any exact method needs.

    python -m benchmarks.recommend [--users=35000 --items=18000 --k=20]

Random embeddings of size 64, ten seen items a user. Prints the seconds of
`Recommender.recommend` and of the blocked product alone, the best of three each, and
their ratio.
"""

from __future__ import annotations

import argparse
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.written import Report, add_report
from kdiffe_jax.recommend.blocks import block_size
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import SavedModel

_DIM, _SEEN, _REPEATS = 64, 10, 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", default=35_000, type=int)
    parser.add_argument("--items", default=18_000, type=int)
    parser.add_argument("--k", default=20, type=int)
    add_report(parser)
    options = parser.parse_args()
    told = Report("benchmarks.recommend", __doc__, sys.argv[1:], options.report)
    model = random_model(options.users, options.items)
    recommender = Recommender(model)
    ours = seconds(lambda: recommender.recommend(k=options.k))
    product = seconds(bare_product(model))
    told.tell(
        f"{options.users} users, {options.items} items, k = {options.k}: lists {ours:.2f} s, "
        f"product {product:.2f} s, ratio {ours / product:.2f} ({jax.default_backend()})"
    )
    told.tell_machine()


def random_model(n_users: int, n_items: int) -> SavedModel:
    """Random embeddings and seen items; what ranking does not read is empty."""
    rng = np.random.default_rng(0)
    users, items = (rng.standard_normal((n, _DIM), np.float32) for n in (n_users, n_items))
    seen = np.repeat(np.arange(n_users, dtype=np.int32), _SEEN)
    pairs = np.stack([seen, rng.integers(n_items, size=len(seen), dtype=np.int32)], axis=1)
    fields = dict.fromkeys(SavedModel._fields, ()) | {"users": users, "items": items}
    fields |= {"train": np.unique(pairs, axis=0), "held_out": np.zeros((0, 2), np.int32)}
    fields |= {"user_ids": tuple(map(str, range(n_users)))}
    return SavedModel(**fields | {"item_ids": tuple(map(str, range(n_items)))})


def bare_product(model: SavedModel):
    """The scores of all users in blocks, thrown away."""
    users, items = jnp.asarray(model.users), jnp.asarray(model.items)
    block = block_size(len(items))
    product = jax.jit(lambda users, items: users @ items.T)

    def run():
        for start in range(0, len(users), block):
            jax.block_until_ready(product(users[start : start + block], items))

    return run


def seconds(work) -> float:
    """The best of a few runs after one that compiles."""
    work()
    times = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    main()
