"""The libraries of the extra `[extract]`: what is said when one is missing or broken."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterator

from kdiffe_jax.errors import ConfigError, DataError, one_line


@contextlib.contextmanager
def needed(what: str) -> Iterator[None]:
    """Imports inside the block; a failure becomes one line.

    Args:
      what: what the libraries are needed for.

    Raises:
      DataError: a library is not installed, or is and can't be imported, as a torchvision
        built for another torch.
    """
    try:
        yield
    except Exception as error:
        name = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and name:
            raise DataError(
                f"{what} need {name.split('.')[0]}, which is not installed: "
                "pip install 'kdiffe_jax[extract]'"
            ) from error
        raise DataError(
            f"{what} need a library that can't be imported ({one_line(_root(error))}): install "
            "builds that fit together, pip install 'kdiffe_jax[extract]' in a fresh environment"
        ) from error


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def versions(*libraries: str) -> dict[str, str]:
    """The installed versions, to be stored beside what the libraries made.

    >>> sorted(versions("numpy"))
    ['numpy']
    """
    return {name: importlib.metadata.version(name) for name in libraries}


def torch_device(name: str):
    """The `torch.device` of a name; "auto" is CUDA where there is one, else the CPU.

    Raises:
      ConfigError: torch knows no such device, or it is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except Exception as error:
        raise ConfigError(
            f"--device={name} can't be used ({one_line(error)}); try --device=cpu"
        ) from error
    return device


@contextlib.contextmanager
def enough_memory(batch_size: int) -> Iterator[None]:
    """Says what to do where a batch does not fit on the device.

    Raises:
      ConfigError: torch ran out of the device's memory.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            f"{batch_size} at once do not fit into the device's memory; "
            "continue with a smaller --batch_size"
        ) from error
