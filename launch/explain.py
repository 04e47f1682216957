"""Why a user is given an item: python -m launch.explain --workdir=RUN --user=U --item=I."""

from __future__ import annotations

import json
from collections import Counter

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import DataError
from kdiffe_jax.recommend.explain import in_words
from kdiffe_jax.recommend.recommender import Recommender
from launch import trained
from launch.command import Command


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.DEFINE_string("user", None, "id of the user", **common)
    absl_flags.DEFINE_string("item", None, "id of the item [the user's first]", **common)
    absl_flags.DEFINE_enum("format", "text", ["text", "json"], "words or JSON", **common)
    absl_flags.DEFINE_integer(
        "most",
        5,
        "past items, and entities of each relation, named one by one in words",
        lower_bound=0,
        **common,
    )


def _work(values: FlagValues) -> None:
    trained.needed(values, "workdir", "user")
    recommender = trained.load(values)
    item = _first(recommender, values.user) if values.item is None else values.item
    explanation = recommender.explain(values.user, item)
    if values.format == "json":
        print(json.dumps(explanation.to_json(), indent=2, ensure_ascii=False))
    else:
        print(in_words(explanation, most=values.most))
        counts = Counter(entity.relation for entity in explanation.entities)
        if counts and max(counts.values()) > max(1, values.most):
            print("--most=N names more of them, --format=json has all")


def _first(recommender: Recommender, user: str) -> str:
    best = recommender.recommend(user, 1)[user]
    if not best:
        raise DataError(f"user {user!r} has every item already; name one with --item")
    return best[0][0]


_COMMAND = Command(__doc__, lambda argv, values: define(values), _work)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
