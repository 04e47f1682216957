"""Trainings by one process or by two over loopback, and what they leave."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.dataset import SPLITS
from kdiffe_jax.data.identity import identity_of
from kdiffe_jax.data.plain_files import part_of_lines
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.share import Share
from kdiffe_jax.data.synthetic import planted_dataset
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.storage.saved_model import read_model
from kdiffe_jax.training.fit import fit
from kdiffe_jax.training.resources import Resources
from launch import flags
from launch.parsing import parse
from tests.quick_compile import XLA_FLAGS
from tests.small_model import SIZES

ROOT = Path(__file__).parents[2]
PLANTED = (
    "--preset=paper", "--planted_users=61", "--planted_items=47", "--planted_topics=4",
    "--planted_taste=0.9",     "--planted_entities_per_topic=2", "--planted_triples_per_item=4",
    "--planted_interactions_per_user=8",
)  # fmt: skip
SHARED = ("--dim=8", "--layers=1", "--batch_size=64", "--baselines=most_popular")
KDIFFE = (
    "--model=kdiffe", "--denoiser_width=16", "--walk_length=5", "--walks_per_node=2",
    "--timesteps=3",
)  # fmt: skip


def start(cache, workdir, *more, environment=None):
    own = (f"--workdir={workdir}", f"--cache_dir={cache}")
    return subprocess.Popen(
        [sys.executable, "-m", "launch.main", *SHARED, *own, *more],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": XLA_FLAGS} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fitted_here(cache, workdir, *more):
    """What the command does, in this process."""
    values, argv = absl_flags.FlagValues(), ["main", *SHARED, *more]
    flags.define(argv, values)
    parse(argv, values)
    dataset, config = flags.load(values), flags.config(values)
    identity = flags.data_identity(values) | identity_of(dataset)
    resources = Resources(cache, baselines=flags.baselines(values))
    with RunDirectory(workdir).claim(identity | config.to_flat()) as run:
        fit(dataset, config, run, resources)


def end(processes):
    """The status of each and what it printed; none is left behind."""
    try:
        found = [process.communicate(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *printed) for p, printed in zip(processes, found, strict=True)]


def cache_of(directory, process):
    return directory / f"cache of process {process}"


def start_two(directory, workdirs, *, seeds=(0, 0), more=(), own=((), ())):
    """Two processes; `more` flags are of both, `own` of each."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    joined = ("--mesh=data:2", f"--coordinator={address}", "--num_processes=2")
    return [
        start(
            cache_of(directory, i),
            workdirs[i],
            *joined,
            f"--process_id={i}",
            f"--seed={seed}",
            *more,
            *own[i],
        )
        for i, seed in enumerate(seeds)
    ]


def slurm_job():
    """The number of a job for which JAX's coordinator gets a free port on this host."""
    for job in range(4096):
        with socket.socket() as free:
            try:
                free.bind(("localhost", 65536 - 4096 + job))
            except OSError:
                continue
            return str(job)
    raise AssertionError("no port is free")


def start_two_of_slurm(directory, workdirs, *more):
    job = {"SLURM_JOB_ID": slurm_job(), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    numbered = ({"SLURM_PROCID": number, "SLURM_LOCALID": number} for number in "01")
    joined = ("--mesh=model:2", "--coordinator=cluster", *more)
    return [
        start(cache_of(directory, i), workdirs[i], *joined, environment=job | number)
        for i, number in enumerate(numbered)
    ]


def read(workdir):
    """The result, the records of the epochs, and the tables of the model."""
    result = json.loads((workdir / "result.json").read_text())
    history = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    model = read_model(workdir)
    return result, history, {"users": model.users, "items": model.items, **model.artifacts}


def check_equal(one, two):
    """That two runs, as `read` gives them, found the same."""
    assert len(one[1]) == len(two[1]) > 1
    for ours, theirs in zip(one[1], two[1], strict=True):
        assert ours.keys() == theirs.keys()
        for term in ours.keys() - {"seconds", "cpu_seconds", "valid"}:
            np.testing.assert_allclose(theirs[term], ours[term], rtol=1e-4, err_msg=term)
        assert theirs["valid"] == pytest.approx(ours["valid"], rel=1e-4)
    for split in ("valid", "test"):
        assert 0 < one[0][split]["recall@20"] < 1
        assert two[0][split] == pytest.approx(one[0][split], rel=1e-4)
    for table, values in one[2].items():
        np.testing.assert_allclose(two[2][table], values, rtol=1e-4, atol=2e-5, err_msg=table)


def prepared_shares(directory):
    """Prepared data whole, and a copy of which process 1 of two can read its share alone."""
    write_prepared(planted_dataset(SIZES), directory / "whole")
    shutil.copytree(directory / "whole", directory / "of process 1")
    for split in SPLITS:
        file = directory / "of process 1" / f"{split}.tsv"
        part, text = part_of_lines(file, Share(1, 2)), file.read_bytes()
        own = text[part.start : part.stop]
        assert own and len(own) < len(text)
        others = (re.sub(rb"\d", b"x", t) for t in (text[: part.start], text[part.stop :]))
        file.write_bytes(own.join(others))


def flags_of(directory, *names):
    """Of the directories that `prepared_shares` made."""
    return [(f"--data_dir={directory / name}", "--dataset=shop") for name in names]
