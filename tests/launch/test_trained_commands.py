"""The commands that use a finished run: what they print and write, and what they refuse."""

import json

import pytest
from absl import flags as absl_flags

from kdiffe_jax.errors import ConfigError
from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import MODEL, write_model
from launch import explain, export, recommend, trained
from tests.small_model import small_saved


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    write_model(small_saved(directory / "cache"), directory / MODEL)
    return directory


@pytest.fixture(scope="module", params=["rp3beta", "ease", "most_popular"])
def fitted(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    write_model(small_saved(directory / "cache", request.param), directory / MODEL)
    return directory


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(workdir, capsys):
    def call(command, *arguments, status=0, workdir=workdir):
        flags = [f"--workdir={workdir}", "--cache_dir=cache", *arguments]
        assert command.main(["command", *flags], absl_flags.FlagValues()) == status
        out, err = capsys.readouterr()
        if status:
            assert out == "" and err.startswith("error: ") and err.count("\n") == 1
        return err if status else out

    return call


def json_rows(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_lists_of_some_users_are_printed(run, workdir):
    lines = run(recommend, "--users=ann 1,ann 2", "--k=3").splitlines()
    expected = Recommender.load(workdir).recommend(["ann 1", "ann 2"], 3).columns()
    assert len(lines) == 7
    for line, item in zip(lines[1:], expected["item"], strict=True):
        assert f"  {item}  " in line and f"Tëa cup {item[1:]}" in line


def test_lists_of_all_users_are_written(run, workdir, tmp_path):
    assert run(recommend, "--all", "--k=4", "--output=a.jsonl") == "written: a.jsonl\n"
    rows = json_rows(tmp_path / "a.jsonl")
    expected = Recommender.load(workdir).recommend(k=4).columns()
    assert [row["item"] for row in rows] == expected["item"]
    assert [row["user"] for row in rows] == expected["user"]


def test_users_and_candidates_from_files(run, tmp_path):
    (tmp_path / "users.txt").write_text("ann 3\n\nsomebody\n")
    (tmp_path / "items.txt").write_text("p1\np2\n")
    flags = ["--users_file=users.txt", "--candidates_file=items.txt", "--exclude_seen=none"]
    run(recommend, *flags, "--unknown=popular", "--output=a.jsonl", "--entities")
    rows = json_rows(tmp_path / "a.jsonl")
    assert [row["user"] for row in rows] == ["ann 3"] * 2 + ["somebody"] * 2
    assert {row["item"] for row in rows} == {"p1", "p2"}
    assert rows[3]["source"] == "most popular" and len(rows[0]["item_entities"]) > 1


def test_blanks_belong_to_an_id_that_is_known_with_them(tmp_path):
    file = tmp_path / "ids.txt"
    file.write_bytes("\ufeff a\r\n a \n\n b\u2028c".encode())
    assert trained.ids_in(str(file), {" a", "b"}) == [" a", "a", "b\u2028c"]
    assert trained.ids_of(' a,"b,c", d', {" a"}, flag="users") == [" a", "b,c", "d"]
    with pytest.raises(ConfigError, match='--users="a'):
        trained.ids_of('"a', (), flag="users")


def test_users_that_are_not_known_are_counted(workdir, capsys):
    words = [f"--workdir={workdir}", "--cache_dir=cache", "--k=2", "--unknown=ignore"]
    asked = ["recommend", *words, "--users=ann 3,zoe,ann 5"]
    assert recommend.main(asked, absl_flags.FlagValues()) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5
    assert err == "1 of 3 users are not known: no list\n"


def test_a_new_user_by_liked_items(run, workdir, tmp_path):
    run(recommend, "--liked=p1,p2", "--k=3", "--output=a.jsonl")
    added = Recommender.load(workdir).with_users({"x": ["p1", "p2"]})
    expected = [item for item, _ in added.recommend("x", 3)["x"]]
    assert [row["item"] for row in json_rows(tmp_path / "a.jsonl")] == expected


def test_an_explanation_in_words_and_as_json(run, workdir):
    words = run(explain, "--user=ann 1", "--item=p5", "--most=2")
    assert words.startswith("user ann 1, item p5 (Tëa cup 5): score")
    hint = "--most=N names more of them, --format=json has all\n"
    assert hint not in run(explain, "--user=ann 1", "--item=p5", "--most=100")
    short = run(explain, "--user=ann 1", "--item=p5", "--most=1")
    assert short.endswith(hint) and " more\n" in short
    recommender = Recommender.load(workdir)
    plain = json.loads(run(explain, "--user=ann 1", "--format=json"))
    assert plain["item"] == recommender.recommend("ann 1", 1)["ann 1"][0][0]
    assert plain == json.loads(json.dumps(recommender.explain("ann 1", plain["item"]).to_json()))


def test_an_export_with_an_index(run, tmp_path):
    for name in ("safetensors", "pyarrow", "flatbuffers", "faiss"):
        pytest.importorskip(name)
    out = run(export, "--output=out", "--index=exact")
    assert "items.faiss (exact): lists 1.0000 of the exact best 20 of 60 users" in out
    assert (tmp_path / "out" / "export.json").exists()


def test_models_that_were_fitted_are_used_likewise(run, fitted, tmp_path):
    for name in ("safetensors", "pyarrow", "flatbuffers"):
        pytest.importorskip(name)
    run(recommend, "--liked=p1,p2", "--k=3", "--output=a.jsonl", workdir=fitted)
    assert {row["item"] for row in json_rows(tmp_path / "a.jsonl")}.isdisjoint({"p1", "p2"})
    run(export, "--output=out", workdir=fitted)
    assert json.loads((tmp_path / "out" / "export.json").read_text())["model"] in fitted.name
    if fitted.name.startswith("most_popular"):
        assert "no reasons" in run(explain, "--user=ann 1", status=2, workdir=fitted)
        return
    words = run(explain, "--user=ann 1", workdir=fitted)
    assert words.startswith("user ann 1, item p") and "embedding" not in words
    refused = run(export, "--output=other", "--index=exact", status=2, workdir=fitted)
    assert "nothing to index" in refused and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("command", "arguments", "words"),
    [
        (recommend, (), "give one of --users, --users_file, --all and --liked"),
        (recommend, ("--all", "--users=ann 1"), "give one of"),
        (recommend, ("--users=zoe",), "no user 'zoe'"),
        (recommend, ("--liked=zoe",), "no item 'zoe'"),
        (recommend, ("--all", "--k=0", "--output=a.csv"), "k = 0"),
        (recommend, ("--all", "--output=a.txt"), "must end in"),
        (recommend, ("--all", "--output=absent/a.csv"), "cannot be written"),
        (recommend, ("--users_file=absent.txt",), "absent.txt: No such file"),
        (recommend, ("--users_file=/dev/null",), "/dev/null: no id; one id a line"),
        (recommend, ("--users=zoe", "--output=a.csv"), "no user 'zoe'"),
        (explain, (), "--user is needed"),
        (explain, ("--user=zoe",), "no user 'zoe'"),
        (explain, ("--user=ann 1", "--item=cup"), "no item 'cup'"),
        (export, (), "--output is needed"),
        (export, ("--output=.",), "exists already"),
    ],
)
def test_mistakes_leave_nothing(run, tmp_path, command, arguments, words):
    assert words in run(command, *arguments, status=2)
    assert [file.name for file in tmp_path.iterdir()] in ([], ["cache"])


@pytest.mark.parametrize("command", [recommend, explain, export])
def test_a_run_that_is_not_there(run, tmp_path, command):
    arguments = {recommend: ["--all"], explain: ["--user=1"], export: ["--output=out"]}[command]
    assert "no such run directory" in run(command, *arguments, status=2, workdir="absent")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MODEL).write_bytes(b"PK")
    assert "damaged" in run(command, *arguments, status=2, workdir="run")
