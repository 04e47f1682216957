"""Embeddings and scorer as files: python -m launch.export --workdir=RUN --output=DIR."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from absl import app
from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.recommend.export import export
from kdiffe_jax.recommend.index import KINDS
from launch import flags, trained
from launch.command import guarded

FLAGS = absl_flags.FLAGS


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.adopt_module_key_flags(trained, values)
    absl_flags.DEFINE_string("output", None, "directory to write; must not exist", **common)
    absl_flags.DEFINE_enum(
        "index", "none", ["none", *KINDS], "a FAISS index of the items", **common
    )


def main(argv: Sequence[str], values: FlagValues = FLAGS) -> int:
    """Runs the command; see `guarded` for the exit status."""
    return guarded(
        lambda: _command(argv, values), values, interrupted="stopped; nothing was written"
    )


def _command(argv: Sequence[str], values: FlagValues) -> None:
    define(values)
    if values is FLAGS:
        app.define_help_flags()
    flags.parse(argv, values)
    trained.needed(values, "workdir", "output")
    model = trained.load(values).model
    quality = export(model, values.output, index=None if values.index == "none" else values.index)
    if quality is not None:
        print(quality)
    print(f"written: {values.output}")


def entry() -> None:
    """The console command `kdiffe-export`."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    entry()
