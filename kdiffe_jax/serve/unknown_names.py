"""A name that an address does not know is refused, so that a misspelt one changes nothing silently.

Annotations are evaluated here, not kept as text: FastAPI reads the type of the request.
"""

from collections import Counter
from typing import Any

from starlette.requests import Request

from kdiffe_jax.errors import ConfigError, listed


async def refuse_unknown_names(request: Request) -> None:
    """Refuses names of the query or the body that the route does not take, or has twice.

    Raises:
      ConfigError: the first of them.
    """
    taken = request.scope["route"].dependant
    _check(request.query_params, taken.query_params)
    names = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in names.items():
        if count > 1:
            raise ConfigError(f"parameter {name!r} is given {count} times; give it once")
    if taken.body_params and isinstance(body := await _body_of(request), dict):
        _check(body, taken.body_params)


async def _body_of(request: Request) -> Any:
    """What the body says as JSON; None where it is none, which the route itself refuses."""
    try:
        return await request.json()
    except (ValueError, RecursionError):
        return None


def _check(given, fields) -> None:
    known = sorted(field.alias for field in fields)
    for name in given:
        if name not in known:
            there = f"there are {listed(known)}" if known else "it takes none"
            raise ConfigError(f"no parameter {name[:60]!r} at this address; {there}")
