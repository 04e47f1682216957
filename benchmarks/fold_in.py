"""What new users lose: recall of the demo's users against the same users folded in.

    python -m benchmarks.fold_in RUN

RUN is a finished run on the embedded data set with its default sizes. Every user is added
again under another name, by the training items alone.
"""

from __future__ import annotations

import argparse

import numpy as np

from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.evaluation.ranking import mean_metrics, metrics_per_user, ranking_task
from kdiffe_jax.recommend.recommender import Recommender

_K = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    recommender = Recommender.load(parser.parse_args().run)
    data = planted_dataset()
    histories = {
        f"again {user}": data.train[data.train[:, 0] == user, 1] for user in range(data.n_users)
    }
    more = recommender.with_users(histories)
    task = ranking_task(data.train, data.test, n_users=data.n_users)
    for name, users in (("trained", more.users.ids[: data.n_users]), ("folded in", histories)):
        lists = more.recommend(list(users), _K, exclude_seen="train")
        ranked = lists.rows[np.asarray(task.users)]
        metrics = mean_metrics(metrics_per_user(ranked, task.relevant, cutoffs=(_K,)))
        print(f"{name:<10} recall@{_K} on test {metrics[f'recall@{_K}']:.4f}")


if __name__ == "__main__":
    main()
