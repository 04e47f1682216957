"""The harness' arithmetic and order, and small parts from end to end; no test asserts a time."""

import json

import numpy as np
import pytest

from benchmarks import harness, run
from benchmarks.ceilings import Ceilings
from benchmarks.harness import Case, Part, Samples, Timed, Work, measure, rows_of
from benchmarks.parts.sizes import SIZES, random_dataset

MACHINE = Ceilings(memory=1e9, cache=1e10, arithmetic=1e11)


def case(name, run=lambda: None, **settings):
    return Case(name, run, **settings)


def samples(*wall):
    return Samples(first=1.0, wall=np.array(wall), cpu=np.array(wall))


def test_rounds_alternate_after_the_first_calls_and_the_check():
    called = []
    cases = [case(name, lambda name=name: called.append(name)) for name in "AB"]
    measure(cases, rounds=3, check=lambda: called.append("check"))
    assert "".join(called) == "AB" + "check" + "ABABAB"


def test_time_is_up_after_three_rounds_at_least():
    cases = [case("A"), case("B")]
    assert [len(s.wall) for s in measure(cases, rounds=9, seconds=0.0)] == [3, 3]


def test_a_wrong_alternative_is_not_timed():
    called = []

    def wrong():
        raise AssertionError("they differ")

    with pytest.raises(AssertionError, match="they differ"):
        measure([case("A", lambda: called.append("A"))], rounds=3, check=wrong)
    assert called == ["A"]


def test_a_sample_is_scaled_to_the_whole():
    once, tenfold = measure(
        [
            case("A", lambda: Timed(2.0, 1.0, 0.0)),
            case("B", lambda: Timed(2.0, 1.0, 0.0), scale=10),
        ],
        rounds=3,
    )
    assert once.wall.tolist() == [2.0] * 3 and tenfold.wall.tolist() == [20.0] * 3
    assert tenfold.cpu.tolist() == [10.0] * 3 and tenfold.first == 2.0


def test_a_process_that_reads_the_clock_itself_is_not_started_once_more():
    clock = iter([3.0, 5.0])
    (found,) = measure([case("A", lambda: Timed(next(clock), 1.0, 70.0))], rounds=2)
    assert found.wall.tolist() == [3.0, 5.0]
    assert found.first is None and found.peak_mb == 70.0


def test_speed_is_that_against_the_baseline_of_the_same_round():
    cases = [case("ours"), case("other", baseline=True)]
    ours, other = rows_of(cases, [samples(1.0, 2.0, 4.0), samples(8.0, 8.0, 8.0)], MACHINE)
    assert ours.median == 2000.0 and ours.quartiles == (1500.0, 3000.0)
    assert ours.speed == 4.0 and ours.speed_range == (2.0, 8.0)
    assert other.speed == 1.0 and other.speed_range == (1.0, 1.0)


def test_no_baseline_no_speed():
    (row,) = rows_of([case("ours")], [samples(1.0, 2.0)], MACHINE)
    assert row.speed is None and row.speed_range is None and row.implied is None


@pytest.mark.parametrize(
    ("work", "implied", "bound"),
    [
        (Work(bytes=1e9, operations=1e9), 1000.0, "memory"),
        (Work(bytes=1e9, gathered=4e10), 4000.0, "cache"),
        (Work(bytes=1e9, operations=2e11), 2000.0, "arithmetic"),
    ],
)
def test_the_slowest_ceiling_decides(work, implied, bound):
    (row,) = rows_of([case("ours", work=work)], [samples(8.0, 8.0)], MACHINE)
    assert (row.implied, row.bound) == (pytest.approx(implied), bound)
    assert row.reached == pytest.approx(implied / 8000.0)


def test_work_adds_up():
    one = Work(1.0, 2.0, 3.0)
    assert one.times(2).plus(one) == Work(3.0, 6.0, 9.0)


def test_the_peak_is_at_least_what_is_held():
    before = harness.resident_peak_mb()
    held = np.ones(64 * 2**20, np.uint8)
    assert harness.resident_peak_mb() >= max(before, len(held) / 2**20)


@pytest.mark.parametrize("name", ["small", "tiktok"])
def test_random_data_have_the_sizes_asked_for(name):
    sizes = SIZES[name]
    data = random_dataset(sizes)
    assert (data.n_users, data.n_items, data.n_entities) == sizes[1:4]
    assert len(data.train) == sizes.train and len(data.valid) == sizes.held_out
    per_item = np.bincount(data.triples[:, 0], minlength=sizes.items)
    assert (per_item == sizes.triples_per_item).all()
    assert len(np.unique(data.triples, axis=0)) == len(data.triples)
    popular = np.sort(np.bincount(data.train[:, 1], minlength=sizes.items))[::-1]
    assert popular[: sizes.items // 10].sum() > 2 * sizes.train / 10


PIECES = [name for name in run.PARTS if name not in ("epoch", "start", "training")]


@pytest.mark.parametrize("name", PIECES)
def test_the_alternatives_of_a_part_agree(name):
    part = run.load(name, SIZES["small"])
    part.check()
    assert sum(case.baseline for case in part.cases) == 1


def test_the_command_writes_its_table_and_the_same_numbers_as_json(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "measure_ceilings", lambda: MACHINE)
    out = tmp_path / "found.json"
    arguments = ["--only=propagation", "--sizes=small", "--repeats=2", "--nomemory"]
    assert run.main([*arguments, f"--out={out}"]) == 0
    found = json.loads(out.read_text())
    rows = found["parts"]["propagation"]["rows"]
    table = capsys.readouterr().out
    assert [row["name"] for row in rows][:2] == ["ours", "BCOO @ dense, autodiff"]
    for row in rows:
        assert row["rounds"] == 2 and row["median"] > 0
        assert f"{row['speed']:.2f} (" in table
    assert found["machine"]["cores"] >= 1 and found["sizes"]["users"] == SIZES["small"].users


def test_an_unknown_part_is_refused_with_the_names_that_exist(capsys):
    with pytest.raises(SystemExit):
        run.main(["--only=nothing"])
    message = capsys.readouterr().err
    assert "no part 'nothing'" in message and "propagation" in message


def test_remarks_are_printed_below_the_table():
    part = Part("a title", [case("A")], check=lambda: None, remarks=lambda rows: ["a remark"])
    rows = rows_of(part.cases, [samples(1.0, 1.0)], MACHINE)
    assert run.section("name", part, rows)[-1] == "a remark"
