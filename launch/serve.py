"""A page and an HTTP API on this machine: python -m launch.serve --workdir=RUN."""

from __future__ import annotations

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import ConfigError
from launch import trained
from launch.command import Command


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.DEFINE_integer(
        "port", 8000, "0 takes a free one", lower_bound=0, upper_bound=65535, **common
    )
    absl_flags.DEFINE_string("host", "127.0.0.1", "address to listen on", **common)
    absl_flags.DEFINE_bool(
        "open_to_network", False, "allow a --host that other machines can reach", **common
    )
    absl_flags.DEFINE_list(
        "also_named", [], "host names of a proxy before it, which requests may be sent to", **common
    )
    absl_flags.DEFINE_integer(
        "max_k", 100, "longest list that is given", lower_bound=1, upper_bound=1000, **common
    )
    absl_flags.DEFINE_integer(
        "max_items", 1000, "most items or pairs in a request", lower_bound=1, **common
    )
    absl_flags.DEFINE_bool(
        "pictures", True, "show pictures from the addresses in the data set", **common
    )


def _work(values: FlagValues) -> None:
    trained.needed(values, "workdir")
    application, server = _libraries()
    local = server.is_local(values.host)
    if not local and not values.open_to_network:
        raise ConfigError(
            f"--host={values.host} would show every user's history to the network, without a "
            "password; add --open_to_network if that is meant"
        )
    listening = server.listen(values.host, values.port)
    with listening:
        guarded_app = application.make_app(
            trained.load(values),
            application.Bounds(k=values.max_k, items=values.max_items),
            hosts=_hosts(application, values) if local else None,
            pictures=values.pictures,
        )
        address = server.address_of(listening)
        server.serve(
            guarded_app,
            listening,
            lambda: print(f"serving {values.workdir} at {address}; Ctrl-C stops it", flush=True),
        )
    print("stopped")


def _hosts(application, values: FlagValues) -> frozenset[str]:
    """Names that a request to this machine alone may be sent to."""
    named = (name.strip().lower() for name in values.also_named)
    return application.LOCAL | {values.host, *filter(None, named)}


def _libraries():
    """The modules that need the extra.

    Raises:
      ConfigError: it is not installed.
    """
    try:
        from kdiffe_jax.serve import app as application
        from kdiffe_jax.serve import server
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"serving needs {error.name}, which is not installed; pip install 'kdiffe_jax[serve]'"
        ) from error
    return application, server


_COMMAND = Command(__doc__, lambda argv, values: define(values), _work)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
