"""Every reader with a small directory of files that it reads: what the fuzzer damages."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags as absl_flags
from scipy import sparse

from kdiffe_jax.baselines import cache as baseline_cache
from kdiffe_jax.data import extra_files
from kdiffe_jax.data.catalogue import catalogue_of
from kdiffe_jax.data.prepare import prepare
from kdiffe_jax.data.public.unzip import unzip
from kdiffe_jax.data.readers.arrays import load_features
from kdiffe_jax.data.readers.link_table import add_neighbours, add_triples
from kdiffe_jax.data.readers.prepared import read_prepared, write_prepared
from kdiffe_jax.data.readers.safe_pickle import load_sparse
from kdiffe_jax.data.settings import LabelSettings
from kdiffe_jax.data.sources import read_source
from kdiffe_jax.data.synthetic import PlantedSizes, planted_dataset
from kdiffe_jax.data.tables.arrow import arrow
from kdiffe_jax.data.tables.delimited import open_table
from kdiffe_jax.extract.entries import file_entries
from kdiffe_jax.models.registry import make_config
from kdiffe_jax.report.run_files import read_run
from kdiffe_jax.storage.saved_model import _ARRAYS, _NAMES, MODEL, SavedModel, write_model
from kdiffe_jax.studies.sweep_file import read_sweep
from launch import flags
from launch.parsing import parse
from tests.data.readers.published import ml_100k, ml_latest_small, world
from tests.launch import source_layouts

PLANTED = planted_dataset(PlantedSizes(10, 16, 2, 2, 2, 4))


class Target(NamedTuple):
    """A reader; `lay_out` fills an empty directory, `read` reads it whole."""

    lay_out: Callable[[Path], None]
    read: Callable[[Path], object]


def _matrix() -> sparse.coo_matrix:
    rows, columns = PLANTED.train.T
    return sparse.coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), (10, 16))


def _pickles(path: Path) -> None:
    (path / "matrix.pkl").write_bytes(pickle.dumps(_matrix(), 2))


def _npz(path: Path) -> None:
    sparse.save_npz(path / "matrix.npz", _matrix().tocsr())


def _arrays(path: Path) -> None:
    np.save(path / "image_feat.npy", np.arange(12, dtype=np.float16).reshape(4, 3))


def _texts(path: Path) -> None:
    (path / "a.csv").write_text('user,item,name\nu1,p1,"a, b"\nu2,p2,c\n')
    (path / "b.tsv").write_text("u1\tp1\t3.5\nu2\tp2\t4\n")


def _packed(path: Path) -> None:
    pa = arrow()
    (path / "a.csv.gz").write_bytes(gzip.compress(b"user,item\nu1,p1\nu2,p2\n", mtime=0))
    table = pa.table({"user": ["u1", "u2"], "item": [1, 2], "tags": [["a"], ["b", "c"]]})
    pa.parquet.write_table(table, path / "b.parquet", compression="none")


def _read_tables(path: Path) -> None:
    for file in sorted(path.iterdir()):
        table = open_table(file)
        for _ in table.parts([name for name in table.names if table.names.count(name) == 1][:8]):
            pass


def _prepared(path: Path) -> None:
    """Without the checksums, which would refuse every change."""
    write_prepared(PLANTED, path / "data")
    for file in (path / "data").iterdir():
        file.rename(path / file.name)
    (path / "data").rmdir()
    manifest = json.loads((path / "dataset.json").read_text())
    for name in ("sha256", "statistics", "triples_per_relation"):
        del manifest[name]
    (path / "dataset.json").write_text(json.dumps(manifest))
    np.save(path / "image_feat.npy", np.ones((16, 2), np.float16))


def _extra_files(path: Path) -> None:
    (path / "items.csv").write_text("item_id,title,brand\n0,A red thing,x\n3,B,y|z\n")
    head = "item\trelation\tentity\tweight\n"
    (path / "triples.tsv").write_text(f"{head}0\tby\tx\t1\n2\tby\ty\t0.5\n")
    (path / "near.csv").write_text("item,neighbour,weight\n0,1,0.5\n3,0,0.25\n")
    (path / "image.npy").write_bytes(_npy(np.ones((2, 2), np.float32)))
    (path / "image.ids.txt").write_text("0\n3\n")
    (path / "scores.npy").write_bytes(_npy(np.full((16, 2), 0.5, np.float32)))
    (path / "names.txt").write_text("cat\ndog\n")
    (path / "like.pkl").write_bytes(pickle.dumps(sparse.coo_matrix(np.eye(16, k=1)), 4))


def _npy(rows: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, rows)
    return stream.getvalue()


def _read_extra_files(path: Path) -> None:
    catalogue = catalogue_of(PLANTED, ())
    catalogue = extra_files.add_items(catalogue, path / "items.csv")
    catalogue = add_triples(catalogue, path / "triples.tsv")
    catalogue = add_neighbours(catalogue, path / "near.csv", "near")
    catalogue = extra_files.add_features(catalogue, path / "image.npy", "image")
    scores, names = path / "scores.npy", path / "names.txt"
    catalogue = extra_files.add_labels(catalogue, scores, names, "label", LabelSettings())
    extra_files.add_similarity(catalogue, path / "like.pkl", "like")


def _sweeps(path: Path) -> None:
    ranges = "dim = [8, 16]\nlearning_rate = {low = 1e-4, high = 1e-2, log = true}\n"
    pruning = "[pruning]\nafter_trials = 2\nafter_epochs = 3\n"
    text = f'method = "tpe"\ntrials = 4\nseed = 1\n[parameters]\n{ranges}{pruning}'
    (path / "a.toml").write_text(text)
    content = {"method": "grid", "parameters": {"dim": [8, 16], "guidance": [True, False]}}
    (path / "b.json").write_text(json.dumps(content))


def _read_sweeps(path: Path) -> None:
    for name in ("a.toml", "b.json"):
        read_sweep(path / name, make_config())


def _flag_file(path: Path) -> None:
    (path / "a.flags").write_text("# comment\n--model=kdiffe\n--dim=8\n--epochs=3\n--noguidance\n")


def _read_flags(path: Path) -> None:
    values = absl_flags.FlagValues()
    words = ["main", f"--flagfile={path / 'a.flags'}"]
    flags.define(words, values)
    parse(words, values)
    flags.config(values)
    flags.baselines(values)


def _run(path: Path) -> None:
    arrays = {name: np.ones((3, 2), np.float32) for name in _ARRAYS}
    names = {name: ("a", "é") for name in _NAMES}
    config = make_config({"model": "sgl"}).to_flat()
    saved = SavedModel({"config": config}, **arrays, artifacts={"laplacian": np.ones(3)}, **names)
    write_model(saved, path / MODEL)
    (path / "config.json").write_text(json.dumps({"dataset": "synthetic", **config}))
    (path / "result.json").write_text(json.dumps({"best_epoch": 1, "valid": {"recall@20": 0.5}}))
    (path / "metrics.jsonl").write_text('{"epoch": 0, "loss": 1.5}\n{"epoch": 1, "loss": 1.25}\n')
    np.savez_compressed(path / "test_per_user.npz", users=np.arange(3))


def _caches(path: Path) -> None:
    scores = {"per_user": {"recall@20": [0.5, 0.25]}, "test": {"recall@20": 0.5}}
    content = {"sha256": baseline_cache._digest(scores), "scores": scores}
    (path / "baseline.json").write_text(json.dumps(content))
    (path / "similarity.npy").write_bytes(_npy(np.ones(6, np.float32)))


def _read_caches(path: Path) -> None:
    """A cache never refuses: what does not fit is computed again."""
    from kdiffe_jax.models.kdiffe import similarity_cache  # jax, which only this target needs

    baseline_cache._read(path / "baseline.json", n_users=2)
    similarity_cache.read_similarity(path / "similarity.npy", 6)


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("folder/kg.txt"), "0 0 1\n" * 9)
        archive.writestr(zipfile.ZipInfo("other.txt"), "other")


def _unzip(path: Path) -> None:
    unzip(path / "data.zip", path / "kg.txt", largest=1 << 16)
    (path / "kg.txt").unlink()


def _folder(path: Path) -> None:
    (path / "images.tsv").write_text("item\tfile\na\tx.jpg\nb\ty.png\n")


def _latest(path: Path) -> None:
    ml_latest_small(path, world(6, 5, 3))
    for name in ("links.csv", "README.txt"):
        (path / name).unlink()


def _oldest(path: Path) -> None:
    ml_100k(path, world(6, 5, 3))
    for file in set(path.iterdir()) - {path / name for name in ("u.data", "u.item", "u.genre")}:
        file.unlink()


def _divided(path: Path) -> None:
    for part, rows in {"train": "a,x,1\na,y,0\nb,x,1\n", "test": "b,y,1\na,z,1\n"}.items():
        (path / f"shop_{part}.csv").write_text("user_id,item_id,label\n" + rows)


def _read_divided(path: Path) -> None:
    prepare(read_source(path, "tables", name="d")[1])


def _source(layout: str) -> Target:
    return Target(source_layouts.LAYOUTS[layout], lambda path: read_source(path, layout, name="d"))


TARGETS = {
    **{layout: _source(layout) for layout in source_layouts.LAYOUTS},
    "movielens_latest": _source("movielens")._replace(lay_out=_latest),
    "movielens_100k": _source("movielens")._replace(lay_out=_oldest),
    "divided_tables": Target(_divided, _read_divided),
    "prepared": Target(_prepared, read_prepared),
    "pickle": Target(_pickles, lambda path: load_sparse(path / "matrix.pkl")),
    "npz": Target(_npz, lambda path: load_sparse(path / "matrix.npz")),
    "arrays": Target(_arrays, lambda path: load_features(path, 4)),
    "text_tables": Target(_texts, _read_tables),
    "packed_tables": Target(_packed, _read_tables),
    "extra_files": Target(_extra_files, _read_extra_files),
    "sweep": Target(_sweeps, _read_sweeps),
    "flag_file": Target(_flag_file, _read_flags),
    "run": Target(_run, read_run),
    "caches": Target(_caches, _read_caches),
    "unzip": Target(_archive, _unzip),
    "entries": Target(_folder, lambda path: file_entries(path / "images.tsv")),
}
