# Every target does its own set-up: a virtual environment in VENV, with everything pinned in constraints.txt.
# Another Python beside the first one: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
LAB_ARGS ?=
APP_ARGS ?=
TRUST_ARGS ?=
# Tests and labs run two at a time, and threads that compete for the same cores wait for each other by spinning: two
# small trainings side by side took 3.6 times as long with two threads each as with one.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

BIN := $(VENV)/bin
# What `make test` has to leave out where JAX is not installed: tests whose file, name or game has one of these words.
NEED_JAX := tests/envs tests/training/test_devices.py tests/experiments/test_shipped.py tests/book/test_peer_curves.py \
	-k "jax or smax or device_views or film or battle or choice_by_hand"
COVERED := --cov=maca_edu --cov=toy_envs
INSTALL := @$(BIN)/python install.py
BOOK := book/_build/html/index.html
SPELLED := README.md CONTRIBUTING.md SECURITY.md Makefile install.py book notebooks/src maca_edu toy_envs tests
PINS := pyproject.toml constraints.txt
LAB := $(BIN)/jupyter lab --log-level=WARN --LabApp.log_level=WARN --LabApp.default_url=/lab/tree/my_labs/00_start_here.ipynb \
	--ServerApp.extra_static_paths=book/_build \
	$(if $(filter 0,$(shell id -u)),--allow-root)
QUIET := "@jupyterlab/apputils-extension:announcements" "@jupyterlab/extensionmanager-extension"

.PHONY: help lab app test lint unit coverage nbval notebooks worlds-test cluster-test trust book slides pdf bundle browser-test bench clean same-python

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/.lab  ## open the course in JupyterLab (LAB_ARGS="--no-browser --port 9000" passes options on)
	@test -f $(BOOK) || ! command -v npm >/dev/null || { echo "Building the book, once, so that the labs can link to it ..." && \
		$(MAKE) --no-print-directory book; } || echo "The book could not be built; the labs work without it."
	@$(BIN)/python -m maca_edu.course.my_labs my_labs
	@echo "Starting JupyterLab. It opens in your browser; stop it here with Ctrl-C, twice."
	@$(LAB) $(LAB_ARGS)

app: $(VENV)/.app  ## the explorers as one page for the projector, on 127.0.0.1 (APP_ARGS="--port 9000 --no-browser")
	@$(BIN)/python -m maca_edu app $(APP_ARGS)

test: lint unit nbval  ## ruff, import-linter, codespell, pytest and every lab against its stored outputs

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell $(SPELLED)

unit: $(VENV)/.test
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

coverage: $(VENV)/.worlds  ## which lines of the library and the games tests and labs reach; fails below 90 per cent
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(COVERED) --cov-report= --cov-fail-under=0
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax notebooks/ --nbval-cell-timeout 600 \
		$(COVERED) --cov-append --cov-report=term:skip-covered

nbval: $(VENV)/.test
	$(BIN)/python -m pytest -q --nbval notebooks/ --nbval-sanitize-with notebooks/sanitize.cfg \
		--nbval-cell-timeout 300 -n 2 --dist loadfile

worlds-test: $(VENV)/.worlds  ## the battles and particle games of JaxMARL against the libraries they come from
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(NEED_JAX)

cluster-test: $(VENV)/.cluster  ## sweeps on a cluster of two nodes, both on this machine, one of which is killed
	$(BIN)/python -m pytest -q tests/cluster

trust: $(VENV)/.test  ## kill, stop and starve runs at random moments for ten minutes (TRUST_ARGS="--minutes 50 --seed 7")
	$(BIN)/python tests/trust/trust.py $(TRUST_ARGS)

notebooks: $(VENV)/.test  ## run the labs' sources (notebooks/src) and write the .ipynb files
	$(BIN)/python -m maca_edu.course.build

book: $(VENV)/.book  ## build the textbook into book/_build/html (needs npm, once, for four JavaScript libraries)
	$(BIN)/python book/vendor.py
	$(BIN)/python -m sphinx -W --keep-going -q -b html book book/_build/html
	$(BIN)/python book/links.py
	@echo "Open $(BOOK)"

slides: book  ## a deck for every chapter, from the lecturer's pages, into book/_build/html/slides
	$(BIN)/python book/slides.py
	$(BIN)/python book/links.py slides

pdf: $(VENV)/.test book  ## the texts as one PDF, fit to print, book/_build/pdf/maca-edu.pdf (needs Chromium)
	$(BIN)/python book/pdf.py

bundle: slides  ## one archive for a class without internet, dist/maca-edu-class.zip: book, slides, PDF, labs to hand out
	@$(MAKE) --no-print-directory pdf || echo "The PDF could not be made; the archive is written without it."
	$(BIN)/python book/bundle.py

browser-test: $(VENV)/.test $(VENV)/.app slides  ## drive the labs, the book and the page of explorers in a real Chromium
	$(BIN)/python book/vendor.py tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/browser -m browser

bench: $(VENV)/.test  ## speed of the games and of exact credit, as ratios
	$(BIN)/python -m pytest -q tests/benchmarks --benchmark-only --benchmark-quiet

clean:  ## remove VENV, which is .venv, and everything that was built
	rm -rf $(VENV) book/_build book/_static/vendor tests/browser/vendor book/labs build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# Nobody is to believe that the tests ran on a Python that is not the one in VENV.
same-python:
	@test "$(origin PYTHON)" != "command line" || test ! -x $(BIN)/python || \
		test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" || { \
		echo "$(VENV) holds $$($(BIN)/python -V), and $(PYTHON) is $$($(PYTHON) -V)."; \
		echo "Keep both: make $(MAKECMDGOALS) PYTHON=$(PYTHON) VENV=.venv-new; or begin anew with: make clean"; exit 1; }

# One stamp for each set of packages, renewed when the pins change.
$(VENV)/.lab: $(PINS) | same-python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "maca-edu needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) "the course (about 1.5 GB, once)" "."
	@$(BIN)/jupyter labextension disable $(QUIET) 2>/dev/null  # no news, no updates: nothing asks the network
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	$(INSTALL) "what the tests need" ".[test]"
	@touch $@

$(VENV)/.worlds: $(VENV)/.test
	$(INSTALL) "JaxMARL's games and films" ".[jax,film]"
	@touch $@

$(VENV)/.cluster: $(VENV)/.test
	$(INSTALL) "Ray" ".[cluster]"
	@touch $@

$(VENV)/.app: $(VENV)/.lab
	$(INSTALL) "the page of explorers" ".[app]"
	@$(BIN)/jupyter labextension disable "@voila-dashboards/jupyterlab-preview" 2>/dev/null  # JupyterLab stays as it was
	@$(BIN)/jupyter server extension disable --sys-prefix voila.server_extension >/dev/null 2>&1
	@touch $@

$(VENV)/.book: $(VENV)/.lab
	$(INSTALL) "what builds the book" ".[book]"
	@touch $@
