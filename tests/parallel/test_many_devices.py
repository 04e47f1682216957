"""One device and eight fake ones find the same, with sizes that do not divide."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kdiffe_jax.models.registry import MODELS, is_trained, model_class
from tests.apart import MESHED
from tests.made_once import made_once
from tests.quick_compile import XLA_FLAGS

ROOT = Path(__file__).parents[2]
WIDE = ("data:8", "data:4,model:2")
RANKING = (*WIDE, "data:2,model:4")
HELD = ("data:1", "data:4")
GRIDS = (*WIDE, "data:4", "data:1")
TRAINED = [name for name in MODELS if is_trained(name)]
ON_MESH = [n for n in TRAINED if n in MESHED and not model_class(n).one_device]
FEWER = ("dropped", "without nodes", "thinned")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Everything that a process with eight devices found, by the path of its name."""
    with np.load(made_once(tmp_path_factory, "devices", find) / "found.npz") as arrays:
        return dict(arrays)


def find(directory):
    done = subprocess.run(
        [sys.executable, "-m", "tests.parallel.eight_devices", str(directory)],
        cwd=ROOT,
        env=os.environ | {"XLA_FLAGS": f"{XLA_FLAGS} --xla_force_host_platform_device_count=8"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def part(found, name):
    prefix = f"{name}/"
    return {key.removeprefix(prefix): a for key, a in found.items() if key.startswith(prefix)}


@pytest.mark.parametrize("grid", WIDE)
@pytest.mark.parametrize("edges", ("all", *FEWER))
def test_propagation_and_its_gradients_are_those_of_one_device(found, edges, grid):
    one = found[f"propagation/one/{edges}"]
    assert np.abs(one).max() > 1
    np.testing.assert_allclose(found[f"propagation/{grid}/{edges}"], one, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("edges", FEWER)
def test_dropped_edges_change_what_is_propagated(found, edges):
    whole, dropped = (found[f"propagation/one/{which}"] for which in ("all", edges))
    assert np.abs(whole - dropped).max() > 0.1


@pytest.mark.parametrize("grid", WIDE)
def test_triples_that_do_not_divide_give_the_rows_and_gradients_of_one_device(found, grid):
    one, many = part(found, "knowledge/one"), part(found, f"knowledge/{grid}")
    assert one.keys() == many.keys() and len(one) == 14
    for name, values in one.items():
        np.testing.assert_allclose(many[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("grid", WIDE)
def test_clusters_of_split_tables_are_those_of_one_device(found, grid):
    one, many = part(found, "clusters/one"), part(found, f"clusters/{grid}")
    np.testing.assert_array_equal(many["assignment"], one["assignment"])
    np.testing.assert_allclose(many["centres"], one["centres"], rtol=1e-5, atol=1e-6)


def test_the_walks_of_many_devices_give_the_same_similarity_bit_for_bit(found):
    one = found["similarity/one"]
    assert len(np.unique(one)) > 5
    for many in ("four", "eight"):
        np.testing.assert_array_equal(found[f"similarity/{many}"], one)
        assert (found[f"similarity/{many}, stored"] == 0.25).all(), "walked though S was stored"


@pytest.mark.parametrize("grid", RANKING)
def test_every_user_has_the_same_metrics(found, grid):
    one, many = part(found, "evaluation/one"), part(found, f"evaluation/{grid}")
    assert one.keys() == many.keys()
    assert 0 < one["recall@5"].mean() < 1
    for name, values in one.items():
        np.testing.assert_allclose(many[name], values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("model", ON_MESH)
def test_epochs_on_eight_devices_and_then_on_others_are_those_of_one(found, model):
    one, many = (part(found, f"training {model}/{where}") for where in ("one", "many"))
    assert one.keys() == many.keys() and {"loss loss", "recall@20", "view items"} <= one.keys()
    for name, values in one.items():
        np.testing.assert_allclose(many[name], values, rtol=1e-4, atol=2e-5, err_msg=name)


def test_every_device_holds_its_share_of_the_state(found):
    held = {grid: found[f"bytes/{grid}"] for grid in GRIDS}
    for grid, devices in zip(GRIDS, (8, 8, 4, 1), strict=True):
        assert len(held[grid]) == devices and len(set(held[grid])) == 1
    whole = held["data:1"][0]
    assert held["data:4"][0] < 0.4 * whole
    assert max(held["data:8"][0], held["data:4,model:2"][0]) < 0.7 * held["data:4"][0]


@pytest.mark.parametrize("grid", GRIDS)
def test_batches_are_those_of_one_device_and_padding_weighs_nothing(found, grid):
    one, many = part(found, "batches/one"), part(found, f"batches/{grid}")
    for name, array in one.items():
        width = array.shape[1]
        np.testing.assert_array_equal(many[name][:, :width], array, err_msg=name)
        assert not many[name][:, width:].any(), name


def test_every_device_of_the_axis_data_holds_its_share_of_the_batches(found):
    held = {grid: found[f"batches/{grid}/bytes"] for grid in GRIDS}
    assert all(len(set(devices)) == 1 for devices in held.values())
    whole = held["data:1"][0]
    assert held["data:4"][0] == held["data:4,model:2"][0] < 0.27 * whole
    assert held["data:8"][0] < 0.14 * whole


@pytest.mark.parametrize("matrix", ("laplacian", "item_users"))
def test_every_device_of_the_axis_data_holds_its_share_of_the_graph(found, matrix):
    held = {grid: found[f"graph bytes/{matrix}/{grid}"] for grid in GRIDS}
    assert all(len(set(devices)) == 1 for devices in held.values())
    whole = held["data:1"][0]
    assert held["data:4"][0] == held["data:4,model:2"][0] < 0.35 * whole
    assert held["data:8"][0] < 0.2 * whole


def test_a_fresh_state_is_made_where_it_is_trained(found):
    held = {grid: found[f"epoch bytes/state/{grid}"] for grid in HELD}
    for grid, devices in zip(HELD, (1, 4), strict=True):
        assert len(held[grid]) == devices and len(set(held[grid])) == 1
        assert held[grid][0] < 1.01 / devices * held["data:1"][0]


def test_the_program_of_an_epoch_holds_less_on_each_of_more_devices(found):
    one, four = (found[f"epoch bytes/{grid}"].sum() for grid in HELD)
    assert four < 0.43 * one


def test_every_device_holds_its_share_of_what_ranking_reads(found):
    held = {grid: found[f"view bytes/{grid}"] for grid in (*RANKING, "data:1")}
    assert all(len(set(devices)) == 1 for devices in held.values())
    row = 4 * 64
    assert held["data:1"][0] == (601 + 397) * row
    assert held["data:8"][0] == (76 + 397) * row
    assert held["data:4,model:2"][0] == (151 + 199) * row
    assert held["data:2,model:4"][0] == (301 + 100) * row


@pytest.mark.parametrize("grid", RANKING)
def test_ranking_adds_up_counts_and_sends_no_embeddings(found, grid):
    sent, of_embeddings = found[f"embeddings that travel/{grid}"]
    assert of_embeddings == 0
    assert sent > 0


@pytest.mark.parametrize(
    ("what", "grids"),
    [
        ("bytes", ("data:1", "data:4", "data:8", "data:4,model:2")),
        ("graph bytes/laplacian", ("data:1", "data:4", "data:8")),
        ("graph bytes/item_users", ("data:1", "data:4", "data:8")),
        ("batches", ("data:1", "data:4", "data:8")),
        ("view bytes", ("data:1", "data:8", "data:4,model:2", "data:2,model:4")),
    ],
)
def test_the_page_shows_the_bytes_of_a_device(found, what, grids):
    ending = "/bytes" if what == "batches" else ""
    figures = ", ".join(f"{found[f'{what}/{grid}{ending}'][0]:,}" for grid in grids)
    page = ROOT / "docs" / "reference" / "many-devices.md"
    assert f"| {figures} |" in page.read_text(encoding="utf-8")
