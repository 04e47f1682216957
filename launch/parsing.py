"""Command lines and flag files as they are given: which model they name, and what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from absl import flags

import kdiffe_jax
from kdiffe_jax.errors import ConfigError
from kdiffe_jax.models.registry import DEFAULT, MODELS, model_class
from kdiffe_jax.options import closest
from launch import flag_files


def named_model(argv: Sequence[str]) -> str:
    """The model that a command line names last, flag files included.

    Raises:
      ConfigError: a flag file cannot be read.
    """
    return last_given("model", argv, DEFAULT)


def last_given(flag: str, argv: Sequence[str], default: str) -> str:
    """The value that a command line, not parsed yet, gives a flag last, flag files included.

    Raises:
      ConfigError: a flag file cannot be read.
    """
    words, found = expanded(argv), default
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and name == flag:
            found = value if equals else following
    return found


def expanded(argv: Sequence[str]) -> list[str]:
    """A command line with what its flag files hold in their place.

    Raises:
      ConfigError: a flag file cannot be read.
    """
    try:
        return flags.FlagValues().read_flags_from_files(flag_files.found(argv), force_gnu=False)
    except (flags.Error, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(_in_words(error)) from error


def parse(argv: Sequence[str], values: flags.FlagValues, *, takes_words: bool = False) -> list[str]:
    """Parses a command line; `--version` prints the version and ends the program.

    Args:
      argv: the command line, the program first.
      values: the flags.
      takes_words: whether there may be words that are no flags, before, between and after them.

    Returns:
      These words.

    Raises:
      ConfigError: an unknown flag, a value that does not parse or is empty where one is needed,
        a stray argument or an unreadable flag file.
    """
    if "--version" in argv[1:]:
        print(f"kdiffe_jax {kdiffe_jax.__version__}")
        raise SystemExit(0)
    argv = ["--help" if word == "-h" else word for word in argv]
    values.set_gnu_getopt(takes_words)
    try:
        _, *words = values(flag_files.found(argv))
    except flags.UnrecognizedFlagError as error:
        raise ConfigError(_unknown_flag(error.flagname, values)) from error
    except (flags.Error, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(_in_words(error)) from error
    if words and not takes_words:
        raise ConfigError(f"{words[0]!r} is not a flag; flags look like --epochs=10")
    for name in values:
        if values[name].present:
            _refuse_empty(values[name])
            values[name].value = _at_home(values[name].value)
    return words


def _refuse_empty(flag: flags.Flag) -> None:
    """Refuses nothing in the place of a value that may be left out, as of a variable not set."""
    if flag.value == [] or (flag.value == "" and flag.default is None):
        raise ConfigError(f"--{flag.name}= is empty; give a value, or leave it out")


def _at_home(value: Any) -> Any:
    """A value whose paths begin with the home directory, which no shell puts behind an `=`.

    Of a flag that may be repeated, a path stands behind a name too.
    """
    if isinstance(value, str):
        return os.path.expanduser(value) if value.startswith("~/") else value
    if isinstance(value, list):
        home = os.path.expanduser("~/")
        return [re.sub("(^|[=,])~/", lambda found: found[1] + home, one) for one in value]
    return value


def _in_words(error: Exception) -> str:
    """What the parser says, without the words of Python."""
    said = str(error).splitlines()[0].removeprefix("ERROR:: ")
    if missing := re.fullmatch(r"Unable to open flagfile: \[Errno \d+\] (.*): '(.*)'", said):
        reason, file = missing.groups()
        return f"--flagfile={file}: {reason}{flag_files.closest(file)}"
    said = re.sub(r"\('Non-boolean argument to .*", "expected true or false", said)
    said = re.sub(r"invalid literal for int\(\) with base \d+: .*", "expected a whole number", said)
    return re.sub(r"could not convert string to float: .*", "expected a number", said)


def _unknown_flag(name: str, values: flags.FlagValues) -> str:
    """Of a flag that another model has, whose it is; of all others, the closest one."""
    near = closest(name, values)
    model = values["model"].value if "model" in values else ""
    if model in MODELS:
        option = name.removeprefix("no")
        owners = [
            other
            for other in MODELS
            if other != model and {name, option} & model_class(other).Options.all_options().keys()
        ]
        if owners:
            return f"--{name} is an option of {', '.join(owners)}, not of {model}{near}"
        if {name, option} & model_class(model).without:
            return f"--{name} has no meaning for {model}"
    return f"Unknown command line flag '{name}'{near}"
