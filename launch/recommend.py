"""Lists for users: python -m launch.recommend --workdir=RUN --all --k=20 --output=recs.parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from absl import flags as absl_flags
from absl.flags import FlagValues

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.recommender import UNKNOWN, Recommender
from kdiffe_jax.recommend.tables import Columns, Describer, text_table, write_table, writer_for
from launch import trained
from launch.command import Command
from launch.progress import count_bar

_NEW = "new user"


def define(values: FlagValues) -> None:
    """Registers every flag of the command."""
    common = dict(flag_values=values)
    trained.define(values)
    absl_flags.DEFINE_list("users", None, "ids of users, with commas between", **common)
    absl_flags.DEFINE_string("users_file", None, "ids of users, one a line", **common)
    absl_flags.DEFINE_bool("all", False, "lists for all users", **common)
    absl_flags.DEFINE_list("liked", None, "a list for a new user who chose these items", **common)
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
        for columns in _columns(recommender, users, describer, values):
            print(text_table(columns, describer.fields))
        return
    total = len(recommender.users) if users is None else len(users)
    with count_bar(total, "users") as done:
        blocks = _columns(recommender, users, describer, values, done)
        write_table(blocks, describer.fields, Path(values.output))
    print(f"written: {values.output}")


def _columns(
    recommender: Recommender, users, describer: Describer, values, done=lambda users: None
) -> Iterator[Columns]:
    candidates = values.candidates_file and trained.read_ids(values.candidates_file)
    for lists in recommender.recommend_in_blocks(
        users,
        values.k,
        exclude_seen=values.exclude_seen,
        candidates=candidates,
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
        return recommender.with_users({_NEW: values.liked}), [_NEW]
    if values.users_file:
        return recommender, trained.read_ids(values.users_file)
    return recommender, values.users


_COMMAND = Command(
    __doc__, lambda argv, values: define(values), _work, interrupted="stopped; nothing was written"
)
main, entry = _COMMAND.main, _COMMAND.entry

if __name__ == "__main__":
    entry()
