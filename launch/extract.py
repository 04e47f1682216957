"""Raw files -> features: python -m launch.extract --kind=images --input=images/ --output=out."""

from __future__ import annotations

import time
from pathlib import Path

from absl import flags as absl_flags

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.extract.results import UNREADABLE
from kdiffe_jax.extract.resumable import Progress, extract
from kdiffe_jax.extract.settings import KINDS, ExtractSettings, list_entries, make_extractor
from kdiffe_jax.training.screen import screen
from launch import flags
from launch.command import Command

_SECONDS_BETWEEN_LINES = 30.0


def define(values: absl_flags.FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    absl_flags.DEFINE_string("input", None, "a table item<TAB>file, or a folder", **common)
    absl_flags.DEFINE_string("output", None, "directory of the results", **common)
    absl_flags.DEFINE_bool("debug", False, "show the traceback of an error", **common)
    absl_flags.DEFINE_enum("kind", None, KINDS, "what the files are", **common)
    options = ExtractSettings.all_options()
    flags.define_options({name: o for name, o in options.items() if name != "kind"}, values)


def _work(values: absl_flags.FlagValues) -> None:
    for name in ("kind", "input", "output"):
        if not values[name].value:
            raise ConfigError(f"--{name} is needed; see --help")
    options = {name: values[name].value for name in ExtractSettings.all_options()}
    settings = ExtractSettings(**options)
    entries = list_entries(values.input, settings)
    if not settings.pretrained and not settings.weights:
        print("random weights: the features say little, take them for trying only")
    output = Path(values.output)
    with _Bar() as bar:
        result = extract(
            entries,
            make_extractor(settings),
            output,
            batch_size=settings.batch_size,
            readers=settings.readers,
            retry_unreadable=settings.retry_unreadable,
            on_progress=bar.show,
        )
    line = f"{output}: {result.total - result.unreadable} of {result.total} items extracted"
    if result.unreadable:
        line += f"; {result.unreadable} could not be read, see {output / UNREADABLE}"
    print(line)


class _Bar:
    """A bar on a terminal or in a notebook, a line from time to time otherwise."""

    def __init__(self):
        self._screen, self._row = screen(), None
        self._last = time.monotonic()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *exception) -> None:
        if self._screen is not None:
            self._screen.close()

    def show(self, progress: Progress) -> None:
        """Shows how far it is."""
        if self._screen is not None:
            self._row = self._row or self._screen.row("files", total=progress.total)
            self._row.show(progress.tried, note=f"{progress.unreadable} unreadable")
        elif time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            print(
                f"{progress.tried} of {progress.total}, {progress.unreadable} unreadable",
                flush=True,
            )


_COMMAND = Command(
    __doc__,
    lambda argv, values: define(values),
    _work,
    interrupted="stopped; the same command continues",
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
