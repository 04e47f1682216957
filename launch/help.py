"""What `--help` shows of a training: the flags that are used most, in sections."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from absl import flags

import kdiffe_jax
from kdiffe_jax.models.registry import MODELS, model_class, options_of
from launch import tracking

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
    """Whether a command line asks for the short help."""
    return any(word in ("-h", "--help", "-help") for word in argv[1:])


def help_text(model: str, values: flags.FlagValues) -> str:
    """Fewer than a hundred lines: usage, and sections in the order a person needs.

    Args:
      model: whose flags are registered.
      values: the flags.
    """
    parts = [_USAGE.format(version=kdiffe_jax.__version__)]
    own = list(model_class(model).Options.all_options())
    sections = {"data": _SECTIONS["data"], f"model {model} (--model)": own[:_MOST_OF_MODEL]}
    sections |= {name: names for name, names in _SECTIONS.items() if name != "data"}
    shown = 0
    for title, names in sections.items():
        known = [name for name in names if name in values]
        shown += len(known)
        parts.append("\n".join([f"{title}:", *(_line(values[name]) for name in known)]) + "\n")
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


def full_text(model: str, values: flags.FlagValues) -> str:
    """Every flag, the model's own first."""
    own = [name for name in options_of(model) if name in values]
    rest = sorted(name for name in _of_package(values) if name not in own)
    return "\n".join(_line(values[name]) for name in [*own, *rest])


def _of_package(values: flags.FlagValues) -> list[str]:
    """The flags that are no flags of absl's own modules."""
    modules = {name: values.find_module_defining_flag(name) or "" for name in values}
    return [name for name, module in modules.items() if not module.startswith("absl.")]


def _line(flag: flags.Flag) -> str:
    shown = f"  --{flag.name}"
    if isinstance(flag.default, bool):
        shown = f"  --[no]{flag.name}"
    elif flag.default not in (None, ""):
        shown += f"={flag.default}"
    lines = textwrap.wrap(" ".join((flag.help or "").split()), _WIDTH - _INDENT) or [""]
    first = f"{shown:<{_INDENT}}{lines[0]}" if len(shown) < _INDENT else f"{shown}  {lines[0]}"
    return first[: _WIDTH + 20] if len(lines) == 1 else "\n".join([first, *_indented(lines[1:])])


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (" " * _INDENT + line for line in lines)


def command_text(about: str, values: flags.FlagValues) -> str:
    """What `--help` shows of a command: what it is for and all its flags, as they were defined."""
    lines = (_line(values[name]) for name in _of_package(values))
    return "\n".join([about.strip(), "", *lines])
