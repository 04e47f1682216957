"""Embeddings and scorer as files: python -m launch.export --workdir=RUN --output=DIR."""

from __future__ import annotations

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.index import KINDS
from launch import trained
from launch.command import Command


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.DEFINE_string("output", None, "directory to write; must not exist", **common)
    absl_flags.DEFINE_enum(
        "index", "none", ["none", *KINDS], "a FAISS index of the items", **common
    )


def _work(values: FlagValues) -> None:
    trained.needed(values, "workdir", "output")
    model = trained.load(values).model
    quality = export(model, values.output, index=None if values.index == "none" else values.index)
    if quality is not None:
        print(quality)
    print(f"written: {values.output}")


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, interrupted="stopped; nothing was written"
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
