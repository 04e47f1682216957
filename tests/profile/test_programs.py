"""Phases of operations, from programs as XLA leaves them."""

import jax
import jax.numpy as jnp

from kdiffe_jax.ops.trace_phases import device_phase
from kdiffe_jax.profile.programs import Operation, largest_program, live_programs, operations_of


def named(name):
    """A program with a loop, whose gradient is taken, under a name of its own."""

    def program(x):
        def step(x, _):
            with device_phase("views"):
                x = jnp.tanh(x @ x)
            with device_phase("ranking_loss"):
                x = x / jnp.linalg.norm(x)
            return x, None

        return jax.lax.scan(step, x, None, length=3)[0].sum()

    gradient = jax.grad(program)

    def run(x):
        return gradient(x)

    run.__name__ = name
    return jax.jit(run)


def test_gradients_have_the_phase_of_what_they_are_of():
    program = named("profiled_gradient")
    program(jnp.eye(8))
    found = {op: what for (m, op), what in live_programs().items() if m == "jit_profiled_gradient"}
    by_phase = {what.phase for what in found.values()}
    assert {"views", "ranking_loss", None} <= by_phase
    assert any(what.container for op, what in found.items() if op.startswith("while"))
    text = program.lower(jnp.eye(8)).compile().as_text()
    backward = [line for line in text.splitlines() if "transpose(" in line and " dot(" in line]
    assert backward and all("kdiffe.views" in line for line in backward)


LINE = '  %{} = f32[2]{{0}} {}(%p), metadata={{op_name="jit(f)/{}"}}\n'


def text(*operations):
    return "".join(LINE.format(*operation) for operation in operations)


def test_a_module_of_one_phase_lends_it_to_all_its_operations():
    one = text(("add.1", "add", "kdiffe.rebuild/add"), ("copy.1", "copy", "copy"))
    both = one + text(("tanh.1", "tanh", "transpose(jvp(kdiffe.views))/tanh"))
    assert operations_of([("m", one)])["m", "copy.1"] == Operation("rebuild", False)
    assert operations_of([("m", both)])["m", "copy.1"] == Operation(None, False)
    assert operations_of([("m", both)])["m", "tanh.1"] == Operation("views", False)


def test_the_outermost_phase_counts():
    nested = text(
        ("a", "add", "kdiffe.rebuild/kdiffe.encode/add"), ("b", "add", "kdiffe.ranking_loss/add")
    )
    assert operations_of([("m", nested)])["m", "a"].phase == "rebuild"


def test_programs_of_one_name_that_disagree_lose_the_phase():
    first = text(("a", "add", "kdiffe.views/add"), ("b", "add", "kdiffe.ranking_loss/add"))
    second = text(("a", "add", "kdiffe.ranking_loss/add"), ("b", "add", "kdiffe.ranking_loss/add"))
    found = operations_of([("m", first), ("m", second)])
    assert found == {
        ("m", "a"): Operation(None, False),
        ("m", "b"): Operation("ranking_loss", False),
    }


def test_a_module_without_phases_is_left_out():
    assert operations_of([("m", text(("a", "add", "add")))]) == {}


def test_the_largest_program_is_told_with_its_bytes():
    def profiled_giant(x):
        return x + 1

    # Compiled and never run: larger than any other program of the tests.
    giant = jax.jit(profiled_giant).lower(jax.ShapeDtypeStruct((2**15, 2**15), jnp.float32))
    program = giant.compile()
    assert largest_program() == ("profiled_giant", 2 * 2**32, 0)
    assert program.memory_analysis().argument_size_in_bytes == 2**32
