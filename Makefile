PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
KDIFFE = denoiser denoiser_columns diffusion encoder hidden_reverse knowledge_layer rebuild random_walk \
  similarity
CORE_TESTS = tests/graph tests/ops tests/evaluation $(KDIFFE:%=tests/models/kdiffe/test_%.py) \
  tests/data/readers tests/data/test_share.py tests/storage/test_saved_model.py \
  tests/storage/test_stored_arrays.py

.PHONY: demo test thorough lint types coverage docs clean

TRAIN = $(BIN)/python -m launch.main --flagfile=launch/demo.flags
ALONE = $(TRAIN) --baselines=none

demo: $(VENV)/.run
	$(TRAIN) --workdir=runs/demo
	$(ALONE) --main_graph=given --noguidance --workdir=runs/noisy
	$(ALONE) --main_graph=given --planted_noise_share=0 --workdir=runs/clean
	$(ALONE) --kg_source=none --workdir=runs/no-knowledge
	$(BIN)/python -m launch.planted runs/demo runs/noisy runs/clean runs/no-knowledge

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

thorough: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m thorough

lint: $(VENV)/.dev
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/python -m mypy

coverage: $(VENV)/.dev
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto $(CORE_TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs . build/docs
	@echo "open build/docs/index.html"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; give one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

$(VENV)/.docs: $(VENV)/.run requirements-docs.txt
	$(BIN)/python -m pip install --quiet -r requirements-docs.txt
	touch $@

clean:
	rm -rf $(VENV) runs build *.egg-info
