"""Lists the commands: python -m launch."""

from __future__ import annotations

from absl import flags

from launch.command import end, guarded

COMMANDS = {
    "prepare": "turns your files, or public ones, into a data set",
    "extract": "pictures, texts and sounds into features, for prepare",
    "main": "trains a model and scores it; --models lists them",
    "sweep": "searches hyper-parameters on validation",
    "study": "runs a paper's comparison: many settings, seeds, a table and a figure",
    "compare": "a leaderboard of finished runs, with tests and curves",
    "recommend": "lists for users of a finished run, or for new ones",
    "explain": "why a user is given an item",
    "export": "embeddings and scorer as files that other programs read",
    "serve": "a page and an HTTP API over a finished run",
    "report": "writes a run's report.html again",
    "planted": "shows runs on planted data side by side",
}


def text() -> str:
    """A line a command."""
    width = max(map(len, COMMANDS))
    lines = [f"  python -m launch.{name:<{width}}  {about}" for name, about in COMMANDS.items()]
    return "\n".join(["commands (each has --help):", *lines])


if __name__ == "__main__":
    end(guarded(lambda: print(text()), flags.FlagValues(), interrupted="stopped"))
