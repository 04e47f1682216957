"""A second process asks a running server for much at once."""

import json
import subprocess
import sys

from kdiffe_jax.storage.saved_model import MODEL, write_model
from tests.serve.running import ROOT, running


def test_no_request_is_lost_and_bad_ones_are_refused(model, tmp_path):
    write_model(model, tmp_path / MODEL)
    with running(tmp_path) as (process, address):
        command = [sys.executable, "-m", "tests.endurance.load", address, "--count=40"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"sent": 320, "answered": 320, "wrong": []}
        assert process.poll() is None
