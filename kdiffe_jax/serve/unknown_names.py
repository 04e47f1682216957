"""A name that an address does not know is refused, so that a misspelt one changes nothing silently.

Annotations are evaluated here, not kept as text: FastAPI reads the type of the request.
"""

from starlette.requests import Request

from kdiffe_jax.errors import ConfigError, listed


async def refuse_unknown_names(request: Request) -> None:
    """Refuses names of the query or the body that the route does not take.

    Raises:
      ConfigError: the first of them.
    """
    taken = request.scope["route"].dependant
    _check(request.query_params, taken.query_params)
    if taken.body_params and await request.body():
        body = await request.json()
        _check(body if isinstance(body, dict) else (), taken.body_params)


def _check(given, fields) -> None:
    known = sorted(field.alias for field in fields)
    for name in given:
        if name not in known:
            there = f"there are {listed(known)}" if known else "it takes none"
            raise ConfigError(f"no parameter {name[:60]!r} at this address; {there}")
