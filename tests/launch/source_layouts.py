"""Small directories of every source layout, for tests of the commands."""

from __future__ import annotations

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
        lines = []
        for user in range(N_USERS):
            mine = [
                str(i) for (u, i), s in zip(PAIRS, SPLIT, strict=True) if u == user and s in numbers
            ]
            lines.append(" ".join([str(user), *mine]))
        (path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    lines = [f"{i} {i % 3} {3 + i % 2}" for i in range(N_ITEMS)]
    (path / "i2e_title.txt").write_text("\n".join(lines) + "\n")


def tables(path: Path) -> None:
    rows = [f"u{u},p{i},{n}" for n, (u, i) in enumerate(PAIRS)]
    (path / "interactions.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(rows) + "\n")
    items = [f"p{i},A red thing,B{i % 3}" for i in range(N_ITEMS)]
    (path / "items.csv").write_text("item_id,title,brand\n" + "\n".join(items) + "\n")
    triples = [f"p{i},colour,{'red' if i % 2 else 'blue'}" for i in range(N_ITEMS)]
    (path / "triples.csv").write_text("item,relation,entity\n" + "\n".join(triples) + "\n")


LAYOUTS = {
    "kdiffe": kdiffe,
    "mmrec": mmrec,
    "recbole": recbole,
    "megcf": megcf,
    "tables": tables,
}


def _features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N_ITEMS, 4)).astype(np.float16)
