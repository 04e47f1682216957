"""A worker: a real process that runs one training after another."""

import time

import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.models.registry import make_config
from launch import jobs
from launch.worker import Worker
from tests.launch.fake_runs import FakeRuns, FakeWorker

TINY = (
    "--model=lightgcn --planted_users=40 --planted_items=30 --planted_topics=3 --epochs=1 "
    "--planted_interactions_per_user=6 --dim=4 --batch_size=64 --baselines=none"
).split()


@pytest.fixture
def worker():
    made = Worker(alone=True)
    yield made
    made.kill()


def ended(worker):
    deadline = time.monotonic() + 240
    while (status := worker.poll()) is None:
        assert time.monotonic() < deadline, "the run does not end"
        time.sleep(0.05)
    return status


def test_runs_follow_one_another_each_with_its_log(worker, tmp_path):
    flags = [*TINY, f"--cache_dir={tmp_path / 'cache'}"]
    for seed in ("1", "2"):
        words = [*flags, f"--seed={seed}", f"--workdir={tmp_path / seed}"]
        worker.start(words, tmp_path / f"{seed}.log")
        assert ended(worker) == 0 and (tmp_path / seed / "result.json").exists()
    worker.start([*flags, "--epochs=0"], tmp_path / "refused.log")
    assert ended(worker) == 2 and worker.takes_more
    assert "epochs" in (tmp_path / "refused.log").read_text()
    assert (tmp_path / "1.log").read_text().count("epoch   0") == 1
    assert str(tmp_path / "2") not in (tmp_path / "1.log").read_text()


def test_a_process_that_is_gone_is_a_run_that_failed(worker, tmp_path):
    worker._process.kill()
    assert ended(worker) != 0 and not worker.takes_more


def test_a_worker_that_ended_while_it_waited_is_not_given_a_run(worker):
    other = Worker(alone=True)
    other._process.kill()
    other._process.wait()
    idle = [worker, other]
    assert jobs._free(idle) is worker and idle == [] and jobs._free(idle) is None


def test_a_worker_that_ends_as_it_is_given_a_run_is_said_in_one_line(worker, tmp_path):
    worker._process.kill()
    worker._process.wait()
    with pytest.raises(RunError, match=r"a\.log: the process that was to run it has ended"):
        worker.start(TINY, tmp_path / "a.log")


@pytest.mark.parametrize(
    ("parallel", "shared", "workers"), [(1, True, 1), (2, True, 2), (1, False, 4)]
)
def test_jobs_follow_one_another_in_a_process_where_they_share(
    monkeypatch, tmp_path, parallel, shared, workers
):
    fake = FakeRuns(monkeypatch, lambda config: 0.1)
    waiting = iter([jobs.Job(f"{n}", tmp_path / f"{n}", make_config()) for n in range(4)])
    ended = []
    jobs.run_jobs(
        lambda: next(waiting, None),
        lambda job, end: ended.append(job.name),
        data_flags=[],
        parallel=parallel,
        shared=shared,
    )
    assert sorted(ended) == fake.started == ["0", "1", "2", "3"]
    assert len(FakeWorker.made) == workers
