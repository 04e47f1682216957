"""Small directories of every source layout, for tests of the commands."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import numpy as np
from scipy import sparse

N_USERS, N_ITEMS = 12, 9
PAIRS = [(u, (2 * u + k) % N_ITEMS) for u in range(N_USERS) for k in range(6)]
SPLIT = [(0, 0, 0, 0, 1, 2)[k] for _ in range(N_USERS) for k in range(6)]


def kdiffe(path: Path) -> None:
    for name, number in (("trnMat", 0), ("valMat", 1), ("tstMat", 2)):
        rows, columns = np.array([p for p, s in zip(PAIRS, SPLIT, strict=True) if s == number]).T
        matrix = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), (N_USERS, N_ITEMS))
        (path / f"{name}.pkl").write_bytes(pickle.dumps(matrix))
    lines = [f"{i} {r} {i % (r + 2)}" for i in range(N_ITEMS) for r in range(2)]
    (path / "kg.txt").write_text("\n".join(lines) + "\n")
    np.save(path / "image_feat.npy", _features())


def mmrec(path: Path) -> None:
    rows = [f"{u}\t{i}\t{s}" for (u, i), s in zip(PAIRS, SPLIT, strict=True)]
    (path / "shop.inter").write_text("userID\titemID\tx_label\n" + "\n".join(rows) + "\n")
    np.save(path / "image_feat.npy", _features())


def recbole(path: Path) -> None:
    rows = [f"u{u}\tp{i}\t4.5\t{n}" for n, (u, i) in enumerate(PAIRS)]
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    (path / "shop.inter").write_text(head + "\n".join(rows) + "\n")
    items = [f"p{i}\tA red thing\tB{i % 3}" for i in range(N_ITEMS)]
    head = "item_id:token\ttitle:token_seq\tbrand:token\n"
    (path / "shop.item").write_text(head + "\n".join(items) + "\n")
    triples = [f"m{i}\tby\tx{i % 3}" for i in range(N_ITEMS)]
    head = "head_id:token\trelation_id:token\ttail_id:token\n"
    (path / "shop.kg").write_text(head + "\n".join(triples) + "\n")
    links = [f"p{i}\tm{i}" for i in range(N_ITEMS)]
    (path / "shop.link").write_text("item_id:token\tentity_id:token\n" + "\n".join(links) + "\n")


def megcf(path: Path) -> None:
    for name, numbers in (("train", (0, 1)), ("validation", (1,)), ("test", (2,))):
        (path / f"{name}.txt").write_text(_lists(numbers))
    lines = [f"{i} {i % 3} {3 + i % 2}" for i in range(N_ITEMS)]
    (path / "i2e_title.txt").write_text("\n".join(lines) + "\n")


def tables(path: Path) -> None:
    rows = [f"u{u},p{i},{n}" for n, (u, i) in enumerate(PAIRS)]
    (path / "interactions.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(rows) + "\n")
    items = [f"p{i},A red thing,B{i % 3}" for i in range(N_ITEMS)]
    (path / "items.csv").write_text("item_id,title,brand\n" + "\n".join(items) + "\n")
    triples = [f"p{i},colour,{'red' if i % 2 else 'blue'}" for i in range(N_ITEMS)]
    (path / "triples.csv").write_text("item,relation,entity\n" + "\n".join(triples) + "\n")


def lightgcn(path: Path) -> None:
    for name, numbers in (("train", (0, 1)), ("test", (2,))):
        (path / f"{name}.txt").write_text(_lists(numbers))
    triples = [f"{i} 0 {N_ITEMS + i % 3}\n" for i in range(N_ITEMS)]
    (path / "kg_final.txt").write_text("".join(triples) + f"0 1 5\n{N_ITEMS} 2 3\n")
    items = [f"p{i} {i}\n" for i in range(N_ITEMS)]
    (path / "item_list.txt").write_text("org_id remap_id\n" + "".join(items))


def kgcn(path: Path) -> None:
    ratings = [f"{u}\t{i}\t1\n" for u, i in PAIRS] + ["0\t8\t0\n"]
    (path / "ratings_final.txt").write_text("".join(ratings))
    triples = [(i, i % 2, N_ITEMS + i % 3) for i in range(N_ITEMS)]
    np.save(path / "kg_final.npy", np.array(triples))
    lines = [f"p{i}\t{i}\n" for i in range(N_ITEMS)]
    (path / "item_index2entity_id.txt").write_text("".join(lines))


def movielens(path: Path) -> None:
    rows = [f"{u}::{i}::4::{n}\n" for n, (u, i) in enumerate(PAIRS)]
    (path / "ratings.dat").write_text("".join(rows))
    movies = [f"{i}::A red thing::{'War|Drama' if i % 2 else 'War'}\n" for i in range(N_ITEMS)]
    (path / "movies.dat").write_text("".join(movies))
    tags = [f"{u}::{i}::dull::9\n" for u, i in PAIRS[:20]]
    (path / "tags.dat").write_text("".join(tags))


def amazon(path: Path) -> None:
    rows = [{"reviewerID": f"u{u}", "asin": f"B{i}", "overall": 4.0} for u, i in PAIRS]
    (path / "reviews.json.gz").write_bytes(gzip.compress(_json_lines(rows), mtime=0))
    products = [
        {"asin": f"B{i}", "title": "A red thing", "categories": [["A", f"B{i % 3}"]]}
        | {"also_buy": [f"B{(i + 1) % N_ITEMS}"]}
        for i in range(N_ITEMS)
    ]
    lines = "".join(f"{row!r}\n" for row in products)
    (path / "meta.json").write_text(lines)


def yelp(path: Path) -> None:
    rows = [{"user_id": f"u{u}", "business_id": f"b{i}", "stars": 4.0} for u, i in PAIRS]
    (path / "yelp_academic_dataset_review.json").write_bytes(_json_lines(rows))
    places = [
        {
            "business_id": f"b{i}",
            "name": "A red thing",
            "categories": "Food, Tea" if i % 2 else "Tea",
        }
        for i in range(N_ITEMS)
    ]
    (path / "yelp_academic_dataset_business.json").write_bytes(_json_lines(places))


LAYOUTS = {
    "kdiffe": kdiffe,
    "mmrec": mmrec,
    "recbole": recbole,
    "megcf": megcf,
    "lightgcn": lightgcn,
    "kgcn": kgcn,
    "movielens": movielens,
    "amazon": amazon,
    "yelp": yelp,
    "tables": tables,
}


def _lists(numbers: tuple[int, ...]) -> str:
    """A line a user: the user, then the items of these splits."""
    lines = []
    for user in range(N_USERS):
        mine = [i for (u, i), s in zip(PAIRS, SPLIT, strict=True) if u == user and s in numbers]
        lines.append(" ".join(map(str, [user, *mine])) + "\n")
    return "".join(lines)


def _json_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N_ITEMS, 4)).astype(np.float16)
