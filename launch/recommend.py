"""Lists for users: python -m launch.recommend --workdir=RUN --all --k=20 --output=recs.parquet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.choices import UNKNOWN
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.recommend.tables import Columns, Describer, text_blocks, write_table, writer_for
from launch import trained
from launch.command import Command
from launch.progress import count_bar

_NEW = "new user"


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.DEFINE_string("users", None, "ids of users, with commas between", **common)
    absl_flags.DEFINE_string("users_file", None, "ids of users, one a line", **common)
    absl_flags.DEFINE_bool("all", False, "lists for all users", **common)
    absl_flags.DEFINE_string("liked", None, "a list for a new user who chose these items", **common)
    absl_flags.DEFINE_integer("k", 20, "length of a list", **common)
    absl_flags.DEFINE_string(
        "output", None, "a .parquet, .csv or .jsonl file; printed without", **common
    )
    absl_flags.DEFINE_enum(
        "exclude_seen",
        "all",
        ["all", "train", "none"],
        "items left out: all that the data hold for the user, the training items, or none",
        **common,
    )
    absl_flags.DEFINE_string("candidates_file", None, "the only items, one id a line", **common)
    absl_flags.DEFINE_enum(
        "unknown", "raise", UNKNOWN, "what a user that is not known gets", **common
    )
    absl_flags.DEFINE_bool("entities", False, "add the items' entities", **common)


def _work(values: FlagValues) -> None:
    _check(values)
    recommender, users = _asked(trained.load(values), values)
    describer = Describer(recommender.model, entities=values.entities)
    if values.output is None:
        for text in text_blocks(_columns(recommender, users, describer, values), describer.fields):
            print(text)
    else:
        total = len(recommender.users) if users is None else len(users)
        with count_bar(total, "users") as done:
            blocks = _columns(recommender, users, describer, values, done)
            write_table(blocks, describer.fields, Path(values.output))
        print(f"written: {values.output}")
    if values.unknown == "ignore":
        _tell_ignored(recommender, users or [])


def _tell_ignored(recommender: Recommender, users: list[str]) -> None:
    ignored = sum(user not in recommender.users for user in users)
    if ignored:
        print(f"{ignored} of {len(users)} users are not known: no list", file=sys.stderr)


def _columns(
    recommender: Recommender,
    users: list[str] | None,
    describer: Describer,
    values: FlagValues,
    done: Callable[[int], None] = lambda users: None,
) -> Iterator[Columns]:
    file = values.candidates_file
    for lists in recommender.recommend_in_blocks(
        users,
        values.k,
        exclude_seen=values.exclude_seen,
        candidates=file and trained.ids_in(file, recommender.items),
        unknown=values.unknown,
    ):
        yield describer.columns(lists)
        done(len(lists))


def _check(values: FlagValues) -> None:
    trained.needed(values, "workdir")
    asked = [n for n in ("users", "users_file", "all", "liked") if values[n].value]
    if len(asked) != 1:
        raise ConfigError("give one of --users, --users_file, --all and --liked; see --help")
    if values.output is not None:
        writer_for(Path(values.output))


def _asked(recommender: Recommender, values: FlagValues) -> tuple[Recommender, list[str] | None]:
    if values.liked:
        liked = trained.ids_of(values.liked, recommender.items, flag="liked")
        return recommender.of_new_users({_NEW: liked}), [_NEW]
    if values.users_file:
        return recommender, trained.ids_in(values.users_file, recommender.users)
    if values.users:
        return recommender, trained.ids_of(values.users, recommender.users, flag="users")
    return recommender, None


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, interrupted="stopped; nothing was written"
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
