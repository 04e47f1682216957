"""Every hyper-parameter is a flag; a command line that cannot be meant is refused."""

from pathlib import Path

import pytest
from absl import flags as absl_flags

from kdiffe_jax.baselines.settings import NAMES, BaselineSettings
from kdiffe_jax.config import Limits
from kdiffe_jax.data.synthetic import PlantedSizes
from kdiffe_jax.errors import ConfigError, DataError
from kdiffe_jax.models.registry import DEFAULT, MODELS, make_config, model_class, options_of, preset
from launch import flags, prepare
from launch.parsing import named_model, parse

FLAG_FILES = [
    f
    for f in sorted((Path(__file__).parents[2] / "launch").glob("*.flags"))
    if not f.name.startswith("prepare_")
]


def parsed(*arguments):
    values = absl_flags.FlagValues()
    flags.define(["main", *arguments], values)
    parse(["main", *arguments], values)
    return values


def refusal(*arguments) -> str:
    with pytest.raises(ConfigError) as caught:
        values = parsed(*arguments)
        flags.config(values)
        flags.limits(values)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("model", MODELS)
def test_options_of_the_model_and_the_shared_ones_are_its_flags_and_no_others(model):
    values, options = parsed(f"--model={model}"), options_of(model)
    for name, field in options.items():
        assert values[name].value == field.default
        assert type(values[name].value) is type(field.default)
        assert values[name].help.endswith(field.metadata["doc"])
    assert not options.keys() & model_class(model).without
    elsewhere = {name for other in MODELS for name in options_of(other)} - options.keys()
    assert elsewhere and not elsewhere & set(values)
    assert flags.config(values) == make_config({"model": model, **preset("best", model)})


def test_baselines_and_limits_are_flags_and_no_part_of_the_configuration():
    assert flags.baselines(parsed()) == BaselineSettings() and flags.limits(parsed()) == Limits()
    found = flags.baselines(parsed("--baselines=all", "--ease_memory_gb=2.5"))
    assert found.names() == NAMES and found.ease_memory_gb == 2.5
    assert flags.limits(parsed("--model_memory_gb=2")).model_memory_gb == 2.0
    beside = BaselineSettings.all_options() | Limits.all_options()
    assert not any(options_of(model).keys() & beside.keys() for model in MODELS)


def test_no_flags_give_the_best_preset_as_far_as_there_is_content():
    assert flags.config(parsed("--preset=paper")) == make_config()
    assert flags.config(parsed()) == make_config(preset("best", DEFAULT))
    bare = flags.config(parsed(), content=False)
    assert bare == make_config(preset("best", DEFAULT, content=False))
    assert (bare.embedding.neighbour_weight, bare.embedding.cold_items) == (0.0, "own")


@pytest.mark.parametrize(
    "words",
    (
        ["--model=lightgcn"],
        ["--model", "lightgcn"],
        ["-model=lightgcn"],
        ["--model=sgl", "--model=lightgcn"],
        ["--flagfile=mine.flags"],
        ["--model=sgl", "--flagfile", "mine.flags"],
    ),
)
def test_the_last_model_that_is_named_counts(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.flags").write_text("--model=lightgcn\n--layers=3\n")
    assert named_model(["main", *words]) == "lightgcn"
    values = parsed(*words)
    assert values.model == flags.config(values).model == "lightgcn" and "xi" not in values


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=lightgnc"], "there is no such model; did you mean lightgcn?; there are kdiffe,"),
        (["--model="], "model = '': there is no such model; there are kdiffe,"),
        (["--model"], "there is no such model"),
        (["--model=sgl", "--xi=0.5"], "--xi is an option of kdiffe, not of sgl"),
        (["--model=sgl", "--noguidance"], "--noguidance is an option of kdiffe, not of sgl"),
        (["--weight_decay=1"], "--weight_decay is an option of lightgcn, sgl, "),
        (["--model=ease", "--epochs=3"], "--epochs has no meaning for ease"),
        (["--model=bm3", "--ranking_loss=bpr"], "--ranking_loss has no meaning for bm3"),
        (["--model=sgl", "--learnin_rate=1"], "'learnin_rate'; did you mean learning_rate?"),
        (["--model=sgl", "--preset=pape"], "sgl has paper, best; did you mean paper?"),
        (["--model=sgl", "--variant=no_kg"], "variant = 'no_kg': sgl has full"),
        (["--variant=kdiffe_4"], "did you mean kdiffe_3?"),
    ],
)
def test_what_is_no_word_of_the_model_is_refused_with_the_closest(arguments, message):
    assert message in refusal(*arguments)


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--epochs=3", "epochs", 3),
        ("--xi=0", "xi", 0.0),
        ("--learning_rate=5e-4", "learning_rate", 5e-4),
        ("--noguidance", "guidance", False),
        ("--guidance=False", "guidance", False),
        ("--guidance=true", "guidance", True),
        ("--mask_valid", "mask_valid", True),
        ("--kg_source=features", "kg_source", "features"),
        ("--selection_metric=ndcg@10", "selection_metric", "ndcg@10"),
    ],
)
def test_flag_reaches_the_config(argument, name, value):
    expected = make_config({name: value})
    assert flags.config(parsed("--preset=paper", argument)) == expected


