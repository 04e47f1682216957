"""Runs that end at once: what `launch.jobs` begins, without a process and without training."""

import json
from typing import ClassVar

import numpy as np

from kdiffe_jax.models.registry import is_trained
from kdiffe_jax.storage.run_directory import RunDirectory
from launch import jobs
from launch.command import DIVERGED

METRICS = ("recall@20", "ndcg@20")
USERS = np.arange(12)


class FakeWorker:
    """A worker whose run has ended already."""

    takes_more = True

    made: ClassVar[list] = []

    def __init__(self, *, alone):
        self.status = None
        self.made.append(self)

    def poll(self):
        return self.status

    def kill(self):
        pass


class FakeRuns:
    """Stands in for `jobs._begin`; counts what is started and writes what a run would.

    Args:
      score: Config -> recall on validation.
      fails: job -> the exit status.
    """

    def __init__(self, monkeypatch, score, fails=lambda job: 0):
        self.score, self.fails, self.started = score, fails, []
        monkeypatch.setattr(FakeWorker, "made", [])
        monkeypatch.setattr(jobs, "Worker", FakeWorker)
        monkeypatch.setattr(jobs, "_begin", self.begin)
        monkeypatch.setattr(jobs, "_SECONDS_BETWEEN_LOOKS", 0.0)

    def begin(self, worker, job, data_flags):
        self.started.append(job.name)
        status = self.fails(job)
        if status not in (0, DIVERGED):
            jobs._log(job).parent.mkdir(parents=True, exist_ok=True)
            jobs._log(job).write_text("epoch 1\nerror: the disk is full\n")
        if status == 0:
            self.write(job)
        worker.status = status

    def write(self, job):
        config = job.config
        recall = float(self.score(config))
        scores = {"recall@20": recall, "ndcg@20": recall / 2}
        seconds = 0.1 * config.to_flat().get("timesteps", 1)
        epochs = 3 if is_trained(config.model) else 0
        history = [
            {"epoch": e, "seconds": seconds, "valid": {"recall@20": recall * e / 2}}
            for e in range(epochs)
        ]
        result = {
            "model": config.model,
            "dataset": "synthetic",
            "selection": "valid",
            "selection_metric": "recall@20",
            "best_epoch": max(0, epochs - 1),
            "epochs": epochs,
            "seconds": 0.3,
            "cpu_seconds": 0.5,
            "parameters": 1234,
            "valid": scores,
            "users_scored": {"valid": 9, "test": len(USERS), "of": 12},
            "baselines": {"most_popular": {"valid": scores, "test": scores}},
        }
        if config.model == "kdiffe":
            found = {"relation_auc": 0.6, "kept_relevant_share": 0.7, "relevant_share": 0.5}
            result["planted"] = found
        with RunDirectory(job.workdir).claim(config.to_flat()) as run:
            if config.eval.score_test:
                result["test"] = {n: v * 0.9 for n, v in scores.items()}
                noise = np.random.default_rng(config.train.seed).random(len(USERS))
                run.write_per_user({n: v + noise for n, v in scores.items()}, USERS)
            run.write_history(history)
            run.write_result(json.loads(json.dumps(result)))
