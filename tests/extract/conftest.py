"""Models without a network: timm where torchvision fits torch, and where it does not."""

import importlib
import sys

import pytest


@pytest.fixture(scope="session")
def timm():
    """timm, or a skip where it is not installed."""
    torch = pytest.importorskip("torch")
    for name in ("torchvision", "timm"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    try:
        return importlib.import_module("timm")
    except RuntimeError:
        return _timm_with_other_torchvision(torch)


def _timm_with_other_torchvision(torch):
    """torchvision of another build lacks its operators on boxes, which no test needs."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("timm", "torchvision")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    timm = importlib.import_module("timm")
    timm.kept_alive = library
    return timm


@pytest.fixture
def offline(monkeypatch):
    """Nothing asks the network."""
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
