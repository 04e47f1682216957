"""What an epoch becomes on an accelerator, as far as a machine without one can tell."""

import re

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.sparse import _lowerings
from kdiffe_jax.training.state import initial_state

from kdiffe_jax.models.arrays import Batch
from kdiffe_jax.training.epoch import compile_parts, traced_of

TO_THE_HOST = re.compile(r"stablehlo\.(infeed|outfeed|send|recv)\b|[^ ]*callback[^ ]*")


def lowered(setup, platform) -> dict[str, str]:
    """StableHLO of the calls of an epoch."""
    compiled, graphs = compile_parts(setup.parts), setup.graphs
    state = jax.eval_shape(lambda: initial_state(setup.parts, graphs))
    batches = Batch(*(jnp.asarray(a) for a in setup.sampler.epoch(0)))
    rebuild = state.params, graphs, state.key, jnp.int32(0)
    kept = jax.eval_shape(compiled.rebuild, *rebuild)
    calls = {
        "epoch": (state, batches, graphs, kept, traced_of(setup.parts)),
        "rebuild": rebuild,
        "encode": (state.params, graphs),
    }
    return {
        name: getattr(compiled, name)
        .trace(*arguments)
        .lower(lowering_platforms=(platform,))
        .as_text()
        for name, arguments in calls.items()
    }


def custom_calls(text: str) -> set[str]:
    return set(re.findall(r"custom_call @([\w.$]+)", text))


@pytest.mark.parametrize("platform", ("cuda", "tpu"))
@pytest.mark.parametrize("changes", ({}, {"negatives": "all", "denoiser_precision": "bfloat16"}))
def test_no_call_of_an_epoch_goes_to_the_host(make_problem, platform, changes):
    for name, text in lowered(make_problem(**changes), platform).items():
        assert "stablehlo.while" in text or name == "encode"
        assert not TO_THE_HOST.search(text) and not custom_calls(text), name


def test_a_call_to_the_host_would_be_found():
    def prints(x):
        jax.debug.print("{}", x)
        return x

    with pytest.raises(ValueError, match="lowering platform cuda"):
        jax.jit(prints).trace(1.0).lower(lowering_platforms=("cuda",))
    assert TO_THE_HOST.search(jax.jit(prints).lower(1.0).as_text())


class Plugin:
    """Stands for the CUDA plugin, which sizes cuSPARSE's buffer when a product is lowered."""

    @staticmethod
    def build_csr_matmat_descriptor(*arguments):
        return 16, b"descriptor"


@pytest.fixture
def with_cusparse(monkeypatch):
    monkeypatch.setattr(_lowerings.gpu_sparse, "_cusparse", Plugin)
    jax.config.update("jax_bcoo_cusparse_lowering", True)
    yield
    jax.config.update("jax_bcoo_cusparse_lowering", False)


def test_cusparse_is_taken_on_cuda_where_it_is_asked_for(make_problem, with_cusparse):
    setup = make_problem()
    for text in lowered(setup, "cuda").values():
        assert custom_calls(text) == {"cusparse_csr_matmat_ffi"}
    assert all(not custom_calls(text) for text in lowered(setup, "tpu").values())


def test_cusparse_changes_nothing_on_cpu(make_problem, with_cusparse):
    setup = make_problem()
    asked = lowered(setup, "cpu")
    jax.config.update("jax_bcoo_cusparse_lowering", False)
    assert asked == lowered(setup, "cpu")
