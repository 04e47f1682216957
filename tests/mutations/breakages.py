"""Equations and rules broken on purpose, each with the tests that should notice."""

from __future__ import annotations

from typing import NamedTuple


class Breakage(NamedTuple):
    """One change of one file; `old` occurs in it exactly once."""

    what: str
    file: str  #: below the package
    old: str
    new: str
    tests: tuple[str, ...]  #: files and tests, as pytest takes them


LAPLACIAN = (
    Breakage(
        "eq. 4: xi is left out",
        "models/kdiffe/attention_laplacian.py",
        "1.0 + xi * jnp.asarray(similarity",
        "1.0 + jnp.asarray(similarity",
        ("tests/models/kdiffe/test_attention_laplacian.py",),
    ),
    Breakage(
        "eq. 4: D^-1 on the left in place of D^-1/2 on both sides",
        "graph/laplacian.py",
        "scale[rows] * scale[columns]",
        "scale[rows] * scale[rows]",
        ("tests/graph/test_laplacian.py",),
    ),
    Breakage(
        "eq. 11: the sum of an item's users in place of their mean",
        "graph/laplacian.py",
        "(1.0 / degrees[items], jnp",
        "(jnp.ones(len(items)), jnp",
        ("tests/graph/test_laplacian.py",),
    ),
    Breakage(
        "eq. 5: the sum of both sizes in place of the union",
        "models/kdiffe/similarity.py",
        "sizes[sources] + sizes[targets] - shared",
        "sizes[sources] + sizes[targets]",
        ("tests/models/kdiffe/test_similarity.py",),
    ),
    Breakage(
        "eq. 5: walks never return to their start",
        "models/kdiffe/random_walk.py",
        "jnp.where(draw[..., 1] < restart_probability, home, moved)",
        "moved",
        ("tests/models/kdiffe/test_random_walk.py",),
    ),
    Breakage(
        "eq. 6: the last layer alone in place of the sum of layers",
        "ops/propagate.py",
        "sums = tuple(sum(kind[1:], start=kind[0]) for kind",
        "sums = tuple(kind[-1] for kind",
        ("tests/ops/test_propagate.py",),
    ),
    Breakage(
        "eq. 2: softmax over an entity's items in place of an item's entities",
        "models/kdiffe/knowledge_layer.py",
        "structure.values, structure.rows, n_segments=items.shape[0]",
        "structure.values, structure.columns, n_segments=entities.shape[0]",
        ("tests/models/kdiffe/test_knowledge_layer.py",),
    ),
    Breakage(
        "eq. 1: no norm",
        "models/kdiffe/knowledge_layer.py",
        "return unit_rows(items + multiply(self.attention(items, entities, graph), entities))",
        "return items + multiply(self.attention(items, entities, graph), entities)",
        ("tests/models/kdiffe/test_knowledge_layer.py",),
    ),
)

LOSSES = (
    Breakage(
        "eq. 15: the sign of BPR",
        "ops/losses.py",
        "softplus(negative_scores - positive_scores)",
        "softplus(positive_scores - negative_scores)",
        ("tests/ops/test_losses.py",),
    ),
    Breakage(
        "eq. 13: no temperature in the denominator",
        "ops/losses.py",
        "log_sum_exp(anchors / temperature, candidates, candidate_weights) - own",
        "log_sum_exp(anchors, candidates, candidate_weights) - own",
        ("tests/ops/test_losses.py",),
    ),
    Breakage(
        "eq. 13: inner products in place of cosines",
        "ops/losses.py",
        "    anchors, candidates = unit_rows(anchors), unit_rows(candidates)\n",
        "",
        ("tests/ops/test_losses.py",),
    ),
    Breakage(
        "softmax: the positive is missing from the denominator",
        "ops/losses.py",
        "jnp.logaddexp(own, log_sum_exp(users / temperature, negatives)) - own",
        "log_sum_exp(users / temperature, negatives) - own",
        ("tests/ops/test_losses.py",),
    ),
    Breakage(
        "eq. 14: theta_2 is left out",
        "models/kdiffe/model.py",
        'Weighted(self._norm(params["encoder"]), traced["theta_2"])',
        'Weighted(self._norm(params["encoder"]))',
        (
            "tests/models/kdiffe/test_objective.py::test_loss_is_the_weighted_sum_of_eq_14_and_the_elbo",
        ),
    ),
    Breakage(
        "Adam climbs",
        "training/step.py",
        "lambda u: -rate * u",
        "lambda u: rate * u",
        (
            "tests/models/kdiffe/test_objective.py::"
            "test_a_step_goes_down_changes_every_parameter_and_draws_noise_of_its_own",
        ),
    ),
    Breakage(
        "every step draws the same noise",
        "training/step.py",
        "jax.random.fold_in(state.key, state.step)",
        "state.key",
        (
            "tests/models/kdiffe/test_objective.py::"
            "test_a_step_goes_down_changes_every_parameter_and_draws_noise_of_its_own",
        ),
    ),
)