def test_the_last_of_two_values_wins():
    assert flags.config(parsed("--epochs=3", "--epochs=4")).train.epochs == 4


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("--epoch=3", "epoch"),
        ("--no_such_flag", "no_such_flag"),
        ("--epochs=ten", "epochs"),
        ("--epochs=1.5", "epochs"),
        ("--epochs=", "epochs"),
        ("--epochs", "epochs"),
        ("--xi=much", "xi"),
        ("--guidance=maybe", "guidance"),
        ("--kg_source=wiki", "kg_source"),
        ("--mode=predict", "mode"),
        ("--planted_seed=-1", "planted_seed"),
        ("--flagfile=/no/such.flags", "/no/such.flags"),
        ("stray", "'stray' is not a flag"),
    ],
)
def test_bad_command_line_names_what_is_wrong(argument, word):
    assert word in refusal(argument)


@pytest.mark.parametrize(
    "argument",
    [
        "--epochs=0",
        "--temperature=0",
        "--temperature=-1",
        "--temperature=nan",
        "--denoiser_dropout=1",
        "--restart_probability=1.5",
        "--top_q=0",
        "--timesteps=0",
        "--batch_size=0",
        "--seed=-1",
        "--num_seeds=0",
        "--noise_max=2",
        "--data_ablation_seed=-1",
        "--model_memory_gb=0",
    ],
)
def test_value_out_of_range_names_its_flag(argument):
    name = argument[2:].split("=")[0]
    assert refusal(argument).startswith(f"{name} = ")


def test_flag_file_with_comments_and_an_override(tmp_path):
    file = tmp_path / "a.flags"
    file.write_text("# setting\n\n--epochs=7\n--xi=0.5\n")
    config = flags.config(parsed(f"--flagfile={file}", "--epochs=9"))
    assert (config.train.epochs, config.options.xi) == (9, 0.5)


@pytest.mark.parametrize("content", (b"--epochs=ten\n", b"--nonsense=1\n", b"\xff\xfe\x00\n"))
def test_bad_flag_file(tmp_path, content):
    (tmp_path / "a.flags").write_bytes(content)
    refusal(f"--flagfile={tmp_path / 'a.flags'}")


def test_a_flag_file_has_a_name():
    assert "--flagfile= names no file" in refusal("--flagfile=")


def test_a_path_may_begin_with_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    values = parsed("--data_dir=~/shop", "--workdir=runs/~/x")
    assert values.data_dir == "/home/ann/shop" and values.workdir == "runs/~/x"
    values = absl_flags.FlagValues()
    prepare.define(values)
    labels = "--labels=visual=~/scores.npy,~/names.txt"
    parse(["prepare", "--separator=~", labels, "--triples=~/kg.tsv"], values)
    assert values.labels == ["visual=/home/ann/scores.npy,/home/ann/names.txt"]
    assert values.triples == ["/home/ann/kg.tsv"] and values.separator == "~"


