import threading

import numpy as np
import pytest

from kdiffe_jax.errors import RunError
from kdiffe_jax.storage.run_directory import RunDirectory


def test_another_configuration_is_refused_by_field(tmp_path):
    first = RunDirectory(tmp_path / "run")
    first.claim({"xi": 0.7, "dim": 64}).write_history([{"epoch": 0}])
    first.release()
    with pytest.raises(RunError, match=r"xi \(0.7 there, 0.9 now\)") as refusal:
        RunDirectory(tmp_path / "run").claim({"xi": 0.9, "dim": 64})
    assert "dim" not in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_run_that_was_refused_before_it_began_holds_nothing(tmp_path):
    """Its remedy, another value of an option, goes into the same directory."""
    with RunDirectory(tmp_path / "run").claim({"xi": 0.7}):
        pass
    with RunDirectory(tmp_path / "run").claim({"xi": 0.9}) as held:
        assert held.config() == {"xi": 0.9}


def test_a_second_process_is_refused_until_release(tmp_path):
    first, second = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "run")
    first.claim({"xi": 0.7})
    with pytest.raises(RunError, match="another process"):
        second.claim({"xi": 0.7})
    first.release()
    with second.claim({"xi": 0.7}) as held:
        assert held.config() == {"xi": 0.7}


def test_of_many_at_once_one_gets_it_and_all_others_are_told_who_has_it(tmp_path):
    begun, ended = threading.Barrier(4), threading.Barrier(4)
    said = []

    def claim(place):
        begun.wait()
        run = RunDirectory(place)
        try:
            run.claim({"xi": 0.7})
            said.append("claimed")
        except RunError as refusal:
            said.append(str(refusal))
        ended.wait()
        run.release()

    for number in range(50):
        place = tmp_path / f"run{number}"
        said.clear()
        claims = [threading.Thread(target=claim, args=(place,)) for _ in range(4)]
        for thread in claims:
            thread.start()
        for thread in claims:
            thread.join()
        refused = f"{place}: another process is using this run directory"
        assert sorted(said, key=len) == ["claimed", *[refused] * 3]


def test_what_another_process_left_meanwhile_is_looked_at_again(tmp_path, monkeypatch):
    mine, other = RunDirectory(tmp_path / "run"), RunDirectory(tmp_path / "run")
    take_lock = mine._take_lock

    def take_it_late():
        with other.claim({"xi": 0.9}):
            other.write_history([{"epoch": 0}])
        take_lock()

    monkeypatch.setattr(mine, "_take_lock", take_it_late)
    with pytest.raises(RunError, match=r"xi \(0.9 there, 0.7 now\)"):
        mine.claim({"xi": 0.7})
    with other.claim({"xi": 0.9}) as held:
        assert held.config() == {"xi": 0.9}


def test_a_directory_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not a run"):
        RunDirectory(tmp_path).claim({})
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_damaged_json_is_one_line(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="config.json: not readable"):
        RunDirectory(tmp_path).claim({})


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path / "run")
    with run.claim({}):
        run.write_result({"epochs": 1})

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(RunError, match="No space left on device.*same command again"):
        run.write_result({"epochs": 2})
    assert run.result() == {"epochs": 1}
    assert not list(run.path.glob("*.partial"))


def test_per_user_scores_round_trip(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.claim({}):
        run.write_per_user({"recall@20": np.array([0.5, 1.0])}, np.array([3, 8]))
    with np.load(run.path / "test_per_user.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["users"], [3, 8])
        np.testing.assert_array_equal(stored["recall@20"], [0.5, 1.0])


def test_what_a_run_killed_at_once_leaves_is_no_obstacle(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / "tmpabc.partial").write_text("{")
    with RunDirectory(tmp_path).claim({"xi": 0.7}) as run:
        assert run.config() == {"xi": 0.7}
    assert not list(tmp_path.glob("*.partial"))