DIFFUSION = (
    Breakage(
        "an item's own triple takes the usual relation of its entity",
        "models/kdiffe/rebuild.py",
        "jnp.where(has.any(axis=-1), relations, entity_relation[entities])",
        "entity_relation[entities]",
        ("tests/models/kdiffe/test_rebuild.py",),
    ),
    Breakage(
        "eq. 10: ELBO weights are shifted by one step",
        "ops/diffusion.py",
        "[jnp.ones(1), ratio[:-1] - ratio[1:]]",
        "[ratio[:-1] - ratio[1:], jnp.ones(1)]",
        ("tests/ops/test_diffusion.py",),
    ),
    Breakage(
        "eq. 8: the noise's variance in place of its deviation",
        "ops/diffusion.py",
        "jnp.sqrt(1.0 - kept) * noise",
        "(1.0 - kept) * noise",
        ("tests/ops/test_diffusion.py",),
    ),
    Breakage(
        "eq. 12: another weight of x_t",
        "ops/diffusion.py",
        "jnp.sqrt(1.0 - beta) * (1.0 - before)",
        "jnp.sqrt(1.0 - now) * (1.0 - before)",
        ("tests/ops/test_diffusion.py",),
    ),
    Breakage(
        "eq. 11: the denoiser is not conditioned",
        "models/kdiffe/denoiser.py",
        'name="from_guidance")(guidance)',
        'name="from_guidance")(0.0 * guidance)',
        ("tests/models/kdiffe/test_denoiser.py",),
    ),
    Breakage(
        "eq. 11: the ELBO moves the users",
        "models/kdiffe/guidance.py",
        "users if gradient else jax.lax.stop_gradient(users)",
        "users",
        ("tests/models/kdiffe/test_objective.py::test_guidance_is_cut_from_the_elbo_by_default",),
    ),
    Breakage(
        "top-q keeps the smallest",
        "models/kdiffe/rebuild.py",
        "jax.lax.top_k(values, q)",
        "jax.lax.top_k(jnp.where(jnp.isfinite(values), -values, values), q)",
        ("tests/models/kdiffe/test_rebuild.py",),
    ),
    Breakage(
        "padding of the rebuilt graph hides a triple from an explanation",
        "models/kdiffe/saved_arrays.py",
        "of_main, attention = _keys(model, main)[read], attention[read]",
        "of_main = _keys(model, main)",
        (
            "tests/models/kdiffe/test_saved_arrays.py::test_padding_of_a_rebuilt_graph_hides_no_triple",
        ),
    ),
)

SPLITS = (
    Breakage(
        "labels of an earlier data set are forgotten",
        "data/prepare.py",
        " or bool(\n        earlier and counts_labels(earlier)\n    )",
        "",
        ("tests/api/test_update.py",),
    ),
    Breakage(
        "rows that are out of order are taken",
        "data/dataset.py",
        "            if row is not None:\n",
        "            if False:\n",
        ("tests/data/test_dataset.py",),
    ),
    Breakage(
        "a warm start takes columns for items where there are as many",
        "training/warm_start.py",
        "widths=axes_of_options(setup, spaces),",
        "widths=frozenset(),",
        ("tests/training/test_warm_start.py",),
    ),
    Breakage(
        "test interactions are trained on",
        "training/setup.py",
        "        dataset.train,\n        batch_size=",
        "        np.concatenate([dataset.train, dataset.test]),\n        batch_size=",
        ("tests/training/test_setup.py::test_training_draws_the_training_interactions",),
    ),
    Breakage(
        "test interactions are in the Laplacian",
        "training/inputs.py",
        "placement.operators(dataset.train, ",
        "placement.operators(np.concatenate([dataset.test[:9], dataset.train[9:]]), ",
        ("tests/training/test_setup.py::test_the_graphs_hold_the_training_interactions",),
    ),
    Breakage(
        "validation interactions are in S",
        "training/setup.py",
        "        dataset.train, cache_dir=",
        "        np.concatenate([dataset.train, dataset.valid])[len(dataset.valid) :], cache_dir=",
        ("tests/training/test_setup.py::test_the_similarity_is_of_the_training_interactions",),
    ),
    Breakage(
        "mask_valid is ignored",
        "training/held_out.py",
        "if settings.mask_valid:",
        "if settings is None:",
        ("tests/training/test_setup.py::test_what_is_never_recommended",),
    ),
    Breakage(
        "the epoch is chosen on the test split",
        "training/loop.py",
        "score(setup, view, getattr(setup, split))",
        "score(setup, view, setup.test)",
        ("tests/training/test_loop.py::test_stops_when_patience_is_over_and_keeps_the_best",),
    ),
    Breakage(
        "a refit leaves the test split out",
        "training/refit.py",
        "[dataset.train, dataset.valid, dataset.test]",
        "[dataset.train, dataset.valid]",
        ("tests/training/test_refit.py::test_it_is_the_training_on_all_interactions",),
    ),
    Breakage(
        "the latest of equal epochs is the best",
        "training/selection.py",
        '-r["epoch"])',
        'r["epoch"])',
        (
            "tests/training/test_loop.py::test_the_earliest_of_equal_epochs_is_the_best_and_patience_counts_from_it",
        ),
    ),
    Breakage(
        "a negative can be a positive",
        "training/negatives.py",
        "(probe - (middle - starts) <= rank)",
        "(probe - (middle - starts) < rank)",
        ("tests/training/test_sampler.py",),
    ),
    Breakage(
        "every epoch draws the same",
        "training/sampler.py",
        "default_rng([self._seed, of_pass])",
        "default_rng([self._seed])",
        ("tests/training/test_sampler.py",),
    ),
)

