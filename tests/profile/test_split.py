"""The split against a slow oracle, and that it loses and invents no time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdiffe_jax.ops.trace_phases import PHASES
from kdiffe_jax.profile.spans import Span, Spans
from kdiffe_jax.profile.split import IDLE, ROWS, UNMARKED, split_epochs

LENGTH = 30


def spans_of(*phases):
    ends = st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)).map(sorted)
    return st.lists(st.builds(lambda e, p: Span(*e, p), ends, st.sampled_from(phases)), max_size=6)


def oracle(spans: Spans) -> dict[str, float]:
    """Instant by instant, in nanoseconds of all epochs together."""
    owed = dict.fromkeys(ROWS, 0.0)
    for instant in np.arange(LENGTH) + 0.5:

        def active(group, instant=instant):
            return [span.phase for span in group if span.start < instant < span.end]

        if not active(spans.epochs):
            continue
        loops = [phase for phase in active(spans.containers) if phase]
        found = active(spans.operations) or loops or active(spans.host) or [IDLE]
        for phase in found:
            owed[phase or UNMARKED] += 1 / len(found)
    return owed


@given(
    operations=spans_of("views", "ranking_loss", None),
    containers=spans_of("rebuild", None),
    host=spans_of("evaluation", "checkpoint"),
    cuts=st.lists(st.integers(0, LENGTH), min_size=2, max_size=4, unique=True).map(sorted),
)
def test_it_is_the_sum_over_instants(operations, containers, host, cuts):
    epochs = [Span(a, b, "epoch") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    spans = Spans(epochs, operations, containers, host)
    split = split_epochs(spans)
    assert split.epochs == len(epochs)
    expected = {name: ns / len(epochs) / 1e9 for name, ns in oracle(spans).items()}
    assert split.rows == pytest.approx(expected, abs=1e-18)
    assert sum(split.rows.values()) == pytest.approx(split.seconds)


def test_rows_are_the_phases_and_what_has_none():
    assert set(ROWS) == {*PHASES, UNMARKED, IDLE} and len(ROWS) == len(PHASES) + 2
