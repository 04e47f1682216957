"""Directories of the shape in which data sets are published: files, columns, encodings, oddities.

What is in them is drawn: users who like one genre, films of one or two. The files beside the
data that the archives also hold are there too, so that what is not read is told.
"""

from __future__ import annotations

import csv
import gzip
import json
import pickle
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

GENRES = ("Action", "Children's", "Comedy", "Drama", "Film-Noir", "Sci-Fi")
_WORDS = ("Night", "Café", "River", "Señor", "Winter", "Island", "Mirror", "Général", "Garden")
_BEGIN = datetime(2013, 9, 1, 10, 30)


class World(NamedTuple):
    """What all layouts tell of.

    Attributes:
      ratings: (user, item, rating 1 to 5, second since the first), users and items from 0.
      titles: of the items, with commas and letters that are not of ASCII.
      genres: of the items, one or two of `GENRES`, some none.
    """

    ratings: list[tuple[int, int, int, int]]
    titles: list[str]
    genres: list[list[str]]

    @property
    def n_users(self) -> int:
        return 1 + max(row[0] for row in self.ratings)

    def rows(self) -> list[tuple[int, int, int, int]]:
        """As MovieLens numbers them: users and items from 1, the time in seconds of 1970."""
        start = int(_BEGIN.timestamp())
        return [(u + 1, i + 1, rating, start + t) for u, i, rating, t in self.ratings]

    def lists(self, *, held_out: int = 2) -> tuple[list[list[int]], list[list[int]]]:
        """A line a user of training, and one of test: the user, then items."""
        items: list[list[int]] = [[] for _ in range(self.n_users)]
        for user, item, _, _ in self.ratings:
            items[user].append(item)
        train = [[user, *mine[:-held_out]] for user, mine in enumerate(items)]
        return train, [[user, *mine[-held_out:]] for user, mine in enumerate(items)]