RANKING = (
    Breakage(
        "lists hold seen items",
        "evaluation/ranking.py",
        'hidden].set(-jnp.inf, mode="drop")',
        'hidden].add(0.0, mode="drop")',
        ("tests/evaluation/test_ranking.py",),
    ),
    Breakage(
        "seen items push the relevant ones down",
        "evaluation/item_ranks.py",
        "_count(before(scores, items)) - _count(hidden)",
        "_count(before(scores, items))",
        ("tests/evaluation/test_ranking.py",),
    ),
    Breakage(
        "padding counts where there are fewer items than a cut-off",
        "evaluation/item_ranks.py",
        "jnp.where(found < n_items, found, NO_RANK)",
        "jnp.minimum(found, n_items)",
        ("tests/evaluation/test_ranking.py",),
    ),
    Breakage(
        "recall over at most k relevant items",
        "evaluation/metrics.py",
        "found / hits.n_relevant,",
        "found / np.minimum(hits.n_relevant, k),",
        ("tests/evaluation/test_ranking.py",),
    ),
    Breakage(
        "ndcg discounts by one rank too many",
        "evaluation/metrics.py",
        "np.log2(ranks + 1)",
        "np.log2(ranks + 2)",
        ("tests/evaluation/test_ranking.py",),
    ),
    Breakage(
        "cold items are ranked among all",
        "evaluation/split_scores.py",
        "lists(part, k=max(CUTOFFS), candidates=np.flatnonzero(cold))",
        "lists(part, k=max(CUTOFFS))",
        ("tests/evaluation/test_split_scores.py",),
    ),
    Breakage(
        "warm items count as cold",
        "evaluation/split_scores.py",
        "(relevant >= 0) & cold[relevant]",
        "(relevant >= 0)",
        ("tests/evaluation/test_split_scores.py",),
    ),
    Breakage(
        "proxies of cold items are as short as a mean",
        "models/scoring.py",
        "unit_rows(multiply(cold_item_proxies, items)) * multiply(cold_item_proxies, lengths)",
        "multiply(cold_item_proxies, items)",
        ("tests/training/test_cold_items.py",),
    ),
    Breakage(
        "cold items are proxies of cold items",
        "data/cold_item_proxies.py",
        "@ neighbours @ sparse.diags_array(trained)",
        "@ neighbours",
        ("tests/data/test_cold_items.py",),
    ),
    Breakage(
        "root_length is the inner product",
        "models/scoring.py",
        'return over_length(rows, 0.5) if score == "root_length" else rows',
        "return rows",
        ("kdiffe_jax/models/scoring.py",),
    ),
)

ON_ACCELERATORS = (
    Breakage(
        "scores are rounded on a GPU before they are ranked",
        "ops/precision.py",
        "    highest = jax.lax.Precision.HIGHEST\n",
        "    highest = None\n",
        ("tests/ops/test_precision.py",),
    ),
    Breakage(
        "parameters begin with the weak type of a Python number",
        "training/step.py",
        "params = strongly_typed(model.init(jax.random.key(seed), inputs))",
        "params = model.init(jax.random.key(seed), inputs)",
        ("tests/models/test_types.py",),
    ),
    Breakage(
        "what was drawn ahead is taken for another epoch",
        "training/batches_ahead.py",
        "if found is None or expected != number:",
        "if found is None:",
        ("tests/training/test_batches_ahead.py",),
    ),
    Breakage(
        "a block of candidates leaves out the contrast of another",
        "models/clcrec.py",
        "_Drawn(*(array[rows] for array in drawn))",
        "_Drawn(*(array[rows - rows[0]] for array in drawn))",
        ("tests/models/test_clcrec.py",),
    ),
)

