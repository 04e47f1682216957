"""Every option of the run, what differs from its default, and which data were read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from kdiffe_jax.config import SharedConfig
from kdiffe_jax.report.markup import Markup, details, element, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import NOTHING, chosen, setting

Options = Mapping[str, dataclasses.Field]
_HEADS = ("option", "value", "default", "what it is")


def shared_options(model: str) -> Options:
    """The options that every model has, by name."""
    return SharedConfig.all_options()


def settings(run: RunFiles, options_of: Callable[[str], Options] = shared_options) -> Markup:
    """The configuration: changed values, then the model's own options, then the shared ones.

    Args:
      options_of: a model's name -> its options, with their defaults and what they are. Values of
        config.json that it does not know stand beside the data, without either.
    """
    options = options_of(run.model_name)
    rows: dict[str, list[str]] = {
        name: [
            name,
            setting(value),
            setting(options[name].default),
            element("span", options[name].metadata["doc"], class_="long"),
        ]
        for name, value in run.config.items()
        if name in options
    }
    changed = [name for name in rows if run.config[name] != options[name].default]
    parts = [note("The options below have their default.")]
    if changed:
        title = "Changed from the default"
        parts = [table(_HEADS, [rows[n] for n in changed], texts=4, caption=title)]
    if run.config.get("tuned") and chosen(run.result):
        parts.append(note(f"Chosen on validation: {chosen(run.result)}."))
    shared = shared_options(run.model_name)
    own = [name for name in rows if name not in shared]
    if own:
        title = f"Options of {run.model_name}"
        parts.append(details(title, _table(rows, own, changed)))
    common = [name for name in rows if name in shared]
    parts.append(details("Options that models share", _table(rows, common, changed)))
    return section("config", "Configuration", *parts, _data(run, options))


def _table(rows: Mapping[str, list[str]], names: list[str], changed: list[str]) -> Markup:
    strong = [place for place, name in enumerate(names) if name in changed]
    return table(_HEADS, [rows[name] for name in names], texts=4, strong=strong)


def _data(run: RunFiles, options: Options) -> Markup:
    others = run.config.keys() - options.keys() - shared_options(run.model_name).keys()
    rows = [[name, setting(value)] for name, value in run.config.items() if name in others]
    program = NOTHING if run.model is None else run.model.about.get("program", NOTHING)
    rows.append(["program", program])
    return details("Model, data and program", table(["", ""], rows, texts=2))
