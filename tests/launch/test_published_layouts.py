"""The commands of docs/data.md over directories of the published shape, to recommendations."""

import re
import shlex
from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.data.readers.prepared import read_prepared
from kdiffe_jax.data.sources import SOURCES
from launch import prepare, recommend
from tests.data.readers.published import PUBLISHED, world

pytest.importorskip("pyarrow")
PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Public data sets\n(.*?)^## ", PAGE, re.M | re.S)[1]
ROW = re.compile(r"^\| `(\w+)` \|.*\| `python -m launch\.prepare (--input=(\S+) .*)` \|$", re.M)
# The layout and the words of the command by the directory that it reads.
COMMANDS = {path: (layout, shlex.split(words)) for layout, words, path in ROW.findall(SECTION)}
WORLD = world()
# The relations that each becomes; whether its items have names.
EXPECTED = {
    "ml-latest-small": (["tag", "title", "genres"], True),
    "ml-1m": (["title", "genres"], True),
    "ml-100k": (["title", "genres"], True),
    "Beauty": (["also_bought", "also_viewed", "title", "brand", "categories"], True),
    "All_Beauty_2018": (["also_buy", "title", "brand", "category"], True),
    "All_Beauty_2023": (["title", "store", "categories"], True),
    "yelp": (["name", "categories"], True),
    "amazon-book": (
        [f"http://rdf.freebase.com/ns/book.{n}" for n in ("genre", "author.works (inverse)")],
        False,
    ),
    "gowalla": ([], False),
    "music": (["relation 0"], False),
    "recbole/ml-100k": (["movie_title", "class"], True),
    "mmrec/baby": (["image", "text"], False),
    "tiktok": (["audio", "image"], False),
    "megcf-beauty": (["title", "visual"], False),
}


@pytest.fixture
def prepared(request, tmp_path, monkeypatch, capsys):
    """Prepares a directory by the page's command: the layout, where the result is, the output."""
    monkeypatch.chdir(tmp_path)
    layout, words = COMMANDS[request.param]
    source = Path(request.param)
    source.mkdir(parents=True)
    PUBLISHED[request.param](source, WORLD)
    status = prepare.main(["prepare", *words], absl_flags.FlagValues())
    said, errors = capsys.readouterr()
    assert (status, errors) == (0, "")
    return layout, Path(words[1].removeprefix("--output=")), said


def test_every_layout_and_every_directory_is_on_the_page():
    assert COMMANDS.keys() == PUBLISHED.keys() == EXPECTED.keys()
    assert {layout for layout, _ in COMMANDS.values()} == set(SOURCES) - {"tables", "prepared"}


@pytest.mark.parametrize(("prepared", "path"), [(p, p) for p in EXPECTED], indirect=["prepared"])
def test_users_items_relations_and_names(prepared, path):
    layout, output, said = prepared
    relations, named = EXPECTED[path]
    dataset = read_prepared(output)
    assert dataset.provenance["source"] == layout
    assert (dataset.n_users, dataset.n_items) == (WORLD.n_users, len(WORLD.titles))
    rated = sum(rating > 3 for _, _, rating, _ in WORLD.ratings)
    kept = len(dataset.train) + len(dataset.valid) + len(dataset.test)
    assert kept == (rated if "min_rating" in dataset.provenance["options"] else len(WORLD.ratings))
    assert list(dataset.relation_names) == relations
    assert ("the knowledge graph is empty" in said) == (not relations)
    shown = [name for name in dataset.item_names if name]
    assert len(shown) >= 0.9 * dataset.n_items if named else not shown
    assert not named or any("Café" in name for name in shown)


@pytest.mark.thorough
@pytest.mark.parametrize(("prepared", "path"), [(p, p) for p in EXPECTED], indirect=["prepared"])
def test_from_files_to_recommendations(prepared, path, monkeypatch, capsys, train):
    _, output, said = prepared
    small = ["--epochs=2", "--dim=8", "--baselines=most_popular"]
    shown = train(f"--dataset={output.name}", f"--workdir=runs/{output.name}", *small)
    assert f"on {output.name}: epoch" in shown and "most popular (test)" in shown
    user = (output / "users.tsv").read_text().split("\n")[0]
    words = [f"--workdir=runs/{output.name}", f"--users={user}", "--k=3"]
    assert recommend.main(["recommend", *words], absl_flags.FlagValues()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and all(line.startswith(user) for line in lines[1:])
    assert ("item_name" in lines[0]) == EXPECTED[path][1]
