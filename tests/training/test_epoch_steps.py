"""Epochs that are parts of a pass: the same steps, validated, saved and refreshed in between."""

import numpy as np
import pytest

from tests.small_setups import (
    Killed,
    after_epochs,
    assert_close,
    assert_equal,
    killing,
    small_setup,
    train_in,
)

STEPS = 6


@pytest.mark.parametrize(
    ("model", "epoch_steps"), [("lightgcn", 1), ("kdiffe", 4), ("lightgcn", 5), ("lightgcn", 100)]
)
def test_a_pass_in_parts_takes_the_steps_of_the_pass(model, epoch_steps):
    whole, (terms,) = after_epochs(small_setup(model), 1)
    cut = small_setup(model, epoch_steps=epoch_steps)
    assert cut.sampler.epochs_of_pass == -(-STEPS // epoch_steps)
    parts, reports = after_epochs(cut, cut.sampler.epochs_of_pass)
    assert parts.step == whole.step == STEPS
    close = dict(rtol=1e-4, atol=1e-6)
    assert_close(parts.params, whole.params, **close)
    assert_close(parts.opt_states, whole.opt_states, **close)
    joined = {
        name: np.concatenate([report[name].total for report in reports]) for name in reports[0]
    }
    taken = {name: totals[:STEPS] for name, totals in joined.items()}
    assert_close(taken, {name: term.total for name, term in terms.items()}, **close)
    assert not np.concatenate([totals[STEPS:] for totals in joined.values()]).any()


def test_a_run_in_parts_is_validated_after_each_and_continues_bit_for_bit(
    tmp_path, count_compilations
):
    setup = small_setup("lightgcn", epoch_steps=4, epochs=3)
    compiled_before = []
    with count_compilations() as seen:
        unbroken, _ = train_in(
            setup, tmp_path / "unbroken", on_epoch=lambda _: compiled_before.append(len(seen))
        )
    assert compiled_before[0] == compiled_before[2]
    assert [record["epoch"] for record in unbroken.history] == [0, 1, 2]
    assert all("recall@20" in record["valid"] for record in unbroken.history)
    with pytest.raises(Killed):
        train_in(setup, tmp_path / "killed", on_epoch=killing(0))
    continued, _ = train_in(setup, tmp_path / "killed")
    assert_equal(continued.params, unbroken.params)
    assert [r["loss"] for r in continued.history] == [r["loss"] for r in unbroken.history]
