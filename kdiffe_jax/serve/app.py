"""The server's application: the API, the page, and the guard before both."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles

import kdiffe_jax
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.serve.answers import Answers
from kdiffe_jax.serve.bounds import Bounds
from kdiffe_jax.serve.failures import handle_failures
from kdiffe_jax.serve.guard import LOCAL, Guard
from kdiffe_jax.serve.routes import PREFIX, routes
from kdiffe_jax.serve.warm_up import warm_up

PAGE = Path(__file__).parent / "page"
DESCRIPTION = "Lists, similar items and users, scores and exact reasons from a trained model."


def make_app(
    recommender: Recommender,
    bounds: Bounds | None = None,
    *,
    hosts: frozenset[str] | None = LOCAL,
    pictures: bool = True,
) -> Guard:
    """An ASGI application that serves a trained model; compiles what it needs first.

    Args:
      hosts: names that a request may be sent to; None for any.
      pictures: whether to give the addresses of pictures, and to show them.
    """
    bounds = bounds or Bounds()
    answers = Answers(recommender, longest=bounds.k, pictures=pictures)
    warm_up(answers, most_items=bounds.items)
    app = FastAPI(
        title="kdiffe_jax",
        version=kdiffe_jax.__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    handle_failures(app)
    app.include_router(routes(answers, bounds))
    app.router.routes.append(_Page("/", StaticFiles(directory=PAGE, html=True)))
    return Guard(app, bounds=bounds, hosts=hosts, pictures=pictures)


class _Page(Mount):
    """The files of the page; no address of the API, where another method is told as such."""

    def matches(self, scope):
        return (
            (Match.NONE, {}) if scope["path"].startswith(f"{PREFIX}/") else super().matches(scope)
        )
