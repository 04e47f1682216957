"""Model libraries without a network, also where torchvision is of another build than torch."""

import importlib
import sys

import pytest


@pytest.fixture(scope="session")
def torch():
    """torch, or a skip where it is not installed."""
    torch = pytest.importorskip("torch")
    kept_alive = None
    if importlib.util.find_spec("torchvision"):
        try:
            importlib.import_module("torchvision")
        except RuntimeError:
            kept_alive = _declare_operators(torch)
    yield torch
    del kept_alive


def _declare_operators(torch):
    """torchvision of another build has no operators on boxes; no test needs more than names."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    importlib.import_module("torchvision")
    return library


@pytest.fixture(scope="session")
def timm(torch):
    """timm, or a skip where it or torchvision is not installed."""
    for name in ("torchvision", "timm"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return importlib.import_module("timm")


@pytest.fixture
def offline(monkeypatch):
    """Nothing asks the network."""
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def folder(tmp_path):
    """Eleven items; two broken, one empty, one whose row is not finite."""
    path = tmp_path / "raw"
    path.mkdir()
    for n in range(11):
        (path / f"item {n:02}.txt").write_text(str(n / 7))
    for n, text in {1: "broken", 4: "", 5: "nan", 7: "broken too"}.items():
        (path / f"item {n:02}.txt").write_text(text)
    return path
