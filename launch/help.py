"""What `--help` shows of a training: the flags that are used most, in sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import flags

import kdiffe_jax
from kdiffe_jax.models.registry import MODELS, model_class, options_of, preset
from launch import tracking
from launch.parsing import last_given, named_model

_WIDTH, _INDENT = 100, 26
_SECTIONS = {
    "data": ("dataset", "data_dir", "kg_source", "data_ablation"),
    "training": (
        "preset",
        "variant",
        "dim",
        "layer_pooling",
        "neighbour_weight",
        "cold_items",
        "ranking_loss",
        "softmax_temperature",
        "batch_size",
        "learning_rate",
        "epochs",
        "patience",
        "seed",
        "num_seeds",
    ),
    "evaluation": ("score", "selection", "selection_metric", "mask_valid", "baselines"),
    "running": (
        "workdir",
        "mode",
        "warm_start",
        "refit",
        "cache_dir",
        "mesh",
        *tracking.FLAGS,
        "profile",
        "debug",
    ),
}
_MOST_OF_MODEL = 16
_USAGE = """\
kdiffe_jax {version}: trains a recommender and scores it.

  python -m launch.main                                      the embedded data set, in a minute
  python -m launch.main --flagfile=launch/tiktok.flags       prepared data, the best preset
  python -m launch.main --dataset=shop --model=lightgcn      another model on your own data
  python -m launch.main --models                             which models there are
  python -m launch                                           the other commands
"""


def asked(argv: Sequence[str]) -> bool:
    """Whether a command line asks for help, short or in full."""
    return in_full(argv) or any(word in ("-h", "--help", "-help") for word in argv[1:])


def in_full(argv: Sequence[str]) -> bool:
    """Whether a command line asks for the help of all flags."""
    return "--helpfull" in argv[1:]


def help_text(argv: Sequence[str], values: flags.FlagValues) -> str:
    """Fewer than a hundred lines: usage, and sections in the order a person needs.

    Args:
      argv: the command line, which names model and preset.
      values: the flags, of that model.
    """
    model, chosen = named_model(argv), _of_preset(argv, values)
    parts = [_USAGE.format(version=kdiffe_jax.__version__)]
    own = list(model_class(model).Options.all_options())
    sections = {"data": _SECTIONS["data"], f"model {model} (--model)": own[:_MOST_OF_MODEL]}
    sections |= {name: names for name, names in _SECTIONS.items() if name != "data"}
    shown = 0
    for title, names in sections.items():
        known = [name for name in names if name in values]
        shown += len(known)
        parts.append(
            "\n".join([f"{title}:", *(_line(values[name], chosen) for name in known)]) + "\n"
        )
    more = len(own) - len(own[:_MOST_OF_MODEL])
    rest = f", {more} of them of {model}" if more else ""
    parts.append(f"--helpfull shows all flags{rest}; -h this page; --version the version.")
    return "\n".join(parts)


def models_text() -> str:
    """Every model: its name, what it reads of the data, one line about it."""
    width = max(map(len, MODELS))
    lines = []
    for name, entry in MODELS.items():
        lines += [f"{name:<{width}}  {entry.about}", f"{'':<{width}}  reads {entry.reads}"]
    return "\n".join([*lines, "", "options of one: python -m launch.main --model=NAME --help"])


def full_text(argv: Sequence[str], values: flags.FlagValues) -> str:
    """Every flag, the model's own first."""
    chosen = _of_preset(argv, values)
    own = [name for name in options_of(named_model(argv)) if name in values]
    rest = sorted(name for name in _of_package(values) if name not in own)
    return "\n".join(_line(values[name], chosen) for name in [*own, *rest])


def _of_preset(argv: Sequence[str], values: flags.FlagValues) -> Mapping[str, Any]:
    """What flags that are not given get, where a preset says other than the flag's default."""
    if "preset" not in values:
        return {}
    return preset(last_given("preset", argv, values["preset"].default), named_model(argv))


def _of_package(values: flags.FlagValues) -> list[str]:
    """The flags that are no flags of absl's own modules."""
    modules = {name: values.find_module_defining_flag(name) or "" for name in values}
    return [name for name, module in modules.items() if not module.startswith("absl.")]


def _line(flag: flags.Flag, chosen: Mapping[str, Any]) -> str:
    value = chosen.get(flag.name, flag.default)
    value = ",".join(value) if isinstance(value, list) else value
    shown = f"  --{flag.name}"
    if isinstance(value, bool):
        shown = f"  --[no]{flag.name}"
    elif value not in (None, ""):
        shown += f"={value}"
    text = " ".join((flag.help or "").split())
    lines = textwrap.wrap(text, _WIDTH - _INDENT, break_long_words=False) or [""]
    if len(shown) < _INDENT:
        return "\n".join([f"{shown:<{_INDENT}}{lines[0]}", *_indented(lines[1:])])
    return "\n".join([shown, *_indented(lines)])


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (" " * _INDENT + line for line in lines)


def command_text(about: str, argv: Sequence[str], values: flags.FlagValues) -> str:
    """What `--help` shows of a command: what it is for and all its flags, as they were defined."""
    chosen = _of_preset(argv, values)
    lines = (_line(values[name], chosen) for name in _of_package(values))
    return "\n".join([about.strip(), "", *lines])
