"""The plain torch forms that models are timed beside: the released programs' losses and gradients.

Those of models that read interactions alone; and an epoch of every form. They are skipped without
torch.
"""

import pytest

torch = pytest.importorskip("torch")

import jax  # noqa: E402

from benchmarks.torch_models import FORMS  # noqa: E402
from benchmarks.torch_models.ncl import Clusters  # noqa: E402
from benchmarks.torch_models.training import TorchTraining  # noqa: E402
from tests.models.torch_forms import (  # noqa: E402
    batch_of,
    difference,
    form_of,
    graph_of_kept,
    tensor,
)

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")


@pytest.fixture
def double():
    """Floats of 64 bits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", FORMS)
def test_an_epoch_takes_finite_steps_on_as_many_parameters(setup_of, name):
    setup = setup_of(name)
    drawn = setup.placement.batches(setup.sampler, 0)
    training = TorchTraining(setup, drawn, steps=2, threads=1)
    shapes = jax.eval_shape(setup.model.init, jax.random.key(0), setup.inputs)
    assert training.parameters == sum(leaf.size for leaf in jax.tree.leaves(shapes))
    before = [parameter.detach().clone() for parameter in training.form.parameters()]
    for _ in range(2):
        assert training.epoch().seconds > 0
    for old, new in zip(before, training.form.parameters(), strict=True):
        assert torch.isfinite(new).all()
        assert not torch.equal(old, new.detach())


def sgl_like(file, name):
    hyper = file["hyper"]
    return form_of(
        file,
        name,
        layers=hyper["layers"],
        weight_decay=hyper["reg"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
    )


def test_lightgcn(released, double):
    """Its figures are those of SGL without the contrast; they are sums, ours is a mean."""
    file = released("A", "sgl")
    form, batch = sgl_like(file, "lightgcn"), batch_of(file)
    expected = file["loss.bpr_sum"] + file["hyper"]["reg"] * file["loss.reg_sum"]
    loss = len(batch.users) * form.loss(batch, {})
    assert difference(form, loss, {"total": expected}, "total") < 1e-9


def test_sgl(released, double):
    file = released("A", "sgl")
    form, batch = sgl_like(file, "sgl"), batch_of(file)
    form.views = [graph_of_kept(form, file, f"mask.kept_interactions_view{n}") for n in (1, 2)]
    assert difference(form, len(batch.users) * form.loss(batch, {}), file) < 1e-9


def test_ncl(released, double):
    """Its contrasts are sums, ours are means; it adds 1e-10 within a logarithm."""
    file = released("A", "ncl")
    hyper, batch = file["hyper"], batch_of(file)
    size = len(batch.users)
    form = form_of(
        file,
        "ncl",
        layers=hyper["layers"],
        hyper_layers=hyper["hyper_layers"],
        temperature=hyper["temperature"],
        structure_weight=size * hyper["structure"],
        structure_item_weight=hyper["alpha"],
        prototype_weight=size * hyper["prototype"],
        prototype_item_weight=1.0,
        norm_weight=hyper["reg"],
    )
    names = ("centroids", "assignment")
    form.clusters = [
        Clusters(*(tensor(file[f"cluster.{side}_{name}"]) for name in names))
        for side in ("user", "item")
    ]
    assert difference(form, form.loss(batch, {}), file) < 1e-7


def test_hccf(released, double):
    """It adds 1e-8 to rows and within a logarithm."""
    file = released("A", "hccf")
    hyper = file["hyper"]
    form = form_of(
        file,
        "hccf",
        layers=hyper["layers"],
        hyperedges=hyper["hyperedges"],
        dropout=1.0 - hyper["keep"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
        norm_weight=hyper["reg"],
    )
    places = form.graph.matrix.to_sparse_coo().indices()
    draws = {}
    for layer in range(hyper["layers"]):
        draws[f"edges_layer{layer}"] = tensor(file[f"mask.edges_layer{layer}"])[*places]
        for side in ("user", "item"):
            mask = f"{side}_hyper_layer{layer}"
            draws[mask] = tensor(file[f"mask.{mask}"])
    assert difference(form, form.loss(batch_of(file), draws), file) < 1e-5
