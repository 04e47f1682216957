"""Several processes that train together: how one of them joins the others, and leaves."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import jax
from absl import flags

from kdiffe_jax.errors import ConfigError
from launch.command import PREEMPTED

CLUSTER = "cluster"
_SECONDS_TO_JOIN = 300
_SECONDS_TO_SPEAK = 5
_START_TIME = 19  # of the fields behind the name in /proc/self/stat


def define(values: flags.FlagValues) -> None:
    """Registers the flags that say which process of how many this is."""
    common = dict(flag_values=values)
    flags.DEFINE_string(
        "coordinator",
        None,
        "HOST:PORT of process 0, for training by several processes, or cluster to take all three "
        "from the cluster's environment",
        **common,
    )
    flags.DEFINE_integer("num_processes", None, "how many processes train", lower_bound=1, **common)
    flags.DEFINE_integer(
        "process_id", None, "which of the processes this is", lower_bound=0, **common
    )


def join(values: flags.FlagValues) -> None:
    """Waits for the other processes, where the flags name some. Call before any use of jax.

    Raises:
      ConfigError: flags that do not go together, or the others were not found.
    """
    address, own = _address(values), {}
    if address is None:
        return
    if address != CLUSTER:
        own = dict(
            coordinator_address=address,
            num_processes=values.num_processes,
            process_id=values.process_id,
            cluster_detection_method="deactivate",
        )
    try:
        # Its service would take SIGTERM from `training.notice`, which has all agree after an epoch.
        jax.config.update("jax_enable_preemption_service", False)
        jax.distributed.initialize(initialization_timeout=_SECONDS_TO_JOIN, **own)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--coordinator={address}: cannot join: {reason}") from error


def seconds_since_start() -> float:
    """How long ago this process began; 0 where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        begun = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - begun)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def leave(status: int) -> int:
    """Ends this process's part.

    Args:
      status: the exit status; where not all processes end with it, this one does not wait for
        the others, which end when they miss it.
    """
    if not jax.distributed.is_initialized():
        return status
    if status in (0, PREEMPTED):
        jax.distributed.shutdown()
        return status
    # The others end with process 0; what they have to say themselves comes first.
    if jax.process_index() == 0:
        time.sleep(_SECONDS_TO_SPEAK)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _address(values: flags.FlagValues) -> str | None:
    numbers = {name: values[name].value for name in ("num_processes", "process_id")}
    given = [name for name, value in numbers.items() if value is not None]
    address = values.coordinator
    if address is None or address == CLUSTER:
        if given:
            raise ConfigError(f"--{given[0]} needs --coordinator=HOST:PORT")
    elif len(given) < 2:
        raise ConfigError("--coordinator=HOST:PORT needs --num_processes and --process_id")
    elif numbers["process_id"] >= numbers["num_processes"]:
        raise ConfigError(
            f"--process_id={numbers['process_id']}: with --num_processes="
            f"{numbers['num_processes']} the last is {numbers['num_processes'] - 1}"
        )
    elif not address.rpartition(":")[2].isdigit() or not address.rpartition(":")[0]:
        raise ConfigError(f"--coordinator={address}: expected HOST:PORT, such as localhost:1234")
    if address is not None:
        _check_others(values)
    return address


def _check_others(values: flags.FlagValues) -> None:
    if values.mode == "evaluate":
        raise ConfigError("--coordinator: several processes train; --mode=evaluate needs one")
    if values.mesh is None:
        raise ConfigError(
            "--coordinator: several processes train on one mesh; add --mesh, such as data:2 for "
            "two processes with a device each"
        )
    if values.profile is not None:
        raise ConfigError("--profile traces one process; leave it or --coordinator out")
