"""What the API answers; the OpenAPI document is made from these types."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Failure(BaseModel):
    """Every answer that is not a success."""

    error: str = Field(description="one line: what is wrong and what to do")


class Health(BaseModel):
    """That the server answers, and what it serves."""

    status: Literal["ok"] = "ok"
    data_set: str
    model: str
    best_epoch: int | None = Field(description="null for a model without epochs and an ensemble")
    users: int
    items: int
    reasons: bool = Field(description="whether the model has reasons to give for a score")
    new_users: bool = Field(description="whether the model takes users that training never saw")
    max_k: int = Field(description="the longest list that is given")
    max_items: int = Field(description="the most items or pairs that a body may name")


class User(BaseModel):
    """A user by the source's own id."""

    id: str
    interactions: int = Field(description="training interactions")


class Item(BaseModel):
    """An item by the source's own id."""

    id: str
    name: str | None = Field(description="title, where the data set has one")
    picture: str | None = Field(description="http(s) address, where the data set has one")


class RankedItem(Item):
    """An item of a list, best first."""

    score: float


class RankedUser(User):
    """A user of a list, best first."""

    score: float


class FoundUsers(BaseModel):
    """The first users that fit a search."""

    total: int = Field(description="how many fit")
    users: list[User]


class FoundItems(BaseModel):
    """The first items that fit a search."""

    total: int = Field(description="how many fit")
    items: list[Item]


class HistoryItem(Item):
    """An item that a user has chosen."""

    split: Literal["training", "held out"]


class UserInfo(User):
    """A user and what they have chosen."""

    held_out: int = Field(description="interactions of validation and test")
    history: list[HistoryItem] = Field(description="the first k: training, then held out")


class ItemEntity(BaseModel):
    """An entity of an item."""

    relation: str
    entity: str
    attention: float | None = Field(
        description="eq. 2; null for one that was added, and where the model has none"
    )
    status: Literal["kept", "left out", "added", "not seen", "has"] = Field(
        description="what the denoiser did with it; has, where the model has none that finds "
        "hidden triples better than chance"
    )
    probability: float | None = Field(
        description="the denoised value in [0, 1]: of which share of items with such users it is "
        "expected; null where status is has, and for items that training never saw"
    )


class ItemInfo(Item):
    """An item and what it is made of."""

    interactions: int = Field(description="training interactions")
    entities: list[ItemEntity]


class Recommendations(BaseModel):
    """A list for a user."""

    user: str | None = Field(description="null for a new user")
    source: Literal["model", "most popular", "none"] = Field(
        description="whether scores are the model's or count interactions; none: no list"
    )
    items: list[RankedItem]


class SimilarItems(BaseModel):
    """Items by the cosine of embeddings, or by the weight from the item."""

    item: Item
    items: list[RankedItem]


class SimilarUsers(BaseModel):
    """Users by the cosine of embeddings, or of histories."""

    user: User
    users: list[RankedUser]


class Scores(BaseModel):
    """One score a pair, in the order of the pairs."""

    scores: list[float]


class PastItem(Item):
    """An item that the user has chosen and what it adds to the score."""

    contribution: float
    similarity: float | None = Field(description="S (eq. 5); null where the model has none")
    weight: float = Field(description="entry of the Laplacian (eq. 4), or weight between the items")


class Rest(BaseModel):
    """The past items that are not named one by one."""

    items: int
    contribution: float


class Reasons(BaseModel):
    """score = own + the contributions of past + that of rest, but for rounding."""

    user: str | None = Field(description="null for a new user")
    item: Item
    score: float
    own: float = Field(description="what the user's own embedding adds; 0 without one")
    past: list[PastItem] = Field(description="the k largest contributions first")
    rest: Rest
    entities: list[ItemEntity]
