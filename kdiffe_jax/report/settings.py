"""Every hyper-parameter, what differs from its default, and which data were read."""

from __future__ import annotations

from kdiffe_jax.config import Config
from kdiffe_jax.report.markup import Markup, details, note, section, table
from kdiffe_jax.report.run_files import RunFiles
from kdiffe_jax.report.words import NOTHING, setting


def settings(run: RunFiles) -> Markup:
    """The configuration with changed values first."""
    options, defaults = Config.all_options(), Config().to_flat()
    known = [name for name in run.config if name in options]
    changed = [name for name in known if run.config[name] != defaults[name]]
    rows = {
        name: [
            name,
            setting(run.config[name]),
            setting(defaults[name]),
            options[name].metadata["doc"],
        ]
        for name in known
    }
    heads = ["option", "value", "default", "what it is"]
    parts = [note("All hyper-parameters have their default.")]
    if changed:
        title = "Changed from the default"
        parts = [table(heads, [rows[n] for n in changed], texts=4, caption=title)]
    places = [place for place, name in enumerate(known) if name in changed]
    everything = table(heads, rows.values(), texts=4, strong=places)
    return section(
        "config", "Configuration", *parts, details("All hyper-parameters", everything), _data(run)
    )


def _data(run: RunFiles) -> Markup:
    options = Config.all_options()
    rows = [[name, setting(value)] for name, value in run.config.items() if name not in options]
    program = NOTHING if run.model is None else run.model.about.get("program", NOTHING)
    rows.append(["program", program])
    return details("Data and program", table(["", ""], rows, texts=2))
