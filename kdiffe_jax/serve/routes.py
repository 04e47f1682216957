"""The addresses of the API, and what each takes.

Annotations are evaluated here, not kept as text: the bounds are among them.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query
from pydantic import StringConstraints

from kdiffe_jax.serve import schemas
from kdiffe_jax.serve.answers import Answers
from kdiffe_jax.serve.bounds import Bounds
from kdiffe_jax.serve.unknown_names import refuse_unknown_names

PREFIX = "/api"
FAILURES = {
    "4XX": {"model": schemas.Failure, "description": "the request cannot be served as it is"},
    "500": {"model": schemas.Failure, "description": "an error of the server"},
}
Seen = Literal["all", "train", "none"]
Unknown = Literal["raise", "ignore", "popular"]


def routes(answers: Answers, bounds: Bounds) -> APIRouter:
    """All addresses under /api."""
    known = [Depends(refuse_unknown_names)]
    router = APIRouter(prefix=PREFIX, responses=FAILURES, dependencies=known)
    for add in (_about, _search, _lists, _reasons, _new_users):
        add(router, answers, bounds)
    return router


def _about(router: APIRouter, answers: Answers, bounds: Bounds) -> None:
    recommender, Id, K, usual = answers.recommender, _id(bounds), _k(bounds), _usual(bounds)

    @router.get("/health", summary="That the server answers, and what it serves")
    def health() -> schemas.Health:
        return schemas.Health(
            data_set=recommender.model.about["dataset"],
            model=recommender.model.config["model"],
            best_epoch=recommender.model.best_epoch,
            users=len(recommender.users),
            items=len(recommender.items),
            reasons=recommender.explains,
            new_users=recommender.folds_in,
            max_k=bounds.k,
            max_items=bounds.items,
        )

    @router.get("/user", summary="A user and their history")
    def user(user: Id, k: K = usual) -> schemas.UserInfo:
        return answers.user(user, k)

    @router.get("/item", summary="An item: name, picture, entities")
    def item(item: Id) -> schemas.ItemInfo:
        return answers.item(item)


def _search(router: APIRouter, answers: Answers, bounds: Bounds) -> None:
    Text = Annotated[str, Query(max_length=bounds.text, description="part of an id or name")]
    K, usual = _k(bounds), _usual(bounds)

    @router.get("/users", summary="Users by a part of their id")
    def users(q: Text = "", k: K = usual) -> schemas.FoundUsers:
        return answers.find_users(q, k)

    @router.get("/items", summary="Items by a part of their id or name")
    def items(q: Text = "", k: K = usual) -> schemas.FoundItems:
        return answers.find_items(q, k)


def _lists(router: APIRouter, answers: Answers, bounds: Bounds) -> None:
    Id, K, usual = _id(bounds), _k(bounds), _usual(bounds)

    @router.get("/recommend", summary="The best items of a user")
    def recommend(
        user: Id, k: K = usual, exclude_seen: Seen = "all", unknown: Unknown = "raise"
    ) -> schemas.Recommendations:
        return answers.recommend(user, k, exclude_seen=exclude_seen, unknown=unknown)

    @router.get("/similar-items", summary="The items most like one")
    def similar_items(item: Id, k: K = usual) -> schemas.SimilarItems:
        return answers.similar_items(item, k)

    @router.get("/similar-users", summary="The users most like one")
    def similar_users(user: Id, k: K = usual) -> schemas.SimilarUsers:
        return answers.similar_users(user, k)


def _reasons(router: APIRouter, answers: Answers, bounds: Bounds) -> None:
    Id, Name, K, usual = _id(bounds), _name(bounds), _k(bounds), _usual(bounds)
    Pairs = Annotated[
        list[tuple[Name, Name]],
        Body(embed=True, min_length=1, max_length=bounds.items, description="[user, item] each"),
    ]

    @router.post("/score", summary="The scores of pairs")
    def score(pairs: Pairs) -> schemas.Scores:
        return answers.score(pairs)

    @router.get("/explain", summary="Why a user is given an item")
    def explain(user: Id, item: Id, k: K = usual) -> schemas.Reasons:
        return answers.explain(user, item, k)


def _new_users(router: APIRouter, answers: Answers, bounds: Bounds) -> None:
    Name = _name(bounds)
    Items = Annotated[
        list[Name],
        Body(min_length=1, max_length=bounds.items, description="ids of the items chosen"),
    ]
    K, usual = Annotated[int, Body(ge=1, le=bounds.k)], _usual(bounds)

    @router.post("/fold-in", summary="The best items of a new user, by the items chosen")
    def fold_in(
        items: Items, k: K = usual, exclude_seen: Annotated[bool, Body()] = True
    ) -> schemas.Recommendations:
        return answers.fold_in(items, k, exclude_seen=exclude_seen)

    @router.post("/fold-in/explain", summary="Why such a new user is given an item")
    def explain_fold_in(
        items: Items, item: Annotated[Name, Body()], k: K = usual
    ) -> schemas.Reasons:
        return answers.explain_fold_in(items, item, k)


def _usual(bounds: Bounds) -> int:
    """Length of a list where none is asked for."""
    return min(20, bounds.k)


def _k(bounds: Bounds):
    return Annotated[int, Query(ge=1, le=bounds.k, description="length of the list")]


def _id(bounds: Bounds):
    return Annotated[str, Query(max_length=bounds.text, description="the source's own id")]


def _name(bounds: Bounds):
    return Annotated[str, StringConstraints(max_length=bounds.text)]
