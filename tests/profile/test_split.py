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


def oracle(spans: Spans, threads: int) -> dict[str, float]:
    """Instant by instant, in nanoseconds of all epochs together."""
    owed = dict.fromkeys(ROWS, 0.0)
    for instant in np.arange(LENGTH) + 0.5:

        def active(group, instant=instant):
            return [span.phase for span in group if span.start < instant < span.end]

        if not active(spans.epochs):
            continue
        loops = [phase for phase in active(spans.containers) if phase]
        called, handed = active(spans.operations), active(spans.handed)
        if called or handed:
            parts = [(phase, 1.0) for phase in called]
            room = min(len(handed), max(threads - len(called), 0))
            parts += [(phase, room / len(handed)) for phase in handed]
        else:
            parts = [(phase, 1.0) for phase in loops or active(spans.host) or [IDLE]]
        whole = sum(weight for _, weight in parts)
        for phase, weight in parts:
            owed[phase or UNMARKED] += weight / whole
    return owed


@given(
    operations=spans_of("views", "ranking_loss", None),
    handed=spans_of("views", "denoiser", None),
    threads=st.integers(1, 3),
    containers=spans_of("rebuild", None),
    host=spans_of("evaluation", "checkpoint"),
    cuts=st.lists(st.integers(0, LENGTH), min_size=2, max_size=4, unique=True).map(sorted),
)
def test_it_is_the_sum_over_instants(operations, handed, threads, containers, host, cuts):
    epochs = [Span(a, b, "epoch") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    spans = Spans(epochs, operations, handed, containers, host)
    split = split_epochs(spans, threads=threads)
    assert split.epochs == len(epochs)
    expected = {name: ns / len(epochs) / 1e9 for name, ns in oracle(spans, threads).items()}
    assert split.rows == pytest.approx(expected, abs=1e-18)
    assert sum(split.rows.values()) == pytest.approx(split.seconds)


def test_work_that_waits_for_the_only_thread_is_not_at_work():
    contrast, product = Span(0, 8e9, "info_nce"), Span(0, 10e9, "views")
    spans = Spans([Span(0, 10e9, "epoch")], [contrast], [product], [], [])
    rows = split_epochs(spans, threads=1).rows
    assert (rows["info_nce"], rows["views"]) == (8.0, 2.0)
    rows = split_epochs(spans, threads=2).rows
    assert (rows["info_nce"], rows["views"]) == (4.0, 6.0)


def test_rows_are_the_phases_and_what_has_none():
    assert set(ROWS) == {*PHASES, UNMARKED, IDLE} and len(ROWS) == len(PHASES) + 2
