"""The plain torch forms with the parameters and the data of the released programs' figures."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.torch_models import form_class  # noqa: E402
from benchmarks.torch_models.base import Batch, Problem  # noqa: E402

ZERO = 1e-12


def tensor(array):
    """A copy; integers have 64 bits."""
    array = np.array(array)
    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind == "i" else array)


def problem_of(file, modalities=("image", "text"), *, unit=False):
    """The data of a file; features that are parameters are taken from there.

    Args:
      file: of the fixture `released`.
      modalities: those of it.
      unit: whether rows of features have length 1.
    """
    hyper = file["hyper"]
    features = {}
    for name in modalities:
        for key in (f"feature.{name}", f"param.{name}_features"):
            if key in file:
                rows = tensor(file[key])
                features[name] = torch.nn.functional.normalize(rows, dim=1) if unit else rows
    return Problem(
        hyper["n_users"],
        hyper["n_items"],
        *map(tensor, file["interactions"].T),
        features,
        n_entities=hyper.get("n_entities", 1),
        n_relations=hyper.get("n_relations", 1),
    )


def batch_of(file):
    """Its triplets, and items whose links are looked at."""
    names = "users", "positives", "negatives", "linked_items"
    return Batch(*(tensor(file.get(f"batch.{name}", np.zeros(0, int))) for name in names))


def form_of(file, name, names=None, problem=None, **options):
    """The form with the file's parameters, which are in its `released` by their names.

    Args:
      file: of the fixture `released`.
      name: of the model.
      names: ours for those of the file, without ".weight" and ".bias".
      problem: other data than `problem_of` gives.
      options: of the model.
    """
    problem = problem or problem_of(file)
    form = form_class(name)(problem, SimpleNamespace(**options), file["hyper"]["dim"])
    form.released = {}
    for key in (key.removeprefix("param.") for key in file if key.startswith("param.")):
        stem, _, kind = key.rpartition(".")
        denoiser, _, where = (names or {}).get(stem or key, stem or key).rpartition(".")
        maps = form.denoisers[denoiser].maps if denoiser else form.maps
        parameter = getattr(maps[where], kind) if stem else form.tables[where]
        parameter.data.copy_(tensor(file[f"param.{key}"]))
        form.released[key] = parameter
    assert set(form.released.values()) == set(form.parameters())
    return form


def difference(form, loss, file, total="loss.total", gradients="grad"):
    """The largest of the loss and of all gradients, relative to the largest entry of each.

    Args:
      form: of `form_of`.
      loss: that it gave.
      file: of the fixture `released`.
      total: the figure that the loss should be.
      gradients: what the names of its gradients begin with.
    """
    form.zero_grad()
    loss.backward()
    found = [abs(loss.item() / float(file[total]) - 1.0)]
    for key, parameter in form.released.items():
        expected = file.get(f"{gradients}.{key}", np.zeros(1))
        if (largest := np.abs(expected).max()) > ZERO:
            found.append(np.abs(parameter.grad.numpy() - expected).max() / largest)
    return max(found)


def graph_of_kept(form, file, mask):
    """The Laplacian of the interactions that a mask of the file leaves."""
    kept = tensor(file[mask]) > 0
    return form.graph_of(form.problem.users[kept], form.problem.items[kept])
