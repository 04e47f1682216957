"""What the guided denoiser finds on planted data, and what it is worth there.

python -m benchmarks.planted_denoiser --part=auc|recall|attempts|ridge --seeds=5 --out=FILE.json
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.planted_ridge import kept_by_ridge, ridge_auc
from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.evaluation.paired_test import paired_test
from kdiffe_jax.models.kdiffe.presets import DENOISED, DENOISER, WEIGHTED
from kdiffe_jax.models.registry import make_config, options_of
from kdiffe_jax.training.epoch import truth_key
from kdiffe_jax.training.loop import compile_setup, fresh_start, one_epoch, score
from kdiffe_jax.training.setup import TrainSetup, build_setup

SPARSE = dict(users=1500, items=1500, interactions_per_user=6)
UNGUIDED = DENOISER | {"guidance": False}
LITERAL = {name: options_of("kdiffe")[name].default for name in DENOISER}
GUIDED = {name: WEIGHTED[name] for name in ("guidance_rank", "denoiser_head_start")}
ATTEMPTS: dict[str, Mapping[str, Any]] = {
    "as it is": {},
    "linear schedule of the paper": {"noise_schedule": "linear"},
    "timesteps weighted by SNR": {"elbo_weights": "snr"},
    "z~ as it comes": {"guidance_scale": "own"},
    "z~ not dropped": {"guidance_dropout": 0.0},
    "no weight decay": {"denoiser_decay": 0.0},
    "learning rate of the rest": {"denoiser_rate": 1.0},
    "learning rate 20 times the rest's": {"denoiser_rate": 20.0},
    "each row once an epoch": {"denoiser_rows": 1},
    "width 512": {"denoiser_width": 512},
    "begins with random rows": {"denoiser_start": "random"},
    "T = 50": {"timesteps": 50},
    "row not dropped": {"denoiser_dropout": 0.0},
    "the literal denoiser of the paper": LITERAL,
    "main view: weighted, by the square": {"main_graph": "weighted"},
    "z~ of interactions alone": {"guidance_rank": 20},
    "z~ of interactions alone, a head start": GUIDED,
    "main view: weighted, z~ and start so": GUIDED | {"main_graph": "weighted"},
    "main view: the same by the fourth power": WEIGHTED,
    "main view: top 4 of the item's own": {"main_graph": "rebuilt", "top_q": 4},
    "main view: top 8 of all": {"main_graph": "rebuilt", "top_q": 8, "rebuild_from": "all"},
}


class Setting(NamedTuple):
    """Data and options of a row of the table."""

    name: str
    data: Dataset
    options: Mapping[str, Any]
    weights: np.ndarray | None = None  #: of the triples in the main view, from the first step


def settings_of(part: str, noise: float) -> list[Setting]:
    """What a part trains; attempts on triples of which such a share is drawn at random."""
    sparse = planted_dataset(PlantedSizes(**SPARSE))
    if part == "attempts":
        sparse = planted_dataset(PlantedSizes(**SPARSE, noise_share=noise))
        return [Setting(n, sparse, DENOISER | dict(options)) for n, options in ATTEMPTS.items()]
    if part == "auc":
        forms = {"denoised": DENOISED, "unguided": UNGUIDED}
        data = {"sparse": sparse, "default sizes": planted_dataset()}
        return [Setting(f"{d}, {f}", data[d], forms[f]) for d in data for f in forms]
    found = []
    for noise in (0.4, 0.8) if part == "ridge" else (0.4, 0.8, 0.0):
        data = planted_dataset(PlantedSizes(**SPARSE, noise_share=noise))
        given = DENOISED | {"main_graph": "given"}
        found += [Setting(f"{noise:.0%} given", data, given)]
        if part == "ridge":
            kept = kept_by_ridge(data, 0.6 if noise < 0.5 else 0.25)
            found += [Setting(f"{noise:.0%} kept by ridge", data, given, kept)]
            continue
        found += [Setting(f"{noise:.0%} weighted", data, DENOISED)]
        if noise:
            truth = np.where(data.relevant, 1.0, 1e-6)
            found += [Setting(f"{noise:.0%} truth known", data, given, truth)]
    return found


def measured(setting: Setting, seeds: range, patience: int) -> dict[str, list[float]]:
    """Figures of every seed."""
    values = {"batch_size": 512, "epochs": 60, "patience": patience} | dict(setting.options)
    config = make_config({"model": "kdiffe"} | values)
    cache = Path(tempfile.gettempdir()) / "planted_denoiser"
    setup = build_setup(setting.data, config, cache_dir=cache, log=lambda line: None)
    if setting.weights is not None:
        setup = _with_weights(setup, setting.weights)
    compiled = compile_setup(setup)
    rows = [_trained(setup.of_seed(seed), compiled) for seed in seeds]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _with_weights(setup: TrainSetup, weights: np.ndarray) -> TrainSetup:
    graph = setup.inputs.knowledge
    values = jnp.asarray(weights, jnp.float32)
    graph = graph._replace(structure=graph.structure._replace(values=values))
    return setup._replace(inputs=setup.inputs._replace(knowledge=graph))


def _trained(setup: TrainSetup, compiled) -> dict[str, float]:
    """Test scores and the AUC of the epoch that is best on validation."""
    carried, best, since = fresh_start(setup, compiled), None, 0
    key, seconds = truth_key(carried.state.key), 0.0
    for epoch in range(setup.config.train.epochs):
        carried, record = one_epoch(setup, compiled, carried, epoch=epoch)
        seconds += record["seconds"]
        valid, since = record["valid"]["recall@20"], since + 1
        if best is None or valid > best[0]:
            best, since = (valid, epoch, jax.tree.map(jnp.copy, carried)), 0
        if since >= setup.config.train.patience:
            break
    valid, epoch, (state, carry) = best
    test = score(setup, compiled.view(state.params, setup.inputs, carry), setup.test)
    data, model = setup.dataset, setup.model
    truth = data.triples, data.relevant
    found = model.found_truth(state.params, setup.inputs, carry, key, *truth)
    scores = {name: test[name] for name in ("recall@20", "ndcg@20")}
    return scores | {
        "valid": valid,
        "epoch": epoch,
        "seconds": seconds,
        "auc": found.get("relation_auc", float("nan")),
    }


def row(name: str, found: Mapping[str, list[float]]) -> str:
    """A line of the table: means over seeds with their standard errors."""

    def told(figure: str) -> str:
        values = np.asarray(found[figure])
        if np.isnan(values).any():
            return "-"
        return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"

    cells = [told(figure) for figure in ("auc", "valid", "recall@20", "ndcg@20")]
    plain = [f"{np.mean(found[figure]):.0f}" for figure in ("epoch", "seconds")]
    return f"| {' | '.join([name, *cells, *plain])} |"


def recovered(all_found: Mapping[str, Mapping[str, list[float]]], noise: str) -> str:
    """How much of the recall between noisy and clean the weights bring back, with a test."""
    lines = []
    for form in ("weighted", "truth known"):
        given, other = (np.asarray(all_found[f"{noise} {f}"]["recall@20"]) for f in ("given", form))
        clean = np.mean(all_found["0% given"]["recall@20"])
        share = (other.mean() - given.mean()) / (clean - given.mean())
        test = paired_test(other, given)
        lines.append(
            f"{noise} irrelevant, {form}: {share:.0%} of the way from noisy to clean; "
            f"{test['difference']:+.4f} ± {test['standard_error']:.4f} (p = {test['p']:.2g})"
        )
    return "\n".join(lines)


def main() -> None:
    """Trains every setting and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("auc", "recall", "attempts", "ridge"), default="auc")
    parser.add_argument("--seeds", type=int, default=5, help="models of each setting")
    parser.add_argument("--noise", type=float, default=0.4, help="share of noise in attempts")
    parser.add_argument("--patience", type=int, default=15, help="epochs without a better score")
    parser.add_argument("--out", type=Path, help="JSON file of all figures")
    given = parser.parse_args()
    print("| setting | AUC | valid recall@20 | test recall@20 | test ndcg@20 | best epoch | s |")
    print("|---|---|---|---|---|---|---|")
    found: dict[str, dict[str, list[float]]] = {}
    lines: list[str] = []
    for setting in settings_of(given.part, given.noise):
        found[setting.name] = measured(setting, range(given.seeds), given.patience)
        print(row(setting.name, found[setting.name]), flush=True)
        if given.part == "ridge" and setting.weights is not None:
            lines.append(f"{setting.name}: {ridge_auc(setting.data):.3f}")
        if given.out:
            given.out.write_text(json.dumps(found, indent=1))
    if lines:
        print("AUC of the ridge regression:", *lines, sep="\n")
    if given.part == "recall":
        print(recovered(found, "40%"), recovered(found, "80%"), sep="\n")


if __name__ == "__main__":
    main()