NEIGHBOURS_AND_BASELINES = (
    Breakage(
        "a similarity is read in the order of its file, not of the ids beside it",
        "data/extra_files.py",
        "rows, columns = items[given.row], items[given.col]",
        "rows, columns = given.row, given.col",
        ("tests/data/test_extra_files.py",),
    ),
    Breakage(
        "lift without chance",
        "data/co_interaction.py",
        "degrees.sum() ** 2 / by_chance",
        "1.0",
        ("tests/data/test_co_interaction.py",),
    ),
    Breakage(
        "nearest items beside the layers keep their length",
        "models/kdiffe/encoder.py",
        "self.last_neighbour_weight * unit_rows(near)",
        "self.last_neighbour_weight * near",
        ("tests/models/kdiffe/test_encoder.py",),
    ),
    Breakage(
        "common users are asked of the end that has more",
        "data/co_interaction.py",
        "degrees[links[:, 0]] > degrees[links[:, 1]]",
        "degrees[links[:, 0]] < degrees[links[:, 1]]",
        ("tests/data/test_co_interaction.py",),
    ),
    Breakage(
        "nearest items are not normalised",
        "data/item_neighbours.py",
        "left @ links @ right",
        "links",
        ("tests/data/test_item_neighbours.py",),
    ),
    Breakage(
        "LightGCN without degrees",
        "graph/laplacian.py",
        "1.0 / jnp.sqrt(jnp.maximum(degrees, 1e-12))",
        "1.0",
        ("tests/graph/test_laplacian.py",),
    ),
    Breakage(
        "EASE with its diagonal",
        "models/closed_form/ease.py",
        "    np.fill_diagonal(rows, 0.0)\n",
        "",
        ("tests/models/closed_form/test_ease.py",),
    ),
    Breakage(
        "one-hot categories have the nearest four codes",
        "data/content/codebooks.py",
        "n_nearest = 1 if few_values else min",
        "n_nearest = min",
        ("tests/data/content/test_codebooks.py",),
    ),
)

TRUST = (
    Breakage(
        "a pickle may name any class",
        "data/readers/pickled.py",
        "            return self._names[module, name]",
        "            return super().find_class(module, name)",
        ("tests/data/readers/test_safe_pickle.py",),
    ),
    Breakage(
        "a damaged cache of baselines is believed",
        "baselines/cache.py",
        "if digest == _digest(scores) and sizes",
        "if sizes",
        ("tests/baselines/test_suite.py",),
    ),
    Breakage(
        "the metrics of many users are packed so that they cannot be read",
        "storage/stored_arrays.py",
        "    if declared > max(_ALWAYS_ALLOWED, _RATIO * size):",
        "    if not size:",
        ("tests/storage/test_stored_arrays.py",),
    ),
    Breakage(
        "a finished run is given for other people's ids",
        "data/identity.py",
        '"ids_sha256": _of_ids(dataset)',
        '"ids_sha256": ""',
        ("tests/api/test_fitted.py",),
    ),
    Breakage(
        "a changed file keeps its old features",
        "extract/entries.py",
        'f"{found.st_size} {found.st_mtime_ns}"',
        '""',
        ("tests/extract/test_resumable.py",),
    ),
)

SHARES = (
    Breakage(
        "the users of two processes overlap",
        "data/share.py",
        "(pairs[:, 0] < users.stop)",
        "(pairs[:, 0] <= users.stop)",
        ("tests/data/test_share.py",),
    ),
    Breakage(
        "a line on the border of two parts is cut in two",
        "data/plain_files.py",
        "return byte and stream.tell() + len(stream.readline())",
        "return byte",
        ("tests/data/test_share.py",),
    ),
    Breakage(
        "a split that was changed is trained on",
        "data/readers/manifest.py",
        'if share.digest(splits[split]) != manifest["rows_sha256"][split]:',
        "if not share.digest(splits[split]):",
        ("tests/data/test_share.py",),
    ),
    Breakage(
        "every process numbers its edges from 0",
        "parallel/interactions.py",
        "np.arange(first, first + len(pairs), dtype=np.int32)",
        "np.arange(len(pairs), dtype=np.int32)",
        ("tests/parallel/test_many_processes.py",),
    ),
    Breakage(
        "degrees are those of a process's own users",
        "parallel/interactions.py",
        "    degrees = share.summed(degrees)\n",
        "",
        ("tests/parallel/test_many_processes.py",),
    ),
)

BREAKAGES = (
    *LAPLACIAN,
    *LOSSES,
    *DIFFUSION,
    *SPLITS,
    *RANKING,
    *ON_ACCELERATORS,
    *NEIGHBOURS_AND_BASELINES,
    *TRUST,
    *SHARES,
)
