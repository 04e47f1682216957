"""A leaderboard of finished runs: python -m launch.compare runs/* [--out=DIR]."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import ConfigError, RunError
from kdiffe_jax.storage.files import DRAFT, replacing
from kdiffe_jax.studies.leaderboard import Leaderboard, leaderboard_of
from kdiffe_jax.studies.leaderboard_page import page_of_leaderboard
from launch.command import Command
from launch.shown import show_markdown

FILES = {
    "leaderboard.csv": Leaderboard.csv,
    "leaderboard.md": lambda board: board.markdown() + "\n",
    "leaderboard.tex": lambda board: board.latex() + "\n",
    "leaderboard.html": page_of_leaderboard,
}


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    absl_flags.DEFINE_string(
        "metric", None, "what orders and is tested [the metric that chose the epochs]", **common
    )
    absl_flags.DEFINE_string("out", None, "also write table and page into this directory", **common)
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)


def _work(values: FlagValues, runs: Sequence[str]) -> None:
    if not runs:
        raise ConfigError("no runs to compare; usage: python -m launch.compare RUN RUN [...]")
    out = None if values.out is None else Path(values.out)
    if out is not None:
        _refuse_foreign(out)
    board = leaderboard_of(runs, metric=values.metric)
    show_markdown(board.markdown(), board.text())
    if out is not None:
        _write(board, out)
        print(f"\n{out}: {', '.join(FILES)}")


def _refuse_foreign(out: Path) -> None:
    """Refuses what is no directory of an earlier leaderboard."""
    foreign = out.exists() and not out.is_dir()
    if foreign or (
        out.is_dir() and any(f.name not in FILES and f.suffix != DRAFT for f in out.iterdir())
    ):
        raise RunError(f"{out}: not empty and no leaderboard; choose another --out")


def _write(board: Leaderboard, out: Path) -> None:
    contents = {name: write(board) for name, write in FILES.items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error.strerror}") from error
    for name, content in contents.items():
        with replacing(out / name) as draft:
            draft.write_text(content, encoding="utf-8")


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, "stopped; run it again", takes_words=True
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
