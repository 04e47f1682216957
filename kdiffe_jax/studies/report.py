"""What a study says at its end: tables in Markdown and the parts of its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kdiffe_jax.studies.figures import Dots, Grid, Line, Panel
from kdiffe_jax.studies.gather import (
    SCORES,
    SPLITS,
    Outcome,
    baseline_rows,
    settings_of,
    summary_table,
    values_of,
)
from kdiffe_jax.studies.noise_report import noise_panels, noise_tables
from kdiffe_jax.studies.paired import comparison_table, over_seeds
from kdiffe_jax.studies.plan import FULL, Axis, Plan
from kdiffe_jax.studies.tables import markdown

SYMBOLS = {
    "xi": "ξ (weight of S)",
    "timesteps": "T (diffusion steps)",
    "temperature": "τ (InfoNCE temperature)",
    "theta_1": "θ₁ (weight of the contrast)",
    "top_q": "q (relations kept per item)",
    "walk_length": "M (steps of a walk)",
    "walks_per_node": "R (walks per node)",
}
_LOG = ("timesteps", "theta_1")
_NAMES = {"valid": "validation", "test": "test"}


def tables(study: str, plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """All tables of a study, in Markdown."""
    if study == "noise":
        return noise_tables(plan.curves, outcomes, FULL)
    base = ", ".join(f"{axis.parameter}={axis.base}" for axis in plan.axes)
    names = {FULL: f"{FULL} ({base})"} if base else {}
    parts = [summary_table(outcomes, names)]
    if study == "main":
        parts.append(_baselines(outcomes))
    if study in ("ablation", "data_ablation") and len(settings_of(outcomes)) > 1:
        parts.append(comparison_table(outcomes, against=FULL))
    if study in ("ablation", "denoising") and _tells_triples_apart(outcomes[0]):
        parts.append(_planted(outcomes, names))
    return "\n\n".join(parts)


def parts(study: str, plan: Plan, outcomes: Sequence[Outcome]) -> list[Panel | Grid | Dots]:
    """The parts of a study's figure."""
    if study == "main":
        return [_scores(outcomes, metric) for metric in SCORES]
    if study == "noise":
        return [*noise_panels(plan.curves, outcomes)]
    if study in ("ablation", "data_ablation"):
        others = len(settings_of(outcomes)) > 1
        return [_differences(outcomes, metric) for metric in SCORES if others]
    axes = [_finished(axis, outcomes) for axis in plan.axes]
    if study == "denoising":
        (axis,) = axes
        drawn = [_score_panel(outcomes, axis, metric) for metric in SCORES]
        planted = _tells_triples_apart(outcomes[0])
        return drawn + ([_planted_panel(outcomes, axis)] if planted else [])
    if study == "scalability":
        return [_time_panel(outcomes, axis) for axis in axes]
    drawn = [_walk_grid(outcomes, plan, metric) for metric in SCORES if plan.walks]
    return drawn + [_score_panel(outcomes, axis, m) for axis in axes for m in SCORES]


def _finished(axis: Axis, outcomes: Sequence[Outcome]) -> Axis:
    """The axis without the values at which no run came to its end."""
    there = set(settings_of(outcomes))
    kept = [pair for pair in zip(axis.values, axis.settings, strict=True) if pair[1] in there]
    return axis._replace(values=tuple(v for v, _ in kept), settings=tuple(s for _, s in kept))


def _tells_triples_apart(outcome: Outcome) -> bool:
    """Whether the run was on planted data, of a model that scores triples."""
    return _PLANTED.keys() <= outcome.result.get("planted", {}).keys()


def _baselines(outcomes: Sequence[Outcome]) -> str:
    header = ["baseline", *(f"{split} {metric}" for split in SPLITS for metric in SCORES)]
    rows = [
        [name, *(f"{of[split][m]:.4f}" if split in of else "-" for split in SPLITS for m in SCORES)]
        for name, of in baseline_rows(outcomes).items()
    ]
    return markdown(header, rows)


