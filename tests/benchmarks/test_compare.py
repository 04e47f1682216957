"""One comparison, whether the seeds ran one by one or in one program."""

import json

import numpy as np
import pytest

from benchmarks import compare

SEEDS = (0, 1, 2)
METRICS = ("recall@20", "ndcg@20")


def write_runs(directory, name, rng):
    """The same figures as runs of single seeds and as one run of all; their directories."""
    apart, together = directory / "apart" / name, directory / "together" / name
    per_user = {name: rng.random((len(SEEDS), 6)) for name in METRICS}
    members = []
    for row, seed in enumerate(SEEDS):
        means = {name: float(values[row].mean()) for name, values in per_user.items()}
        members.append({"seed": seed, "valid": means, "test": means})
        run = apart / f"seed{seed}"
        run.mkdir(parents=True)
        (run / "result.json").write_text(json.dumps(members[-1]))
        np.savez(run / "test_per_user.npz", **{n: v[row] for n, v in per_user.items()})
    together.mkdir(parents=True)
    (together / "result.json").write_text(json.dumps({"members": members}))
    np.savez(together / "test_per_user.npz", seeds=np.array(SEEDS), **per_user)
    return apart, together


def test_members_compare_like_single_runs(tmp_path, rng, capsys):
    first, second = (write_runs(tmp_path, name, rng) for name in ("first", "second"))
    printed = []
    for pair in zip(first, second, strict=True):
        compare.main([str(path) for path in pair])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "test recall@20 over 6 users" in printed[0]


def test_fewer_than_two_common_seeds_are_refused(tmp_path, rng):
    _, together = write_runs(tmp_path, "run", rng)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="fewer than two"):
        compare.main([str(together), str(tmp_path / "empty")])
