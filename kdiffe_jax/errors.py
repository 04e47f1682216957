"""Errors that carry one line for the person who ran the command."""

from __future__ import annotations

from collections.abc import Iterable


class KDiffEError(Exception):
    """A mistake the user can mend: the message says what, where and what to do.

    The message is one line that a terminal can show, whatever it quotes from a file.

    >>> print(KDiffEError("a\\nb: \\x1b[2J"))
    a\\nb: \\x1b[2J
    """

    def __init__(self, message: str = ""):
        super().__init__(_printable(str(message)))


def listed(names: Iterable[str], letters: int = 300) -> str:
    """Names from a file with commas between, as a message shows them: no longer than `letters`.

    >>> print(listed(["a", "b\\x01" * 9], letters=12))
    a, b\\x01b\\x0
    """
    return _printable(", ".join(names))[:letters]


def one_line(error: BaseException, letters: int = 200) -> str:
    """What an error of another library says, in one line that is no longer than `letters`.

    >>> one_line(ValueError("two\\n  lines")), one_line(EOFError()), one_line(OSError("no more"), 5)
    ('two lines', 'EOFError', 'no m…')
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class ConfigError(KDiffEError):
    """A hyper-parameter or flag outside its range, or two that contradict each other."""


class DataError(KDiffEError):
    """An input file that is missing, malformed or inconsistent with another."""


class RunError(KDiffEError):
    """A run directory that cannot be used as asked."""


class Preempted(SystemExit):
    """The process was told to end, and everything up to here is saved.

    It is no `Exception`, so that a loop over models which goes on after a failure ends as well.

    >>> raised = Preempted("ended by SIGTERM")
    >>> raised.code, str(raised)
    (143, 'ended by SIGTERM')
    """

    def __init__(self, message: str):
        super().__init__(143)
        self.message = message

    def __str__(self) -> str:
        return self.message


class NonFiniteLossError(KDiffEError):
    """A loss term became NaN or infinite during training."""