def _planted(outcomes: Sequence[Outcome], names: Mapping[str, str]) -> str:
    rows = []
    for setting in settings_of(outcomes):
        found = [o.result.get("planted") for o in outcomes if o.setting == setting]
        means = [np.mean([f[name] for f in found if f]) for name in _PLANTED] if all(found) else []
        cells = [f"{mean:.3f}" for mean in means] or ["-"] * len(_PLANTED)
        rows.append([names.get(setting, setting), *cells])
    share = outcomes[0].result["planted"]["relevant_share"]
    return (
        markdown(["planted truth", *_PLANTED.values()], rows)
        + f"\n\nChance: an AUC of 0.5, and {share:.3f} of the kept triples relevant."
    )


_PLANTED = {
    "relation_auc": "AUC of relevant triples",
    "kept_relevant_share": "relevant share of kept",
}


def _scores(outcomes: Sequence[Outcome], metric: str) -> Dots:
    rows = {"this model": list(values_of(outcomes, FULL, "test", metric).values())}
    for name, splits in baseline_rows(outcomes).items():
        if "test" in splits:
            rows[name] = [splits["test"][metric]]
    return Dots(outcomes[0].result["dataset"], f"test {metric}", rows)


def _differences(outcomes: Sequence[Outcome], metric: str) -> Dots:
    rows = {
        setting: list(np.subtract(*over_seeds(outcomes, setting, FULL, "test", metric)))
        for setting in settings_of(outcomes)
        if setting != FULL
    }
    title = outcomes[0].result["dataset"]
    return Dots(title, f"test {metric}, minus the full model", rows, zero=True)


def _score_panel(outcomes: Sequence[Outcome], axis: Axis, metric: str) -> Panel:
    lines = [
        Line(
            _NAMES[split],
            axis.values,
            [list(values_of(outcomes, s, split, metric).values()) for s in axis.settings],
        )
        for split in SPLITS
        if outcomes[0].score(split, metric) is not None
    ]
    log = axis.parameter in _LOG and min(axis.values) > 0
    label = SYMBOLS[axis.parameter]
    return Panel("", label, metric, lines, log_x=log, base=axis.base)


def _planted_panel(outcomes: Sequence[Outcome], axis: Axis) -> Panel:
    lines = [
        Line(
            label,
            axis.values,
            [[o.result["planted"][name] for o in runs] for runs in _runs(outcomes, axis)],
        )
        for name, label in _PLANTED.items()
    ]
    levels = {"relevant share of all triples": outcomes[0].result["planted"]["relevant_share"]}
    return Panel(
        "", SYMBOLS[axis.parameter], "planted truth", lines, levels={"AUC by chance": 0.5} | levels
    )


def _time_panel(outcomes: Sequence[Outcome], axis: Axis) -> Panel:
    of = _runs(outcomes, axis)
    values = [[o.epoch_seconds for o in runs] for runs in of]
    if axis.parameter == "data_ablation":
        x, label = [runs[0].result["users_scored"]["of"] for runs in of], "users"
    else:
        x, label = axis.values, SYMBOLS[axis.parameter]
    return Panel("", label, "seconds per epoch", [Line("measured", x, values)], from_zero=True)


def _runs(outcomes: Sequence[Outcome], axis: Axis) -> list[list[Outcome]]:
    """The runs of every setting of an axis."""
    return [[o for o in outcomes if o.setting == setting] for setting in axis.settings]


def _walk_grid(outcomes: Sequence[Outcome], plan: Plan, metric: str) -> Grid:
    lengths, numbers = (sorted({pair[axis] for pair in plan.walks}) for axis in (0, 1))
    split = "test" if outcomes[0].score("test", metric) is not None else "valid"
    found = {pair: values_of(outcomes, name, split, metric) for pair, name in plan.walks.items()}
    means = [
        [np.mean(list(found[m, r].values())) if found[m, r] else np.nan for m in lengths]
        for r in numbers
    ]
    labels = (SYMBOLS["walk_length"], SYMBOLS["walks_per_node"])
    return Grid(f"{_NAMES[split]} {metric}", *labels, lengths, numbers, np.array(means))
