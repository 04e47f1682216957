"""Epochs cover everything once, and negatives are uniform over what a user has not."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdiffe_jax.training import negatives
from kdiffe_jax.training.sampler import InteractionSampler
from kdiffe_jax.training.user_sampler import UserSampler
from tests.played import played


@st.composite
def interactions(draw):
    n_users, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    cells = st.tuples(st.integers(0, n_users - 1), st.integers(0, n_items - 1))
    chosen = draw(st.sets(cells, min_size=1, max_size=n_users * n_items))
    full = draw(st.sets(st.integers(0, n_users - 1)))
    chosen |= {(user, item) for user in full for item in range(n_items)}
    return n_users, n_items, np.array(sorted(chosen), np.int32)


def sampler(pairs, n_users, n_items, batch_size=4, seed=0, **cut):
    return InteractionSampler(
        pairs, n_users=n_users, n_items=n_items, batch_size=batch_size, seed=seed, **cut
    )


PAIRS = np.array(sorted({(u, (u * 7 + k * k) % 11) for u in range(9) for k in range(4)}), np.int32)


@settings(max_examples=100, deadline=None)
@given(interactions(), st.integers(1, 40), st.integers(0, 3))
def test_an_epoch_is_whole_and_its_negatives_are_negative(data, batch_size, number):
    n_users, n_items, pairs = data
    draws = sampler(pairs, n_users, n_items, batch_size).epoch(number)
    users, positives, negatives = (
        array.ravel()[: len(pairs)] for array in (draws.users, draws.positives, draws.negatives)
    )
    known = set(map(tuple, pairs.tolist()))
    assert sorted(zip(users.tolist(), positives.tolist(), strict=True)) == sorted(known)
    full = np.bincount(pairs[:, 0], minlength=n_users)[users] == n_items
    np.testing.assert_array_equal(draws.weights.ravel()[: len(pairs)], ~full)
    assert not draws.weights.ravel()[len(pairs) :].any()
    drawn = zip(users[~full].tolist(), negatives[~full].tolist(), strict=True)
    assert known.isdisjoint(drawn)
    assert negatives.min() >= 0 and negatives.max() < n_items
    weighted = draws.row_nodes[draws.row_weights > 0]
    assert sorted(weighted.tolist()) == list(range(n_items))


@settings(max_examples=50, deadline=None)
@given(interactions(), st.integers(1, 40))
def test_shapes_are_static_over_epochs(data, batch_size):
    n_users, n_items, pairs = data
    drawn = sampler(pairs, n_users, n_items, batch_size)
    width = min(batch_size, len(pairs))
    steps = -(-len(pairs) // width)
    assert drawn.steps == steps
    for number in range(2):
        for name, array in drawn.epoch(number)._asdict().items():
            rows = name.startswith("row_")
            assert array.shape == (steps, -(-n_items // steps) if rows else width)
            assert array.dtype == (np.float32 if name.endswith("weights") else np.int32)


@pytest.mark.parametrize("owned", ([0, 3, 4], [], [9], [0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 8]))
def test_negatives_are_uniform_over_missing_items(owned):
    pairs = np.array([(0, 5), *((1, item) for item in owned), (2, 0)], np.int32)
    drawn = sampler(pairs, 3, 10)
    count = 20_000
    items, exists = drawn.negatives(np.full(count, 1), np.random.default_rng(0).random(count))
    assert exists.all()
    missing = sorted(set(range(10)) - set(owned))
    counts = np.bincount(items, minlength=10)
    assert counts[owned].sum() == 0
    expected = count / len(missing)
    chi_square = np.square(counts[missing] - expected).sum() / expected
    assert chi_square < 40


def test_user_with_every_item_weighs_nothing():
    pairs = np.array([(0, 0), (0, 1), (1, 0)], np.int32)
    draws = sampler(pairs, 2, 2, batch_size=3).epoch(0)
    np.testing.assert_array_equal(draws.weights, (draws.users == 1).astype(np.float32))
    assert draws.negatives[draws.weights > 0].tolist() == [1]


def test_epoch_is_a_function_of_seed_and_number():
    first, second = sampler(PAIRS, 9, 11), sampler(PAIRS, 9, 11)
    first.epoch(0)
    first.epoch(1)
    for ours, theirs in zip(first.epoch(7), second.epoch(7), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("field", ("users", "negatives", "row_nodes"))
def test_epochs_and_seeds_differ(field):
    base = getattr(sampler(PAIRS, 9, 11).epoch(0), field)
    assert (base != getattr(sampler(PAIRS, 9, 11).epoch(1), field)).any()
    assert (base != getattr(sampler(PAIRS, 9, 11, seed=1).epoch(0), field)).any()


def test_another_seed_is_another_sampler_of_the_same_interactions():
    first = sampler(PAIRS, 9, 11)
    other = first.with_seed(1)
    for ours, theirs in zip(other.epoch(2), sampler(PAIRS, 9, 11, seed=1).epoch(2), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(first.epoch(2), sampler(PAIRS, 9, 11).epoch(2), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_without_rows_no_items_are_drawn_and_the_triplets_are_the_same():
    bare, full = (sampler(PAIRS, 9, 11, rows=rows).epoch(2) for rows in (False, True))
    for ours, theirs in zip(bare[:4], full[:4], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert bare.row_nodes.shape == (len(full.users), 1) and not bare.row_weights.any()


def test_pairs_are_left_alone():
    before = PAIRS.copy()
    sampler(PAIRS, 9, 11).epoch(0)
    np.testing.assert_array_equal(PAIRS, before)


@pytest.mark.parametrize(("batch_size", "steps"), [(1, 5), (2, 3), (5, 1), (100, 1)])
def test_last_step_is_padded(batch_size, steps):
    pairs = np.array([(user, 0) for user in range(5)], np.int32)
    draws = sampler(pairs, 5, 3, batch_size).epoch(0)
    assert draws.weights.shape == (steps, min(batch_size, 5))
    assert draws.weights.sum() == 5
    assert draws.row_weights.sum() == 3
    assert not draws.weights.ravel()[5:].any()
    assert not draws.row_weights.ravel()[3:].any()


@pytest.mark.parametrize(
    ("pass_steps", "of_step", "steps"), [(0, 2, 18), (9, 4, 9), (5, 8, 5), (17, 3, 12), (40, 2, 18)]
)
def test_batches_grow_until_a_pass_has_few_steps(pass_steps, of_step, steps):
    assert len(PAIRS) == 36
    grown = sampler(PAIRS, 9, 11, batch_size=2, pass_steps=pass_steps)
    assert (grown.interactions_of_step, grown.steps_of_pass) == (of_step, steps)
    assert grown.epoch(0).weights.sum() == 36


@settings(max_examples=100, deadline=None)
@given(interactions(), st.integers(1, 8), st.integers(1, 9), st.integers(0, 2))
def test_the_epochs_of_a_pass_are_the_whole_one_in_turn(data, batch_size, epoch_steps, of_pass):
    n_users, n_items, pairs = data
    whole = sampler(pairs, n_users, n_items, batch_size)
    cut = sampler(pairs, n_users, n_items, batch_size, epoch_steps=epoch_steps)
    assert cut.steps == min(epoch_steps, whole.steps) and cut.steps_of_pass == whole.steps
    assert cut.epochs_of_pass == -(-whole.steps // epoch_steps)
    first = of_pass * cut.epochs_of_pass
    parts = [cut.epoch(first + part) for part in range(cut.epochs_of_pass)]
    assert all(len(part.users) == cut.steps for part in parts)
    joined = map(np.concatenate, zip(*parts, strict=True))
    for ours, theirs in zip(joined, whole.epoch(of_pass), strict=True):
        np.testing.assert_array_equal(ours[: whole.steps], theirs)
        assert not ours[whole.steps :].any()


def test_passes_differ_and_need_no_epoch_before_them():
    cut = sampler(PAIRS, 9, 11, epoch_steps=2)
    assert cut.epochs_of_pass > 2
    late = cut.epoch(cut.epochs_of_pass)
    assert (late.users != cut.epoch(0).users).any()
    again = sampler(PAIRS, 9, 11, epoch_steps=2).epoch(cut.epochs_of_pass)
    np.testing.assert_array_equal(late.users, again.users)


def test_an_epoch_has_no_arrays_of_a_pass():
    pairs = np.array([(user, 0) for user in range(4000)], np.int32)
    epoch = sampler(pairs, 4000, 1000, epoch_steps=2).epoch(3)
    owners = [array if array.base is None else array.base for array in epoch]
    assert sum(owner.size for owner in owners) == 2 * (4 * 4 + 2 * 1)


def test_epochs_that_are_not_cut_are_what_they_were_before_cutting():
    epoch = sampler(PAIRS, 9, 11).epoch(2)
    assert epoch.users.shape == (9, 4)
    assert epoch.users.ravel()[:8].tolist() == [2, 4, 5, 6, 8, 6, 2, 2]
    assert epoch.negatives.ravel()[:8].tolist() == [0, 1, 5, 0, 7, 8, 2, 8]
    assert epoch.row_nodes.ravel()[:8].tolist() == [8, 7, 2, 10, 9, 3, 6, 1]


@settings(max_examples=60, deadline=None)
@given(interactions(), st.integers(1, 9), st.integers(1, 5), st.integers(0, 3), st.integers(1, 4))
def test_shares_of_an_epoch_side_by_side_are_the_epoch(data, batch_size, of, epoch_steps, players):
    """However many processes draw it, and however many devices take its columns."""
    n_users, n_items, pairs = data
    make = partial(
        sampler, n_users=n_users, n_items=n_items, batch_size=batch_size, epoch_steps=epoch_steps
    )

    def drawn(share):
        own = make(pairs[share.owns(pairs, n_users)], share=share)
        for number in range(3):
            triplets, row_nodes = own.drawn(number)
            yield own.laid(share.pieces(triplets), row_nodes, range(of), of=of)

    found = played(players, lambda share: list(drawn(share)))
    for number, epochs in enumerate(zip(*found, strict=True)):
        for name, whole in make(pairs).epoch(number)._asdict().items():
            for shares in epochs:
                columns = [getattr(share, name) for share in shares]
                assert len({column.shape for column in columns}) == 1
                joined = np.concatenate(columns, axis=1)
                assert joined.dtype == whole.dtype
                np.testing.assert_array_equal(joined[:, : whole.shape[1]], whole)
                assert not joined[:, whole.shape[1] :].any()


def test_a_process_draws_for_its_own_users_alone():
    def users(share):
        own = sampler(PAIRS[share.owns(PAIRS, 9)], 9, 11, share=share)
        return set(own.drawn(0).triplets[:, 1].tolist())

    assert played(3, users) == [{0, 1, 2}, {3, 4, 5}, {6, 7, 8}]


def test_several_negatives_are_of_the_same_law_and_the_rest_does_not_move():
    one, several = (sampler(PAIRS, 9, 11, n_negatives=n).epoch(0) for n in (1, 5))
    assert several.negatives.shape == (*one.negatives.shape, 5)
    for name in ("users", "positives", "weights"):
        np.testing.assert_array_equal(getattr(several, name), getattr(one, name))
    known = set(map(tuple, PAIRS.tolist()))
    real = several.weights > 0
    users = np.broadcast_to(several.users[..., None], several.negatives.shape)[real]
    drawn = zip(users.ravel().tolist(), several.negatives[real].ravel().tolist(), strict=True)
    assert known.isdisjoint(drawn)
    assert len(np.unique(several.negatives[real])) == 11


def test_rows_number_any_nodes():
    epoch = sampler(PAIRS, 9, 11, n_rows=40).epoch(0)
    assert sorted(epoch.row_nodes[epoch.row_weights > 0].tolist()) == list(range(40))


@pytest.mark.parametrize("kind", [InteractionSampler, UserSampler])
@pytest.mark.parametrize("n_negatives", [1, 3])
def test_negatives_do_not_depend_on_how_many_are_drawn_at_once(kind, n_negatives, monkeypatch):
    sizes = dict(n_users=9, n_items=11, batch_size=4, seed=0, n_negatives=n_negatives)
    whole = [kind(PAIRS, **sizes, epoch_steps=2).epoch(number) for number in range(3)]
    monkeypatch.setattr(negatives, "_DRAWN_AT_ONCE", 3 * n_negatives)
    for number, epoch in enumerate(whole):
        again = kind(PAIRS, **sizes, epoch_steps=2).epoch(number)
        for ours, theirs in zip(epoch, again, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_negatives_may_be_of_some_items_alone():
    """Items 2 and 5 are nobody's; user 1 has all others, and so no negative."""
    among = np.array([0, 1, 3, 4])
    pairs = np.array([[0, 0], [0, 3], [1, 0], [1, 1], [1, 3], [1, 4]], np.int32)
    epochs = [sampler(pairs, 2, 6, seed=s, among=among).epoch(0) for s in range(40)]
    own = [e.negatives[(e.users == 0) & (e.weights > 0)] for e in epochs]
    assert set(np.concatenate(own).tolist()) == {1, 4}
    assert all((e.weights[e.users == 1] == 0).all() for e in epochs)


def test_without_negatives_users_of_all_items_count():
    pairs = np.array([[0, 0], [0, 1], [1, 1]], np.int32)
    epoch = sampler(pairs, 2, 2, batch_size=3, n_negatives=0).epoch(0)
    assert epoch.negatives.shape == (1, 3, 0) and epoch.weights.tolist() == [[1.0, 1.0, 1.0]]
