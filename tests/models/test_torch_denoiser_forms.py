"""As test_torch_forms.py, of the models that have a denoiser of rows."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.models.torch_forms import (  # noqa: E402
    batch_of,
    difference,
    form_of,
    problem_of,
    tensor,
)

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")


@pytest.fixture(autouse=True)
def double():
    """Floats of 64 bits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def edges_of(file, name):
    """Heads, tails and relations."""
    return map(tensor, file[f"graph.{name}"].T)


def diffkg_of(file):
    hyper, edges = file["hyper"], list(edges_of(file, "kg_edges"))
    problem = problem_of(file)._replace(edges=(*edges, torch.ones(len(edges[0])) > 0))
    same = "layers", "kg_layers", "residual", "rebuild_k", "temperature"
    same += "noise_scale", "noise_min", "noise_max"
    return form_of(
        file,
        "diffkg",
        None,
        problem,
        **{name: hyper[name] for name in same},
        dropout=hyper["mess_dropout"],
        timesteps=hyper["steps"],
        denoiser_width=hyper["hidden"],
        step_embedding_size=hyper["time_dim"],
        denoiser_dropout=0.5,
        collaborative_weight=hyper["e_loss"],
        contrast_weight=hyper["contrast"],
        norm_weight=hyper["reg"],
        edge_drop=0.0,
    )


def test_diffkg(released):
    """With the denoised graph used in training, as the figures of the paper's form have it."""
    file = released("A", "diffkg")
    form, batch = diffkg_of(file), batch_of(file)
    form.given = type(form.edges)(*edges_of(file, "kg_edges_used"))
    form.rebuilt = type(form.edges)(*edges_of(file, "denoised_edges_kept"))
    draws = {}
    for call in (0, 1):
        masks = (file[f"mask.rgat_call{call}_hop{n}"] for n in range(form.options.kg_layers))
        draws[f"view{call}"] = list(map(tensor, masks))
    loss = form.main_loss(batch, draws)
    assert difference(form, loss, file, "loss.total_paper", "grad_paper") < 1e-7


def test_denoiser_of_diffkg(released):
    file = released("A", "diffkg")
    form = diffkg_of(file)
    form.released = {k: p for k, p in form.released.items() if k.startswith("denoiser.")}
    names = {"steps": "draw.steps", "noise": "draw.noise"}
    names["denoiser_dropout"] = "mask.denoiser_dropout"
    draws = {ours: tensor(file[theirs]) for ours, theirs in names.items()}
    loss = form.denoiser_loss(tensor(file["draw.nodes"]), draws)
    assert difference(form, loss, file, "loss.denoiser_total") < 1e-7


def test_diffkg_rebuilds_the_released_graph(released):
    """After the denoiser's first step."""
    file = released("A", "diffkg")
    after = {k.replace("after1.", "param."): file[k] for k in file if k.startswith("after1.deno")}
    form = diffkg_of(file | after)
    found = form.denoiser.reversed(form.rows.double())
    np.testing.assert_allclose(found.numpy(), file["out.reverse_rows"], atol=1e-9)
    form.end_epoch()
    edges = np.stack([ends.numpy() for ends in form.rebuilt], axis=1)
    expected = file["graph.denoised_edges_before_keep"]
    assert set(map(tuple, edges.tolist())) == set(map(tuple, expected.tolist()))


def diffmm_of(file):
    hyper = file["hyper"]
    same = "layers", "residual", "temperature", "noise_scale", "noise_min", "noise_max"
    return form_of(
        file,
        "diffmm",
        None,
        problem_of(file, hyper["modalities"]),
        **{name: hyper[name] for name in same},
        timesteps=hyper["steps"],
        denoiser_width=hyper["hidden"],
        step_embedding_size=hyper["time_dim"],
        denoiser_dropout=0.5,
        content_map="linear" if hyper["trans"] else "leaky",
        contrast_with="ranking" if hyper["contrast_method"] else "modalities",
        contrast_weight=hyper["contrast"],
        norm_weight=hyper["reg"],
        guidance_weight=hyper["e_loss"],
        generated_weight=hyper["generated"],
        edge_drop=1.0 - hyper["keep"],
    )


def test_diffmm(released):
    file = released("A", "diffmm")
    form = diffmm_of(file)
    form.generated = {
        name: form.graph_of_first(
            tensor(file[f"graph.generated_item_{name}"]),
            tensor(file[f"mask.generated_entries_{name}"]),
        )
        for name in file["hyper"]["modalities"]
    }
    form.released = {k: p for k, p in form.released.items() if not k.startswith("denoiser")}
    assert difference(form, form.main_loss(form.content(), batch_of(file)), file) < 1e-9


def test_denoisers_of_diffmm(released):
    file = released("A", "diffmm")
    form = diffmm_of(file)
    form.released = {k: p for k, p in form.released.items() if k.startswith("denoiser")}
    names = {"steps": "draw.steps", "noise": "draw.noise"}
    names["denoiser_dropout"] = "mask.denoiser_dropout"
    draws = {
        modality: {ours: tensor(file[f"{theirs}_{modality}"]) for ours, theirs in names.items()}
        for modality in file["hyper"]["modalities"]
    }
    loss = form.denoiser_loss(form.content(), tensor(file["draw.users"]), draws)
    assert difference(form, loss, file, "loss.denoiser_total") < 1e-7
