"""A shop as each source layout has it; each writer says what names the layout leaves."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse

from kdiffe_jax.data.dataset import Dataset
from kdiffe_jax.data.readers.prepared import write_prepared
from kdiffe_jax.data.rows import sorted_unique
from kdiffe_jax.data.tables.arrow import arrow
from tests.generated.shops import SPLITS, Shop

NAME = "shop"


def kdiffe(shop: Shop, path: Path) -> Shop:
    """Matrices and kg.txt: nothing has a name."""
    shape = len(shop.users), len(shop.items)
    for number, file in enumerate(("trnMat", "valMat", "tstMat")):
        rows = np.array(shop.of_split(number), np.int64).reshape(-1, 2)
        matrix = sparse.coo_matrix((np.ones(len(rows), np.float32), tuple(rows.T)), shape)
        (path / f"{file}.pkl").write_bytes(pickle.dumps(matrix))
    relations, entities = _numbers(shop.relations, 3), _numbers(shop.entities, 10**9 + 7)
    lines = [f"{i} {relations[r]} {entities[e]}" for i, r, e in shop.triples]
    if lines:
        _write(path / "kg.txt", lines)
    _save_features(shop, path)
    return shop._replace(
        users=_numbers(shop.users),
        items=_numbers(shop.items),
        relations=tuple(f"relation {number}" for number in relations),
        entities=tuple(f"entity {number}" for number in entities),
    )


def mmrec(shop: Shop, path: Path) -> Shop:
    """Numbers only; items are those with a row of features, or up to the last that occurs."""
    users = _numbers(shop.users, 3)
    _write_inter(shop, path, users)
    _save_features(shop, path)
    last = 1 + max(item for _, item, _ in shop.pairs)
    n_items = len(shop.items) if shop.features else last
    return shop._replace(users=users, items=_numbers(shop.items[:n_items]), triples=())


def mmrec_named(shop: Shop, path: Path) -> Shop:
    """With the two mapping files."""
    users = _numbers(shop.users, 3)
    _write_inter(shop, path, users)
    named = zip(shop.users, users, strict=True)
    _write_rows(path / "u_id_mapping.csv", ["user_id", "userID"], named)
    named = zip(shop.items, _numbers(shop.items), strict=True)
    _write_rows(path / "i_id_mapping.csv", ["asin", "itemID"], named)
    _save_features(shop, path)
    return shop._replace(triples=())


def recbole(shop: Shop, path: Path) -> Shop:
    """Atomic files of a given split, entities of the knowledge graph linked to items."""
    for number, split in enumerate(SPLITS):
        rows = [(shop.users[u], shop.items[i]) for u, i in shop.of_split(number)]
        _write_rows(path / f"{NAME}.{split}.inter", ["user_id:token", "item_id:token"], rows)
    _write_rows(path / f"{NAME}.item", ["item_id:token"], [(item,) for item in shop.items])
    head = ["head_id:token", "relation_id:token", "tail_id:token"]
    rows = [(f"item {i}", shop.relations[r], shop.entities[e]) for i, r, e in shop.triples]
    if rows:
        _write_rows(path / f"{NAME}.kg", head, rows)
        links = [(item, f"item {i}") for i, item in enumerate(shop.items)]
        _write_rows(path / f"{NAME}.link", ["item_id:token", "entity_id:token"], links)
    return shop._replace(features={})


def megcf(shop: Shop, path: Path) -> Shop:
    """Lists of numbers; train holds the validation pairs too."""
    for file, splits in (("train", (0, 1)), ("validation", (1,)), ("test", (2,))):
        of_user = [[user] for user in range(len(shop.users))]
        for user, item, split in shop.pairs:
            if split in splits:
                of_user[user].append(item)
        _write(path / f"{file}.txt", [" ".join(map(str, ids)) for ids in of_user])
    entities = _numbers(shop.entities, 5)
    for number in range(len(shop.relations)):
        of_item = [[str(item)] for item in range(len(shop.items))]
        for item, relation, entity in shop.triples:
            if relation == number:
                of_item[item].append(entities[entity])
        _write(path / f"i2e_{number}.txt", map(" ".join, of_item))
    last = 1 + max(item for _, item, _ in shop.pairs)
    return shop._replace(
        users=_numbers(shop.users),
        items=_numbers(shop.items if shop.triples else shop.items[:last]),
        relations=_numbers(shop.relations),
        entities=entities,
        features={},
    )


def lightgcn(shop: Shop, path: Path) -> Shop:
    """Lists of numbers, no validation file; one range of numbers for items and entities."""
    shop = shop._replace(pairs=tuple((u, i, 2 * (s // 2)) for u, i, s in shop.pairs))
    for file, split in (("train", 0), ("test", 2)):
        of_user = [[user] for user in range(len(shop.users))]
        for user, item in shop.of_split(split):
            of_user[user].append(item)
        _write(path / f"{file}.txt", [" ".join(map(str, ids)) for ids in of_user])
    first = len(shop.items)
    items = tuple(f"p{number}" for number in range(first))
    _write(path / "item_list.txt", ["org_id remap_id", *_numbered_lines(items)])
    if shop.triples:
        _write(path / "kg_final.txt", [f"{i} {r} {first + e}" for i, r, e in shop.triples])
    return _of_numbers(shop, items)


def kgcn(shop: Shop, path: Path) -> Shop:
    """Pairs with a label and no split; the first user has not what the label 0 says."""
    pairs = tuple((u, i, 0) for u, i, _ in shop.pairs)
    liked = [f"{u}\t{i}\t1" for u, i, _ in pairs]
    other = [f"0\t{i}\t0" for i in range(len(shop.items)) if (0, i, 0) not in pairs]
    _write(path / "ratings_final.txt", [*liked, *other])
    first = len(shop.items)
    items = tuple(f"p{number}" for number in range(first))
    _write(path / "item_index2entity_id.txt", _numbered_lines(items))
    if shop.triples:
        _write(path / "kg_final.txt", [f"{i}\t{r}\t{first + e}" for i, r, e in shop.triples])
    return _of_numbers(shop._replace(pairs=pairs), items)


def movielens(shop: Shop, path: Path) -> Shop:
    """As since 2014, and without a split."""
    rows = [(shop.users[u], shop.items[i]) for u, i, _ in shop.pairs]
    (path / "ratings.csv").write_bytes(_as_csv(["userId", "movieId"], rows, ","))
    rows = [(item, "Heat (1995)") for item in shop.items]
    (path / "movies.csv").write_bytes(_as_csv(["movieId", "title"], rows, ","))
    pairs = tuple((u, i, 0) for u, i, _ in shop.pairs)
    return shop._replace(pairs=pairs, triples=(), features={})


def amazon(shop: Shop, path: Path) -> Shop:
    """Lines of JSON, without a split."""
    rows = [{"user_id": shop.users[u], "asin": shop.items[i]} for u, i, _ in shop.pairs]
    _write(path / "reviews.jsonl", map(json.dumps, rows))
    _write(path / "meta.jsonl", [json.dumps({"asin": item}) for item in shop.items])
    pairs = tuple((u, i, 0) for u, i, _ in shop.pairs)
    return shop._replace(pairs=pairs, triples=(), features={})


def csv_tables(shop: Shop, path: Path) -> Shop:
    """Quoted where needed, as a spreadsheet writes it."""
    for stem, head, rows in _tables(shop):
        (path / f"{stem}.csv").write_bytes(_as_csv(head, rows, ","))
    return _with_ids_of_rows(shop, path)


def packed_tables(shop: Shop, path: Path) -> Shop:
    """Tab-separated and gzipped."""
    for stem, head, rows in _tables(shop):
        (path / f"{stem}.tsv.gz").write_bytes(gzip.compress(_as_csv(head, rows, "\t"), mtime=0))
    return _with_ids_of_rows(shop, path)


def parquet_tables(shop: Shop, path: Path) -> Shop:
    """Parquet."""
    pa = arrow()
    for stem, head, rows in _tables(shop):
        columns = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
        pa.parquet.write_table(pa.table(columns), path / f"{stem}.parquet")
    return _with_ids_of_rows(shop, path)


def prepared(shop: Shop, path: Path) -> Shop:
    """Our own format, without the checksums, which would refuse every change."""
    write_prepared(dataset_of(shop), path / "draft")
    for file in (path / "draft").iterdir():
        file.rename(path / file.name)
    (path / "draft").rmdir()
    manifest = (path / "dataset.json").read_text(encoding="utf-8")
    (path / "dataset.json").write_text(manifest.replace('"sha256"', '"unchecked"'))
    return shop


def dataset_of(shop: Shop) -> Dataset:
    """The shop as it is, without any file."""
    pairs = [np.array(shop.of_split(number), int).reshape(-1, 2) for number in range(3)]
    return Dataset(
        name=NAME,
        n_users=len(shop.users),
        n_items=len(shop.items),
        n_entities=len(shop.entities),
        **dict(zip(SPLITS, map(sorted_unique, pairs), strict=True)),
        triples=sorted_unique(np.array(shop.triples, int).reshape(-1, 3)),
        relation_names=shop.relations,
        entity_names=shop.entities,
        user_ids=shop.users,
        item_ids=shop.items,
        features=shop.features,
    )


# Layout as `read_source` calls it, and the writer.
LAYOUTS = {
    "kdiffe": ("kdiffe", kdiffe),
    "mmrec": ("mmrec", mmrec),
    "mmrec, named": ("mmrec", mmrec_named),
    "recbole": ("recbole", recbole),
    "megcf": ("megcf", megcf),
    "lightgcn": ("lightgcn", lightgcn),
    "kgcn": ("kgcn", kgcn),
    "movielens": ("movielens", movielens),
    "amazon": ("amazon", amazon),
    "csv": ("tables", csv_tables),
    "tsv.gz": ("tables", packed_tables),
    "parquet": ("tables", parquet_tables),
    "prepared": ("prepared", prepared),
}


def _tables(shop: Shop) -> Iterable[tuple[str, list[str], list[tuple[str, ...]]]]:
    rows = [(shop.users[u], shop.items[i], SPLITS[s]) for u, i, s in shop.pairs]
    yield "interactions", ["user_id", "item_id", "split"], rows
    yield "items", ["item_id"], [(item,) for item in shop.items]
    if shop.triples:
        rows = [(shop.items[i], shop.relations[r], shop.entities[e]) for i, r, e in shop.triples]
        yield "triples", ["item", "relation", "entity"], rows


def _of_numbers(shop: Shop, items: tuple[str, ...]) -> Shop:
    """The shop as its numbers say it, entities after the items."""
    first = len(items)
    return shop._replace(
        users=_numbers(shop.users),
        items=items,
        relations=tuple(f"relation {number}" for number in range(len(shop.relations))),
        entities=tuple(f"entity {first + number}" for number in range(len(shop.entities))),
        features={},
    )


def _numbered_lines(names: Sequence[str]) -> list[str]:
    return [f"{name} {number}" for number, name in enumerate(names)]


def _with_ids_of_rows(shop: Shop, path: Path) -> Shop:
    _save_features(shop, path)
    for modality in shop.features:
        _write(path / f"{modality}_feat.ids.txt", shop.items)
    return shop


def _as_csv(head: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode()


def _write_inter(shop: Shop, path: Path, users: Sequence[str]) -> None:
    rows = [(users[u], str(i), str(s)) for u, i, s in shop.pairs]
    _write_rows(path / f"{NAME}.inter", ["userID", "itemID", "x_label"], rows)


def _write_rows(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    _write(file, map("\t".join, [head, *rows]))


def _write(file: Path, lines: Iterable[str]) -> None:
    """A mark at the start of the first name is a letter of it only behind another mark."""
    text = "".join(f"{line}\n" for line in lines)
    file.write_bytes(text.encode("utf-8-sig" if text.startswith("\ufeff") else "utf-8"))


def _save_features(shop: Shop, path: Path) -> None:
    for modality, rows in shop.features.items():
        np.save(path / f"{modality}_feat.npy", rows)


def _numbers(names: Sequence[str], factor: int = 1) -> tuple[str, ...]:
    return tuple(str(factor * number) for number in range(len(names)))
