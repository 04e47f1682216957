"""Directories as finished runs leave them, without training."""

import json

import numpy as np

from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.many_seeds import merged_history

USERS = np.arange(40)
METRICS = ("recall@20", "ndcg@20", "hit@20")


def values_of(mean: float, seed: int, users=USERS) -> dict[str, np.ndarray]:
    """Each test user's metrics, of about that mean."""
    noise = np.random.default_rng([seed, round(1000 * mean)]).normal(size=len(users)) / 100
    return {"recall@20": mean + noise, "ndcg@20": mean / 2 + noise, "hit@20": 1 - mean + noise}


def write_run(directory, mean=0.5, *, seeds=range(1), users=USERS, score_test=True, **config):
    """A run of a model whose test recall is about `mean`; of several seeds in one directory.

    Args:
      config: overrides of config.json; `epochs=0` is a closed form.
    """
    epochs, data = config.pop("epochs", 3), config.pop("data_sha256", "ab" * 32)
    selection = config.pop("selection_metric", "recall@20")
    fields = {"dataset": "shop", "data_sha256": data, "model": "lightgcn", **config}
    if epochs:
        fields |= {"seed": seeds[0], "num_seeds": len(seeds)}
    per_user = [values_of(mean, seed, users) for seed in seeds]
    own = [_scores(values, epochs, score_test) for values in per_user]
    result = {
        "model": fields["model"],
        "shown_as": fields["model"],
        "dataset": "shop",
        "selection": "valid",
        "selection_metric": selection,
        "seconds": 2.0 * len(seeds),
        "users_scored": {"valid": 30, "of": 60} | ({"test": len(users)} if score_test else {}),
        "baselines": {},
        **own[0],
    }
    if len(seeds) > 1:
        result["seeds"] = [{"seed": seed, **of} for seed, of in zip(seeds, own, strict=True)]
        per_user = {n: np.stack([values[n] for values in per_user]) for n in METRICS}
        per_user["seeds"] = np.array(seeds)
    else:
        per_user = per_user[0]
    histories = [
        [{"epoch": e, "seconds": 0.5, "bpr": 1.0, "valid": of["valid"]} for e in range(epochs)]
        for of in own
    ]
    with RunDirectory(directory).claim(fields) as run:
        run.write_history(histories[0] if len(seeds) == 1 else merged_history(histories, seeds))
        if score_test:
            run.write_per_user(per_user, users)
        run.write_result(json.loads(json.dumps(result)))
    return directory


def _scores(values, epochs, score_test):
    means = {name: float(of.mean()) for name, of in values.items()}
    found = {"best_epoch": max(0, epochs - 2), "epochs": epochs, "valid": means}
    return found | ({"test": means} if score_test else {})
