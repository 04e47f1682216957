"""An epoch of every trained model on a prepared data set, beside a plain torch.sparse form of it.

python -m benchmarks.models --dataset=DIR [--models=sgl,ncl,...] [--rounds=3] [--dim=64]
    [--batch_size=2048] [--torch_steps=0] [--torch_threads=N] [--symmetric_backward]
    [--out=FILE.json] [--report=FILE.md]

Each model has its preset "paper" but for d and the batch size, which are the same for all; NCL
begins warm. An epoch is its steps on batches drawn before, and what is made anew between epochs;
nothing is ranked. The forms of benchmarks/torch_models take the same batches with terms of the same
equations; ours and theirs run in turn. A ratio is torch's time over ours, of medians; its range is
that of the rounds. Without torch its columns are empty.

Where other programs use the same cores, set OMP_WAIT_POLICY=PASSIVE: threads of torch that wait for
each other then sleep; if they do not, torch may take ten times as long.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks.ceilings import describe_machine
from benchmarks.harness import Case, Samples, measure
from benchmarks.models_table import Epochs, Row, head, line, remarks, write
from benchmarks.torch_models import has_form
from benchmarks.written import Report, add_report
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers.prepared import read_prepared
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import MODELS, is_trained, make_config, preset
from kdiffe_jax.training.loop import compile_setup, fresh_start
from kdiffe_jax.training.setup import TrainSetup, build_setup

_ALSO = {"ncl": {"warm_up_epochs": 0}}


class Training:
    """A model's training, whose epochs can be run again and again."""

    def __init__(self, setup: TrainSetup):
        self.setup = setup
        self.drawn = setup.placement.batches(setup.sampler, 0)
        self._compiled = compile_setup(setup)
        self._carried: Any = None

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        leaves = jax.tree.leaves(self._carried.state.params)
        return sum(leaf.size for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating))

    def epoch(self) -> None:
        """Its steps, and what the next epoch begins with; the first call starts the training."""
        setup, compiled = self.setup, self._compiled
        state, carry = self._carried or fresh_start(setup, compiled)
        state, terms = compiled.epoch(state, self.drawn, setup.inputs, carry, setup.traced())
        carry = compiled.refresh(state.params, setup.inputs, carry, state.key, jnp.int32(1))
        jax.block_until_ready((terms, carry))
        self._carried = _Carried(state, carry)


class _Carried(NamedTuple):
    state: Any
    carry: Any


def main(argv: list[str]) -> int:
    """Runs the command."""
    options = _options(argv)
    dataset = read_prepared(options.dataset)
    machine, rows = describe_machine(), []
    told = Report("benchmarks.models", __doc__, argv, options.report)
    told.tell_machine(f"{_of_data(dataset)}; ")
    told.tell(head())
    with tempfile.TemporaryDirectory(prefix="kdiffe-benchmarks-") as directory:
        for name in options.models:
            rows.append(row_of(name, dataset, options, Path(directory)))
            told.tell_row(line(rows[-1]))
            if options.out:
                write(options.out, ["python", "-m", "benchmarks.models", *argv], machine, rows)
            jax.clear_caches()
    told.tell("\n".join([_of_run(options), *remarks(rows)]))
    return 0


def row_of(name: str, dataset: Dataset, options: argparse.Namespace, cache: Path) -> Row:
    """Measures one model, or says why it cannot be trained on the data."""
    values = {"model": name} | dict(preset("paper", name)) | _ALSO.get(name, {})
    values |= {"dim": options.dim, "batch_size": options.batch_size}
    try:
        config = make_config(values)
        setup = build_setup(dataset, config, cache_dir=cache, log=lambda line: None)
    except (ConfigError, DataError) as error:
        return Row(name, left_out=str(error))
    return measured(setup, options)


def measured(setup: TrainSetup, options: argparse.Namespace) -> Row:
    """Times a model, and its form in torch where there is one, in turn."""
    training, name = Training(setup), setup.config.model
    cases, form = [Case("ours", training.epoch)], None
    if has_form(name):
        form = _torch_training(training, options)
        cases.append(Case("torch", form.epoch))
    ours, *theirs = measure(cases, rounds=options.rounds)
    row = Row(name, None, training.parameters, ours.first, _epochs(ours))
    if form is None:
        return row
    return row._replace(
        torch=_epochs(theirs[0]), torch_share=form.share, torch_parameters=form.parameters
    )


def _torch_training(training: Training, options: argparse.Namespace):
    from benchmarks.torch_models.graphs import SymmetricProduct
    from benchmarks.torch_models.training import TorchTraining

    SymmetricProduct.used = options.symmetric_backward
    of = dict(steps=options.torch_steps, threads=options.torch_threads)
    return TorchTraining(training.setup, training.drawn, **of)


def _epochs(samples: Samples) -> Epochs:
    return Epochs(samples.wall.tolist(), samples.cpu.tolist())


def _of_run(options: argparse.Namespace) -> str:
    by_hand = (
        ", symmetric matrices multiplied backward by hand" if options.symmetric_backward else ""
    )
    return (
        f"d = {options.dim}, batches of {options.batch_size}, {options.rounds} rounds, "
        f"{options.torch_threads} threads of torch{by_hand}, "
        f"OMP_WAIT_POLICY {os.environ.get('OMP_WAIT_POLICY', 'unset')}, "
        f"load {os.getloadavg()[0]:.1f} at the end."
    )


def _of_data(dataset: Dataset) -> str:
    sizes = f"{dataset.n_users} users, {dataset.n_items} items"
    return f"{dataset.name}: {sizes}, {len(dataset.train)} interactions"


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.models", description=__doc__)
    trained = tuple(name for name in MODELS if is_trained(name))
    parser.add_argument("--dataset", required=True, help="a prepared data set")
    parser.add_argument("--models", type=_names(trained), default=trained, help=", ".join(trained))
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each, after the first")
    parser.add_argument("--dim", type=int, default=64, help="d of all models")
    parser.add_argument("--batch_size", type=int, default=2048, help="of all models")
    parser.add_argument(
        "--torch_steps", type=int, default=0, help="steps that torch takes of an epoch; 0: all"
    )
    parser.add_argument("--torch_threads", type=int, default=os.cpu_count(), help="of torch")
    parser.add_argument(
        "--symmetric_backward",
        action="store_true",
        help="torch multiplies by a symmetric matrix in the backward pass too, by hand",
    )
    parser.add_argument("--out", type=Path, help="where the same numbers go as JSON")
    add_report(parser)
    return parser.parse_args(argv)


def _names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        unknown = [name for name in found if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no model {unknown[0]!r}; {', '.join(known)}")
        return found

    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
