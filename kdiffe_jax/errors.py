"""Errors that carry one line for the person who ran the command."""


class KDiffEError(Exception):
    """A mistake the user can mend: the message says what, where and what to do."""


class ConfigError(KDiffEError):
    """A hyper-parameter or flag outside its range, or two that contradict each other."""


class DataError(KDiffEError):
    """An input file that is missing, malformed or inconsistent with another."""


class RunError(KDiffEError):
    """A run directory that cannot be used as asked."""


class NonFiniteLossError(KDiffEError):
    """A loss term became NaN or infinite during training."""