def world(n_users: int = 60, n_items: int = 40, a_user: int = 24, seed: int = 0) -> World:
    """Draws one; every user has `a_user` ratings and every item occurs."""
    rng = np.random.default_rng(seed)
    titles, genres = [], []
    for item in range(n_items):
        first, second = rng.choice(_WORDS, 2, replace=False)
        mark = ", The" if item % 3 == 0 else ' "Live"' if item % 7 == 0 else ""
        titles.append(f"{first} {second} {item}{mark} ({1950 + item % 50})")
        two = [GENRES[item % len(GENRES)], GENRES[(item // 2) % len(GENRES)]]
        genres.append([] if item % 13 == 12 else list(dict.fromkeys(two)))
    ratings = []
    for user in range(n_users):
        likes = [
            3.0 if user % len(GENRES) == item % len(GENRES) else 1.0 for item in range(n_items)
        ]
        likes = np.array(likes) / sum(likes)
        chosen = [user % n_items, *rng.choice(n_items, a_user + 1, replace=False, p=likes)]
        for k, item in enumerate(list(dict.fromkeys(map(int, chosen)))[:a_user]):
            ratings.append(
                (user, item, int(rng.choice((2, 3, 4, 4, 4, 5, 5, 5))), 86_400 * k + 60 * user)
            )
    return World(ratings, titles, genres)


def ml_latest_small(path: Path, of: World) -> None:
    """MovieLens latest and 20M to 32M: CSV with \\r\\n, halves of stars, quoted titles, tags."""
    rows = [(u, i, rating + 0.5 * (rating == 4), t) for u, i, rating, t in of.rows()]
    _csv(path / "ratings.csv", ("userId", "movieId", "rating", "timestamp"), rows)
    named = [
        (i + 1, title, "|".join(genres) or "(no genres listed)")
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    _csv(path / "movies.csv", ("movieId", "title", "genres"), named)
    words = ("Funny", "funny", "quirky, slow")
    tags = [(u, i, words[u % 2 if i % 2 else 2], t) for u, i, _, t in of.rows()[::4]]
    _csv(path / "tags.csv", ("userId", "movieId", "tag", "timestamp"), tags)
    links = [(i + 1, f"{i:07}", 800 + i if i % 9 else "") for i in range(len(of.titles))]
    _csv(path / "links.csv", ("movieId", "imdbId", "tmdbId"), links)
    (path / "README.txt").write_text("Summary\n=======\n")


def ml_1m(path: Path, of: World) -> None:
    """MovieLens 1M and 10M: `::` between the fields, Latin-1."""
    _lines(path / "ratings.dat", of.rows(), "::")
    named = [
        (i + 1, title, "|".join(genres or ["Drama"]))
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    _lines(path / "movies.dat", named, "::", encoding="latin-1")
    users = [(u + 1, "FM"[u % 2], 25, 10, "48067") for u in range(of.n_users)]
    _lines(path / "users.dat", users, "::")
    (path / "README").write_text("SUMMARY\n")


def ml_100k(path: Path, of: World) -> None:
    """MovieLens 100K: tabs; `|` and Latin-1; the folds and the users beside them."""
    _lines(path / "u.data", of.rows(), "\t")
    genres = ("unknown", *GENRES)
    (path / "u.genre").write_text("".join(f"{g}|{n}\n" for n, g in enumerate(genres)) + "\n")
    films = []
    for i, (title, mine) in enumerate(zip(of.titles, of.genres, strict=True)):
        flags = [int(genre in (mine or ["unknown"])) for genre in genres]
        address = "" if i % 11 == 0 else f"http://us.imdb.com/M/title-exact?{i}"
        films.append((i + 1, title, "" if i % 11 == 0 else "01-Jan-1995", "", address, *flags))
    _lines(path / "u.item", films, "|", encoding="latin-1")
    users = [(u + 1, 24, "M", "technician", "85711") for u in range(of.n_users)]
    _lines(path / "u.user", users, "|")
    (path / "u.info").write_text(f"{of.n_users} users\n{len(of.titles)} items\n")
    for fold in ("u1", "u2", "ua"):
        _lines(path / f"{fold}.base", of.rows()[::2], "\t")
        _lines(path / f"{fold}.test", of.rows()[1::2], "\t")
    (path / "allbut.pl").write_text("#!/usr/local/bin/perl\n")


def amazon_2014(path: Path, of: World) -> None:
    """reviews_X_5.json.gz as JSON; meta_X.json.gz as Python writes dictionaries."""
    reviews = [
        {"reviewerID": _user(u), "asin": _asin(i), "reviewerName": 'J. "Jo" Doe', "helpful": [2, 3]}
        | {"reviewText": "Fine,\nreally.", "overall": float(rating), "summary": "Fine"}
        | {"unixReviewTime": t, "reviewTime": "09 1, 2013"}
        for u, i, rating, t in of.rows()
    ]
    _packed(path / "reviews_Beauty_5.json.gz", map(json.dumps, reviews))
    n_items = len(of.titles)
    products: list[dict[str, Any]] = []
    for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True)):
        near = [_asin(1 + (i + step) % n_items) for step in (6, 12)]
        product: dict[str, Any] = {"asin": _asin(i + 1), "imUrl": f"http://ecx/{i}.jpg"}
        product |= {"categories": [["Beauty", genre] for genre in genres] or [["Beauty"]]}
        if i % 10:
            product |= {"title": f"{title} &amp; \\ more", "price": 9.99, "brand": f"Brand {i % 7}"}
            product |= {"description": "It's \u2019new\u2019", "salesRank": {"Beauty": 100 + i}}
        if i % 4:
            product["related"] = {"also_bought": [*near, "B00GONE000"], "also_viewed": near[:1]}
        products.append(product)
    products += [{"asin": "B00NOBODY0", "title": "Bought by nobody", "categories": [["Beauty"]]}]
    _packed(path / "meta_Beauty.json.gz", map(repr, products))


def amazon_2018(path: Path, of: World) -> None:
    """X_5.json.gz and meta_X.json.gz as JSON; a product stands in meta twice."""
    reviews = [
        {"overall": float(rating), "verified": True, "reviewTime": "09 1, 2016"}
        | {"reviewerID": _user(u), "asin": _asin(i), "reviewerName": "Ann", "reviewText": "Good"}
        | {"summary": "Five Stars", "unixReviewTime": t}
        | (
            {"style": {"Size:": " 1 oz"}, "vote": "3", "image": ["https://x/1.jpg"]}
            if u % 5
            else {}
        )
        for u, i, rating, t in of.rows()
    ]
    _packed(path / "All_Beauty_5.json.gz", map(json.dumps, reviews))
    n_items = len(of.titles)
    products: list[dict[str, Any]] = [
        {"category": ["Beauty", *genres] if i % 2 else [], "tech1": "", "description": ["Good", ""]}
        | {"fit": "", "title": title, "tech2": "", "brand": f"Brand {i % 7}" if i % 3 else ""}
        | {"also_buy": [_asin(1 + (i + 6) % n_items)] if i % 4 else [], "feature": []}
        | {"rank": ["1,234 in Beauty"] if i % 2 else "77 in Beauty (", "also_view": []}
        | {"details": {"ASIN: ": _asin(i + 1)} if i % 2 else "", "main_cat": "All Beauty"}
        | {"similar_item": "", "date": "", "price": "$44.99", "asin": _asin(i + 1)}
        | {"imageURL": ["https://x/s.jpg"] if i % 2 else [], "imageURLHighRes": []}
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    _packed(path / "meta_All_Beauty.json.gz", map(json.dumps, [*products, products[0]]))


def amazon_2023(path: Path, of: World) -> None:
    """X.jsonl and meta_X.jsonl: parent_asin, milliseconds, prices of two types, nulls."""
    reviews = [
        {"rating": float(rating), "title": "Such a lovely scent", "text": "Light.\nNice.<br />"}
        | {"images": [{"small_image_url": "https://x/s.jpg"}] if u % 9 == 0 else []}
        | {"asin": f"V{_asin(i)[1:]}", "parent_asin": _asin(i), "user_id": _user(u)}
        | {"timestamp": 1000 * t + 923, "helpful_vote": 0, "verified_purchase": True}
        for u, i, rating, t in of.rows()
    ]
    _lines(path / "All_Beauty.jsonl", ([json.dumps(row)] for row in reviews), "")
    products = [
        {"main_category": "All Beauty", "title": title, "average_rating": 4.8, "rating_number": 10}
        | {"features": [], "description": ["Smells well"] if i % 2 else []}
        | {"price": (None, 12.5, "from 9.99")[i % 3]}
        | {"images": [{"thumb": "https://x/t.jpg", "large": "https://x/l.jpg", "variant": "MAIN"}]}
        | {"videos": [], "store": f"Store {i % 7}" if i % 3 else None}
        | {"categories": ["Beauty", *genres] if i % 2 else []}
        | {"details": {"Brand": "X", "Is Discontinued By Manufacturer": "No"}}
        | {"parent_asin": _asin(i + 1), "bought_together": None}
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    _lines(path / "meta_All_Beauty.jsonl", ([json.dumps(row)] for row in products), "")


def yelp(path: Path, of: World) -> None:
    """review.json, business.json and the files of users, tips and check-ins, with dates."""
    stem = "yelp_academic_dataset_"
    reviews = [
        {"review_id": f"r{n}", "user_id": _user(u), "business_id": _asin(i), "stars": float(rating)}
        | {"useful": 0, "funny": 0, "cool": 1, "text": "If you decide to eat here,\n\nwait."}
        | {"date": str(datetime(2016, 7, 7, 22, 9, 11) + timedelta(days=n // 9, seconds=n))}
        for n, (u, i, rating, _) in enumerate(of.rows())
    ]
    _lines(path / f"{stem}review.json", ([json.dumps(row)] for row in reviews), "")
    places = [
        {"business_id": _asin(i + 1), "name": title, "address": "1 A St, Ste 2", "city": "Tucson"}
        | {"state": "AZ", "postal_code": "85711", "latitude": 32.2, "longitude": -110.9}
        | {"stars": 3.5, "review_count": 22, "is_open": i % 2}
        | {"attributes": {"ByAppointmentOnly": "True"} if i % 2 else None}
        | {"categories": ", ".join(["Restaurants", *genres]) if i % 9 else None}
        | {"hours": {"Monday": "8:0-22:0"} if i % 3 else None}
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    _lines(path / f"{stem}business.json", ([json.dumps(row)] for row in places), "")
    users = [
        {"user_id": _user(u + 1), "name": "Walker", "yelping_since": "2007-01-25 16:47:26"}
        | {"elite": "2007", "friends": f"{_user(1)}, {_user(2)}", "average_stars": 3.9}
        for u in range(of.n_users)
    ]
    _lines(path / f"{stem}user.json", ([json.dumps(row)] for row in users), "")
    (path / f"{stem}tip.json").write_text('{"user_id": "a", "business_id": "b", "text": "t"}\n')
    (path / f"{stem}checkin.json").write_text('{"business_id": "b", "date": "2020-03-13 21:10"}\n')


def kgat(path: Path, of: World) -> None:
    """KGAT, KGIN: lists of numbers, a user without test items, four lists of what was numbered."""
    train, test = of.lists()
    train[3], test[3] = [*train[3], *test[3][1:]], test[3][:1]
    _lines(path / "train.txt", train, " ")
    _lines(path / "test.txt", test, " ")
    n_items = len(of.titles)
    triples = [(i, 0, n_items + GENRES.index(g)) for i in range(n_items) for g in of.genres[i]] + [
        (n_items + 6 + i % 4, 1, i) for i in range(n_items)
    ]
    _lines(path / "kg_final.txt", [*triples, (n_items, 2, n_items + 1)], " ")
    users = [(_user(u), u) for u in range(of.n_users)]
    _lines(path / "user_list.txt", [("org_id", "remap_id"), *users], " ")
    items = [(_asin(i), i, f"m.0{i:x}x") for i in range(n_items)]
    _lines(path / "item_list.txt", [("org_id", "remap_id", "freebase_id"), *items], " ")
    entities = [(f"m.0{i:x}x", i) for i in range(n_items + 10)]
    _lines(path / "entity_list.txt", [("org_id", "remap_id"), *entities], " ")
    stem = "http://rdf.freebase.com/ns/book"
    names = [(f"{stem}.{n}", i) for i, n in enumerate(("genre", "author.works", "genre.parent"))]
    _lines(path / "relation_list.txt", [("org_id", "remap_id"), *names], " ")


def lightgcn(path: Path, of: World) -> None:
    """LightGCN: lists and no knowledge; blanks at line ends, and its matrix beside them."""
    train, test = of.lists()
    (path / "train.txt").write_text("".join(" ".join(map(str, row)) + " \n" for row in train))
    _lines(path / "test.txt", test, " ")
    (path / "s_pre_adj_mat.npz").write_bytes(b"PK\x03\x04")


def kgcn(path: Path, of: World) -> None:
    """What preprocess.py of KGCN and RippleNet writes: labels, as many 0 as 1."""
    liked = [(u, i, 1) for u, i, _, _ in of.ratings]
    other = [(u, (i + 1) % len(of.titles), 0) for u, i, _ in liked]
    known = {row[:2] for row in liked}
    rows = [row for row in [*liked, *other] if row[2] or row[:2] not in known]
    _lines(path / "ratings_final.txt", rows, "\t")
    n_items = len(of.titles)
    triples = [(i, 0, n_items + GENRES.index(g)) for i in range(n_items) for g in of.genres[i]]
    _lines(path / "kg_final.txt", triples, "\t")
    _lines(path / "item_index2entity_id.txt", [(1000 + i, i) for i in range(n_items)], "\t")
    triples_before = [(h, "music.genre", t) for h, _, t in triples]
    _lines(path / "kg.txt", triples_before, "\t")


def recbole(path: Path, of: World) -> None:
    """ml-100k as RecBole publishes it, under the name of its directory."""
    stem = path / path.name
    head = ("user_id:token", "item_id:token", "rating:float", "timestamp:float")
    _lines(stem.with_suffix(".inter"), [head, *of.rows()], "\t")
    films = [
        (i + 1, title, 1950 + i % 50, " ".join(genres))
        for i, (title, genres) in enumerate(zip(of.titles, of.genres, strict=True))
    ]
    head = ("item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq")
    _lines(stem.with_suffix(".item"), [head, *films], "\t")
    users = [(u + 1, 24, "M") for u in range(of.n_users)]
    _lines(
        stem.with_suffix(".user"), [("user_id:token", "age:token", "gender:token"), *users], "\t"
    )


def mmrec(path: Path, of: World) -> None:
    """baby as MMRec publishes it: numbers, a split, features, what was numbered."""
    mine = len(of.ratings) // of.n_users
    labels = [0] * (mine - 2) + [1, 2]
    rows = [(u, i, float(r), t, labels[n % mine]) for n, (u, i, r, t) in enumerate(of.ratings)]
    head = ("userID", "itemID", "rating", "timestamp", "x_label")
    _lines(path / "baby.inter", [head, *rows], "\t")
    rng = np.random.default_rng(1)
    for name, width in (("image", 64), ("text", 32)):
        np.save(path / f"{name}_feat.npy", _features(of, width, rng))
    items = [(_asin(i), i) for i in range(len(of.titles))]
    _lines(path / "i_id_mapping.csv", [("asin", "itemID"), *items], "\t")
    users = [(_user(u), u) for u in range(of.n_users)]
    _lines(path / "u_id_mapping.csv", [("user_id", "userID"), *users], "\t")


def kdiffe(path: Path, of: World) -> None:
    """KDiffE, DiffMM: three pickled matrices, float16 features, a graph that says nothing."""
    train, test = of.lists()
    parts = {
        "trnMat": [(row[0], i) for row in train for i in row[1:]],
        "valMat": [(row[0], row[1]) for row in test],
        "tstMat": [(row[0], row[2]) for row in test],
    }
    for name, pairs in parts.items():
        ends = tuple(np.array(pairs).T)
        matrix = sparse.coo_matrix((np.ones(len(pairs)), ends), (of.n_users, len(of.titles)))
        (path / f"{name}.pkl").write_bytes(pickle.dumps(matrix))
    for name, seed in (("image", 1), ("audio", 2)):
        found = _features(of, 32, np.random.default_rng(seed))
        np.save(path / f"{name}_feat.npy", found.astype(np.float16))
    _lines(path / "kg.txt", [(i, r, r + 1) for i in range(len(of.titles)) for r in range(3)], " ")


def megcf(path: Path, of: World) -> None:
    """MEGCF: lists, those of validation in train.txt too; words and classes as numbers."""
    train, test = of.lists()
    held = [[row[0], row[1]] for row in test]
    _lines(path / "train.txt", [[*row, one[1]] for row, one in zip(train, held, strict=True)], " ")
    _lines(path / "validation.txt", held, " ")
    _lines(path / "test.txt", [[row[0], row[2]] for row in test], " ")
    items = range(len(of.titles))
    classes = [(i, *(GENRES.index(g) for g in of.genres[i] or GENRES[:1])) for i in items]
    _lines(path / "i2e_visual.txt", classes, " ")
    words = [(i, *(6 + _WORDS.index(w) for w in of.titles[i].split()[:2])) for i in items]
    _lines(path / "i2e_title.txt", words, " ")


PUBLISHED: dict[str, Callable[[Path, World], None]] = {
    "ml-latest-small": ml_latest_small,
    "ml-1m": ml_1m,
    "ml-100k": ml_100k,
    "Beauty": amazon_2014,
    "All_Beauty_2018": amazon_2018,
    "All_Beauty_2023": amazon_2023,
    "yelp": yelp,
    "amazon-book": kgat,
    "gowalla": lightgcn,
    "music": kgcn,
    "recbole/ml-100k": recbole,
    "mmrec/baby": mmrec,
    "tiktok": kdiffe,
    "megcf-beauty": megcf,
}


def _features(of: World, width: int, rng: np.random.Generator) -> np.ndarray:
    """f64[items, width]: near to one another where the first genre is the same."""
    kind = np.array([GENRES.index((genres or GENRES)[0]) for genres in of.genres])
    means = rng.normal(size=(len(GENRES), width))
    return means[kind] + 0.3 * rng.normal(size=(len(kind), width))


def _user(number: int) -> str:
    return f"A{number:013}"


def _asin(number: int) -> str:
    return f"B00{number:07}"


def _csv(file: Path, head: Sequence[str], rows: Iterable[Sequence]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])


def _lines(file: Path, rows: Iterable[Sequence], mark: str, encoding: str = "utf-8") -> None:
    text = "".join(mark.join(map(str, row)) + "\n" for row in rows)
    file.write_text(text, encoding=encoding, newline="")


def _packed(file: Path, lines: Iterable[str]) -> None:
    file.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
