"""What an epoch becomes on an accelerator, as far as a machine without one can tell."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.sparse import _lowerings

from kdiffe_jax.models.registry import MODELS
from kdiffe_jax.training.loop import compile_setup
from kdiffe_jax.training.step import initial_state
from tests.apart import APART
from tests.small_setups import batches_of, small_setup

TO_THE_HOST = re.compile(r"stablehlo\.(infeed|outfeed|send|recv)\b|[^ ]*callback[^ ]*")
CASES = {name: dict(model=name) for name in MODELS if name in APART} | {
    "rounded": dict(model="kdiffe", negatives="all", denoiser_precision="bfloat16")
}


def traced(setup):
    """The calls of an epoch, before a platform is chosen."""
    compiled, inputs = compile_setup(setup), setup.inputs
    state = jax.eval_shape(partial(initial_state, setup.model, seed=0), inputs)
    refresh = state.params, inputs, setup.model.first_carry(inputs), state.key, jnp.int32(0)
    carry = jax.eval_shape(compiled.refresh, *refresh)
    calls = {
        "epoch": (state, batches_of(setup), inputs, carry, setup.traced()),
        "refresh": refresh,
        "view": (state.params, inputs, carry),
    }
    return {name: getattr(compiled, name).trace(*arguments) for name, arguments in calls.items()}


def lowered(calls, platform) -> dict[str, str]:
    """StableHLO of each."""
    return {n: call.lower(lowering_platforms=(platform,)).as_text() for n, call in calls.items()}


def custom_calls(text: str) -> set[str]:
    return set(re.findall(r"custom_call @([\w.$]+)", text))


@pytest.mark.parametrize("name", CASES)
def test_no_call_of_an_epoch_goes_to_the_host(name):
    calls = traced(small_setup(**CASES[name]))
    for platform in ("cuda", "tpu"):
        found = lowered(calls, platform)
        assert "stablehlo.while" in found["epoch"]
        for call, text in found.items():
            assert not TO_THE_HOST.search(text) and not custom_calls(text), call


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


def test_cusparse_is_taken_on_cuda_alone_where_it_is_asked_for(with_cusparse):
    setup = small_setup("lightgcn")
    calls = traced(setup)
    for name in ("epoch", "view"):
        assert custom_calls(lowered(calls, "cuda")[name]) == {"cusparse_csr_matmat_ffi"}
    assert all(not custom_calls(text) for text in lowered(calls, "tpu").values())
    asked = lowered(calls, "cpu")
    jax.config.update("jax_bcoo_cusparse_lowering", False)
    assert asked == lowered(traced(setup), "cpu")