def test_directory_as_flag_file(tmp_path):
    refusal(f"--flagfile={tmp_path}")


def test_recursive_flag_file_ends(tmp_path):
    file = tmp_path / "a.flags"
    file.write_text(f"--epochs=7\n--flagfile={file}\n")
    assert flags.config(parsed(f"--flagfile={file}")).train.epochs == 7


@pytest.mark.parametrize("file", FLAG_FILES, ids=lambda file: file.name)
def test_shipped_flag_file_is_valid(file):
    values = parsed(f"--flagfile={file}")
    flags.config(values)
    assert values["dataset"].present


def test_flag_files_are_found():
    assert "demo.flags" in [file.name for file in FLAG_FILES]


@pytest.mark.parametrize("name", ("launch/demo.flags", "demo.flags"))
@pytest.mark.parametrize("words", (["--flagfile={}"], ["--flagfile", "{}"]))
def test_shipped_flag_file_is_found_from_anywhere(tmp_path, monkeypatch, name, words):
    monkeypatch.chdir(tmp_path)
    assert flags.config(parsed(*(word.format(name) for word in words))).train.batch_size == 512


def test_own_flag_file_comes_before_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.flags").write_text("--epochs=3\n")
    assert flags.config(parsed("--flagfile=demo.flags")).train.epochs == 3


def test_flag_file_of_another_directory_is_not_replaced():
    assert "other/demo.flags" in refusal("--flagfile=other/demo.flags")


def test_data_identity_of_planted_data_holds_its_sizes():
    identity = flags.data_identity(parsed("--planted_users=99"))
    assert identity["planted_users"] == 99 and identity["planted_seed"] == 0
    assert len(identity) == 2 + len(PlantedSizes.__dataclass_fields__)


def test_data_identity_of_files_is_their_name():
    assert flags.data_identity(parsed("--dataset=baby")) == {"dataset": "baby"}
    assert flags.data_identity(parsed("--data_dir=my/shop/")) == {"dataset": "shop"}
    named = parsed("--data_dir=my/shop", "--dataset=toys")
    assert flags.data_identity(named) == {"dataset": "toys"}
    assert flags.workdir(parsed("--data_dir=my/shop")) == Path("runs/shop-kdiffe-seed0")


def test_planted_flags_reach_the_data():
    values = parsed("--planted_users=40", "--planted_items=60", "--planted_seed=3")
    dataset = flags.load(values)
    assert (dataset.n_users, dataset.n_items) == (40, 60)
    other = flags.load(parsed("--planted_users=40", "--planted_items=60", "--planted_seed=4"))
    assert dataset.fingerprint() != other.fingerprint()


def test_where_data_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("KDIFFE_DATA", str(tmp_path / "all"))
    with pytest.raises(DataError, match=str(tmp_path / "all" / "baby")):
        flags.load(parsed("--dataset=baby"))
    with pytest.raises(DataError, match=str(tmp_path / "here")):
        flags.load(parsed("--dataset=baby", f"--data_dir={tmp_path / 'here'}"))


def test_directories(tmp_path, monkeypatch):
    monkeypatch.setenv("KDIFFE_CACHE", str(tmp_path))
    assert flags.workdir(parsed("--seed=4")) == Path("runs/synthetic-kdiffe-seed4")
    several = parsed("--seed=4", "--num_seeds=3")
    assert flags.workdir(several) == Path("runs/synthetic-kdiffe-seeds4-6")
    assert flags.workdir(parsed("--variant=no_kg")) == Path("runs/synthetic-kdiffe-no_kg-seed0")
    assert flags.workdir(parsed("--model=ease")) == Path("runs/synthetic-ease")
    assert flags.workdir(parsed("--workdir=here")) == Path("here")
    assert flags.cache_dir(parsed()) == tmp_path
    assert flags.cache_dir(parsed("--cache_dir=there")) == Path("there")
