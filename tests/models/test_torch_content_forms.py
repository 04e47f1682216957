"""As test_torch_forms.py, of the models that read features."""

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch")

from benchmarks.torch_models.item_graphs import across  # noqa: E402
from tests.models.torch_forms import (  # noqa: E402
    batch_of,
    difference,
    form_of,
    graph_of_kept,
    problem_of,
    tensor,
)

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")
MODALITIES = ("image", "text")
STREAMS = {"user_embedding_v": "user_embedding_image", "user_embedding_t": "user_embedding_text"}
STREAMS |= {"w1_v": "w1_image", "w1_t": "w1_text"}


@pytest.fixture(autouse=True)
def double():
    """Floats of 64 bits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def test_bm3(released):
    file = released("A", "bm3")
    hyper = file["hyper"]
    form = form_of(
        file,
        "bm3",
        layers=hyper["layers"],
        dropout=hyper["dropout"],
        contrast_weight=hyper["contrast"],
        norm_weight=hyper["reg"],
    )
    draws = {name: tensor(file[f"mask.{name}"]) for name in ("users", "items", *MODALITIES)}
    assert difference(form, form.loss(batch_of(file), draws), file) < 1e-9


def test_slmrec(released):
    file = released("A", "slmrec")
    hyper = file["hyper"]
    form = form_of(
        file,
        "slmrec",
        {
            "g_id": "onto_image",
            "h_image": "of_image",
            "g_middle": "between",
            "g_last": "onto_text",
            "h_text": "of_text",
        },
        problem_of(file, unit=True),
        layers=hyper["layers"],
        temperature=hyper["temperature"],
        contrast_weight=hyper["chain"],
        contrast_temperature=hyper["chain_temperature"],
    )
    assert difference(form, form.loss(batch_of(file), {}), file) < 1e-9


def test_mmgcl(released):
    """It adds 1e-5 within the logarithm of the ranking loss, ours does not."""
    file = released("A", "mmgcl")
    hyper = file["hyper"]
    form = form_of(
        file,
        "mmgcl",
        None,
        problem_of(file, unit=True),
        layers=hyper["layers"],
        temperature=hyper["temperature"],
        contrast_weight=hyper["contrast"],
    )
    users, items = form.problem.users, form.problem.items
    kept = tensor(file["mask.edges_view1"])[users, items] > 0
    draws = {
        "graph": form.graph_of(users[kept], items[kept]),
        "masked": int(file["draw.paper_masked_stream"]),
        "wrong": int(file["draw.paper_wrong_stream"]),
        "rows": tensor(file["draw.paper_random_rows"]),
    }
    loss = form.loss(batch_of(file), draws)
    assert difference(form, loss, file, "loss.total_paper", "grad_paper") < 5e-5


def stream_options(hyper):
    return dict(
        layers=hyper["layers"],
        popularity=hyper["alpha"],
        weight_decay=hyper["reg"],
        content_decay=hyper["content_reg"],
    )


def test_mgcl(released):
    file = released("A", "mgcl")
    hyper, batch = file["hyper"], batch_of(file)
    form = form_of(
        file,
        "mgcl",
        STREAMS,
        temperature=hyper["temperature"],
        contrast_weight=len(batch.users),
        contrast_rate=0.1,
        **stream_options(hyper),
    )
    (ranking, _), (contrast, _) = form.objectives()
    loss = ranking(batch, {})
    assert difference(form, loss, file, "loss.ranking_total", "grad1") < 1e-7
    loss = contrast(batch, {})
    assert difference(form, loss, file, "loss.contrast_total_paper", "grad2_paper") < 1e-7


def test_mhgcf(released):
    file = released("A", "mhgcf")
    items, entities = file["links"].T
    triples = np.column_stack([items, np.zeros_like(items), entities])
    form = form_of(
        file,
        "mhgcf",
        STREAMS,
        problem_of(file)._replace(triples=triples),
        entity_layers=file["hyper"]["entity_layers"],
        **stream_options(file["hyper"]),
    )
    draws = {"own": "positive_entities", "others": "negative_entities"}
    draws = {ours: tensor(file[f"batch.{theirs}"]) for ours, theirs in draws.items()}
    assert difference(form, form.loss(batch_of(file), draws), file) < 1e-7


def freedom_of(file, problem=None):
    hyper = file["hyper"]
    return form_of(
        file,
        "freedom",
        None,
        problem,
        layers=hyper["layers"],
        item_layers=hyper["item_layers"],
        first_share=hyper["image_share"],
        content_weight=hyper["reg"],
    )


def test_freedom(released):
    """It adds 1e-7 to the degrees of what is left; here those are exact."""
    file = released("A", "freedom")
    form = freedom_of(file)
    form.near = across(sparse.csr_array(file["graph.item_graph"]))
    form.pruned = graph_of_kept(form, file, "mask.kept_interactions")
    assert difference(form, form.loss(batch_of(file), {}), file) < 1e-6


def test_item_graph_of_freedom(released):
    """Made of each item's nearest items."""
    file = released("A", "freedom")
    graphs = {name: np.zeros(2 * (file["hyper"]["n_items"],)) for name in MODALITIES}
    for name, links in graphs.items():
        np.put_along_axis(links, file[f"graph.{name}_neighbours"].astype(int), 1.0, axis=1)
    graphs = {name: sparse.csr_array(links) for name, links in graphs.items()}
    form = freedom_of(file, problem_of(file)._replace(item_graphs=graphs))
    found = form.near.matrix.to_dense().numpy()
    np.testing.assert_allclose(found, file["graph.item_graph"], atol=1e-6)


def test_mgcn(released):
    file = released("A", "mgcn")
    hyper = file["hyper"]
    form = form_of(
        file,
        "mgcn",
        layers=hyper["layers"],
        item_layers=hyper["item_layers"],
        weight_decay=hyper["reg"],
        contrast_weight=hyper["contrast"],
        temperature=hyper["temperature"],
    )
    graphs = {name: file[f"graph.{name}_graph"] for name in MODALITIES}
    form.near = {name: across(sparse.csr_array(graph)) for name, graph in graphs.items()}
    assert difference(form, form.loss(batch_of(file), {}), file) < 1e-9


def test_clcrec(released):
    """Gradients are the derivative of the loss, whatever place is drawn more than once."""
    file = released("A", "clcrec")
    hyper, batch = file["hyper"], batch_of(file)
    same = "hidden", "swapped", "temperature", "own_share"
    form = form_of(
        file,
        "clcrec",
        None,
        problem_of(file, unit=True),
        **{name: hyper[name] for name in same},
        norm_weight=hyper["reg"],
    )
    swapped = torch.zeros(len(batch.users), 1 + hyper["negatives"], dtype=torch.bool)
    swapped.view(-1)[tensor(file["mask.swapped_places"])] = True
    loss = form.loss(batch, {"swapped": swapped})
    assert difference(form, loss, file, gradients="grad_paper") < 1e-9
