"""launch.serve: what it refuses, and that it ends as asked."""

import json
import signal
import socket
import sys
import urllib.request

import pytest
from absl import flags as absl_flags

from kdiffe_jax.storage.saved_model import MODEL, write_model
from launch import serve
from tests.serve.running import running


@pytest.fixture(scope="module")
def workdir(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    write_model(model, directory / MODEL)
    return directory


@pytest.fixture
def refused(workdir, capsys, tmp_path):
    def call(*arguments, workdir=workdir):
        flags = [f"--workdir={workdir}", f"--cache_dir={tmp_path}", *arguments]
        assert serve.main(["serve", *flags], absl_flags.FlagValues()) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("error: ") and err.count("\n") == 1
        return err

    return call


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(workdir, number):
    with running(workdir, "--max_k=3", "--max_items=2") as (process, address):
        with urllib.request.urlopen(f"{address}api/health") as answer:
            assert json.load(answer)["max_k"] == 3
        with urllib.request.urlopen(address) as answer:
            assert b"<main" in answer.read()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "stopped\n", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_the_network_is_refused_unless_asked_for(refused, host):
    assert "--open_to_network" in refused(f"--host={host}")


def test_a_port_that_is_taken(refused):
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert "--port" in refused(f"--port={other.getsockname()[1]}")


@pytest.mark.parametrize("host", ["ü..x", "x" * 70, "300.1.1.1"], ids=ascii)
def test_a_host_that_is_none(refused, host):
    said = refused(f"--host={host}", "--port=0", "--open_to_network")
    assert "cannot listen on" in said and "--host" in said and "None" not in said


def test_a_run_that_is_missing(refused, tmp_path):
    assert "no such run directory" in refused("--port=0", workdir=tmp_path / "none")


def test_the_extra_that_is_missing(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    for name in [name for name in sys.modules if name.startswith("kdiffe_jax.serve")]:
        monkeypatch.delitem(sys.modules, name)
    assert "pip install 'kdiffe_jax[serve]'" in refused()
