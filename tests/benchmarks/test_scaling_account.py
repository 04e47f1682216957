"""The account's arithmetic, against the arrays and the products of the code it speaks of."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks import scaling_account
from benchmarks.account import (
    MEASURED,
    Catalogue,
    Machine,
    best_grid,
    device_bytes,
    fits,
    full_graph_step,
    gathered_rows,
    grids,
    sampled_step,
    traversed_entries,
    whole_bytes,
)
from kdiffe_jax.ops import spmm
from kdiffe_jax.parallel.mesh import build_mesh
from kdiffe_jax.training.placement_on_mesh import OnMesh
from kdiffe_jax.training.step import weighted_sum
from tests.small_model import SMALL, small_problem
from tests.small_setups import batches_of, small_setup, started

MACHINE = Machine()
RESULTS = Path(scaling_account.__file__).parent / "results"


@pytest.fixture(scope="module")
def setup():
    return small_setup()


@pytest.fixture(scope="module")
def small(setup):
    data = setup.dataset
    return Catalogue(
        users=data.n_users,
        items=data.n_items,
        interactions=len(data.train),
        entities=data.n_entities,
        triples_per_item=len(data.triples) // data.n_items,
        dim=SMALL["dim"],
        batch=SMALL["batch_size"],
        width=SMALL["denoiser_width"],
    )


def n_bytes(tree):
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))


def test_bytes_are_those_of_the_arrays(setup, small, tmp_path):
    account = whole_bytes(small)
    params = started(setup)[0].params
    tables = [leaf for name, leaf in params["encoder"].items() if name.endswith("_embedding")]
    assert account["embeddings"] == n_bytes(tables)
    wide = [params["denoiser"][name]["kernel"] for name in ("from_row", "to_row")]
    assert account["denoiser"] == n_bytes(wide)
    assert account["Adam's moments"] == 2 * (n_bytes(tables) + n_bytes(wide))
    placement = OnMesh(build_mesh("data:1", jax.devices()[:1]))
    on_mesh = small_problem(tmp_path, setup.dataset, placement=placement).inputs
    assert account["Laplacian by rows, both blocks"] == n_bytes(on_mesh.laplacian)
    assert account["S"] == setup.edges.similarity.nbytes
    guidance = account["mean over an item's users, with its transpose"]
    assert guidance == pytest.approx(n_bytes(setup.inputs.item_users), abs=8)
    drawn = setup.sampler.epoch(0)
    padding = drawn.users.size - len(setup.dataset.train)
    assert n_bytes(drawn[:4]) == account["an epoch's index arrays"] + 16 * padding


def test_rows_and_entries_are_those_of_a_step(setup, small, monkeypatch):
    """Every sparse product that a compiled step runs, by the rows it reads."""
    read = []
    pairs = len(setup.dataset.train)
    real = spmm.csr_times_dense

    def run(rows):
        read.append(rows)
        return np.float32(0)

    def counted(values, row_starts, columns, rows, dense):
        if values.shape == (pairs,):
            values += jax.pure_callback(
                partial(run, dense.shape[0]), jax.ShapeDtypeStruct((), "f4")
            )
        return real(values, row_starts, columns, rows, dense)

    monkeypatch.setattr(spmm, "csr_times_dense", counted)
    model, inputs = setup.model, setup.inputs
    assert model.options.layers == small.layers
    state, carry = started(setup)
    aux = model.open(inputs, carry, state.key)
    batch = jax.tree.map(lambda rows: rows[0], batches_of(setup))
    read.clear()

    def loss(params):
        traced = setup.traced()
        terms = model.losses("loss", params, batch, inputs, aux, traced, state.key)
        return weighted_sum(terms)

    jax.block_until_ready(jax.jit(jax.grad(loss))(state.params))
    assert set(read) == {small.users, small.items}
    assert sum(read) == gathered_rows(small)
    assert len(read) * pairs == traversed_entries(small)


def test_the_constants_are_those_of_the_measurements():
    names = ("parts-tiktok.md", "similarity-million.md")
    page = "".join((RESULTS / name).read_text(encoding="utf-8") for name in names)
    assert "memory 32.9 GB/s" in page and "| ours | 7.56 " in page and "| ours | 4.70 " in page
    assert "| norm and Adam, alone | 96.5 " in page and "398 s for S" in page and "8.2 GB" in page
    assert MEASURED.product_share == pytest.approx(0.505, abs=1e-3)
    assert MEASURED.bytes_a_triple == pytest.approx(2881, abs=1)
    assert MEASURED.bytes_a_parameter == pytest.approx(34, abs=1)


def test_what_scales_with_what():
    c = Catalogue()
    wide = dataclasses.replace(c, dim=2 * c.dim)
    assert whole_bytes(wide)["embeddings"] == 2 * whole_bytes(c)["embeddings"]
    for data, model in grids(MACHINE):
        assert data * model == 64
        one, two = (full_graph_step(k, MACHINE, data, model)["all_gather"] for k in (c, wide))
        assert two == pytest.approx(2 * one)
    assert full_graph_step(c, MACHINE, 1, 64)["all_gather"] == 0
    slow = dataclasses.replace(MACHINE, inside=MACHINE.between)
    assert full_graph_step(c, slow, 8, 8)["all_gather"] == pytest.approx(
        9 * full_graph_step(c, MACHINE, 8, 8)["all_gather"]
    )
    assert sum(sampled_step(c, MACHINE).values()) < sum(
        full_graph_step(c, MACHINE, *best_grid(c, MACHINE)).values()
    )


def test_a_grid_is_refused_for_its_memory_or_its_entries():
    c = Catalogue()
    assert fits(c, MACHINE, 8, 8) == "fits"
    assert fits(c, MACHINE, 1, 64) == "too large, entries beyond int32"
    held = sum(device_bytes(c, MACHINE, 8, 8).values())
    assert fits(c, dataclasses.replace(MACHINE, memory=held - 1), 8, 8) == "too large"
    with pytest.raises(SystemExit, match="no grid of 64 devices") as refusal:
        scaling_account.main(["--memory=1e9"])
    assert "\n" not in str(refusal.value)


def test_the_page_shows_what_is_printed(capsys):
    scaling_account.main([])
    page = (RESULTS / "hundred-million.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    for table in printed.strip().split("\n\n"):
        assert table in page
    assert printed.count("steps/s") == 2
