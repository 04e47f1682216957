"""result.json of a trained model: the best epoch's scores, once, beside the baselines'."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from kdiffe_jax.baselines.beside import Baselines
from kdiffe_jax.evaluation.eval_data import EvalData
from kdiffe_jax.evaluation.split_scores import score_split
from kdiffe_jax.evaluation.spread import spread
from kdiffe_jax.models.added_score import Added, added_scores, lists_with
from kdiffe_jax.models.arrays import View
from kdiffe_jax.storage.run_directory import RunDirectory
from kdiffe_jax.training.cost import how_it_went
from kdiffe_jax.training.ensemble import Ensemble, ensemble_of, scored
from kdiffe_jax.training.findings import findings_of, planted_truth
from kdiffe_jax.training.loop import Trained, score
from kdiffe_jax.training.many_seeds import load_seeds
from kdiffe_jax.training.phases import Phase
from kdiffe_jax.training.result_file import PerUser, assembled, best_scores, validated
from kdiffe_jax.training.saving import save_ensemble, save_model
from kdiffe_jax.training.selection import selection_score
from kdiffe_jax.training.setup import TrainSetup


def finish(
    setup: TrainSetup,
    trained: list[Trained],
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    phase: Phase = nullcontext,
) -> dict[str, Any]:
    """Scores validation and test with the best epochs; writes model, result and users' scores.

    Where the test split is not to be scored, there are no users' scores. test_per_user.npz holds
    `users` and each metric, as [seeds, users] and with `seeds` where there are several; model.npz
    the seed with the best selection score, or the ensemble of all.

    Args:
      setup: data and model, on one device.
      trained: the best epoch's model of every seed.
      run: a claimed run directory.
      baselines: from `score_baselines`; None scores the most popular items alone.
      phase: of "saving".
    """
    ends, together = _ends(setup, trained)
    result, per_user = _scored(setup, ends, together, baselines)
    with phase("saving"):
        if per_user is not None:
            run.write_per_user(per_user, np.asarray(setup.test.users))
        _save(setup, ends, together, run)
        run.write_result(result)
    return result


def rescore(
    setup: TrainSetup,
    run: RunDirectory,
    baselines: Baselines | None = None,
    *,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Scores the best checkpoints of a run again, without training, and writes the model again.

    Raises:
      RunError: the run has no checkpoint.
    """
    ends, together = _ends(setup, load_seeds(setup, run, log=log))
    _save(setup, ends, together, run)
    return _scored(setup, ends, together, baselines)[0]


def eval_data_of(setup: TrainSetup) -> EvalData:
    """What the baselines of a setup receive."""
    dataset = setup.dataset
    return EvalData(
        dataset.train,
        dataset.n_users,
        dataset.n_items,
        setup.valid,
        setup.test,
        setup.config.eval,
    )


class _End(NamedTuple):
    """What a seed came to."""

    setup: TrainSetup  #: of its single run
    trained: Trained
    findings: dict[str, Any]
    added: Added | None  #: to its score


def _ends(setup: TrainSetup, trained: list[Trained]) -> tuple[list[_End], Ensemble | None]:
    """What every seed came to, and all of them together where that is asked for."""
    views, data = [one.view for one in trained], eval_data_of(setup)
    together = ensemble_of(views, data) if setup.config.train.ensemble else None
    ranked = views if together is None else [*views, together.view]
    added = added_scores(setup.config.embedding, ranked, data)
    if together is not None:
        together = together._replace(added=added.pop())
    setups = [setup.of_seed(seed) for seed in setup.config.train.seeds]
    findings = map(findings_of, setups, trained)
    ends = zip(setups, trained, findings, added, strict=True)
    return [_End(*end) for end in ends], together


def _save(
    setup: TrainSetup, ends: list[_End], together: Ensemble | None, run: RunDirectory
) -> None:
    best = _best_seed(setup, ends)
    if together is None:
        save_model(*ends[best], run)
    else:
        save_ensemble(setup, [end.trained for end in ends], best, together, run)


def _scored(
    setup: TrainSetup, ends: list[_End], together: Ensemble | None, baselines: Baselines | None
) -> tuple[dict[str, Any], PerUser | None]:
    trained = [end.trained for end in ends]
    if not setup.config.eval.score_test:
        return _validated(ends[0]), None
    of_seeds, per_seed = zip(*map(_of_seed, ends), strict=True)
    found = [own | end.findings for own, end in zip(of_seeds, ends, strict=True)]
    per_user = {name: np.stack([own[name] for own in per_seed]) for name in per_seed[0]}
    means = _mean(*found)
    result = assembled(
        setup.config,
        setup.dataset,
        eval_data_of(setup),
        training=how_it_went(trained),
        found=means,
        per_user={name: values.mean(axis=0) for name, values in per_user.items()},
        baselines=baselines,
        stand_ins=setup.stand_ins,
    )
    if len(found) == 1:
        return result, {name: values[0] for name, values in per_user.items()}
    seeds = setup.config.train.seeds
    result["seeds"] = [
        {"seed": seed, "best_epoch": one.best_epoch, "epochs": len(one.history), **own}
        for seed, one, own in zip(seeds, trained, found, strict=True)
    ]
    result["over_seeds"] = {
        split: {name: spread([own[split][name] for own in found]) for name in found[0][split]}
        for split in ("valid", "test")
    }
    if together is not None:
        mean = {name: values.mean(axis=0) for name, values in per_user.items()}
        result["ensemble"] = scored(together, eval_data_of(setup), mean)
    return result, {"seeds": np.array(seeds), **per_user}


def _of_seed(end: _End) -> tuple[dict[str, Any], PerUser]:
    settings, data = end.setup.config.eval, eval_data_of(end.setup)
    view = View(*(table.astype(settings.eval_precision) for table in end.trained.view))
    found, per_user = best_scores(lists_with(end.added, view, data), data)
    return found | _said_of(end.added) | planted_truth(end.setup, end.trained), per_user


def _validated(end: _End) -> dict[str, Any]:
    setup = end.setup
    return validated(
        setup.config,
        setup.dataset,
        eval_data_of(setup),
        training=how_it_went([end.trained]),
        valid=_valid_scores(end),
        said=end.findings | _said_of(end.added) | planted_truth(setup, end.trained),
        stand_ins=setup.stand_ins,
    )


def _valid_scores(end: _End) -> dict[str, float]:
    if end.added is None:
        return score(end.setup, end.trained.view, end.setup.valid)
    data = eval_data_of(end.setup)
    lists = lists_with(end.added, end.trained.view, data)
    return score_split(lists, data.valid, data.popularity(), n_users=data.n_users).means()


def _said_of(added: Added | None) -> dict[str, Any]:
    return {} if added is None else {"added_score": added.said()}


def _best_seed(setup: TrainSetup, ends: list[_End]) -> int:
    scores = [
        selection_score(end.trained.history[end.trained.best_epoch], setup.config)
        if end.added is None
        else end.added.selection_score
        for end in ends
    ]
    return int(np.argmax(scores))


def _mean(*values: Any) -> Any:
    """The mean of figures of the same names; counts are those of the data, the same for all."""
    first = values[0]
    if isinstance(first, dict):
        return {name: _mean(*(value[name] for value in values)) for name in first}
    return first if isinstance(first, int) else float(np.mean(values))
