# `make` alone lists the targets. Each sets up what it needs in .venv, once.
PORT   ?= 8888
START  ?= book/1_overview/1_ai_systems.ipynb
N      ?= 1000
JOBS   ?= 2
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do $$p -c \
	'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

IN     := .venv/bin/python
PIP    := $(IN) -m pip install -qq --disable-pip-version-check -c constraints.txt
PYTEST := $(IN) -m pytest
EMPTY   = TQDM_DISABLE=1 AISYS_HOME=$$(mktemp -d)
NBVAL  := --nbval --nbval-current-env --nbval-sanitize-with sanitize.cfg \
	--nbval-cell-timeout=120 --nbval-kernel-startup-timeout=120 -n $(JOBS) --dist loadfile

# other processors to compile for, by the vectors that this one has, for which all tests run
OTHER_avx512   := NUMBA_CPU_NAME=haswell NUMBA_CPU_NAME=generic
OTHER_avx2     := NUMBA_CPU_NAME=generic AISYS_ISA=avx512
OTHER_portable := AISYS_ISA=avx512
ISAS    = $(OTHER_$(shell $(IN) -c 'from aisys_lab.kernels.isa import host; print(host().name)'))
VALUES := $(filter-out %counting.py %hot_loop.py %lessons.py %ladders.py %guard.py %memory.py,\
	$(wildcard tests/kernels/test_*.py))

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

setup: .venv/base $(if $(PEERS),.venv/peers)  ## create .venv and install; with PEERS=1 the test tools, torch and jax too
lab: .venv/base  ## open JupyterLab on the first chapter (PORT=8888, START=a notebook)
	@$(IN) tools/lab.py $(START) $(PORT)
book: .venv/base  ## build the site into _build/html, warnings are errors
	@.venv/bin/jupyter-book build -W -n --keep-going .
test: .venv/test  ## every test; with PEERS=1 also those that need torch or jax
	@$(IN) tools/parts.py "$(MAKE)" lint test-package test-isas test-notebooks test-labs book test-site
notebooks: .venv/test  ## run all notebooks in place and tidy them (ONLY=files)
	@$(EMPTY) $(IN) tools/notebooks.py run $(or $(ONLY),book labs)
bench: .venv/test  ## compare with the peers side by side (ONLY=part, PEERS=1)
	@$(IN) -m benchmarks $(ONLY)
fuzz: .venv/test  ## the property tests at length (N=1000 examples each)
	@AISYS_FUZZ=$(N) $(PYTEST) tests -m hypothesis -n $(JOBS) --timeout=3600
lint: .venv/test  ## ruff, spelling, notebooks in normal form
	@$(IN) -m ruff check . && .venv/bin/codespell && $(IN) tools/notebooks.py check book labs

test-package: .venv/test  ## tests of the package and of the house
	@$(PYTEST) tests -n $(JOBS) --dist loadfile --ignore=tests/site --ignore=tests/test_labs_solved.py
test-isas: .venv/test  ## the kernels as compiled for other processors, f32 and few examples
	@for isa in $(ISAS); do echo "kernels with $$isa"; env $$isa AISYS_FUZZ=5 NUMBA_CACHE_DIR=$$(mktemp -d) \
	  $(PYTEST) $(VALUES) -k "not float64" -n $(JOBS) --dist loadfile || exit 1; done
test-notebooks: .venv/test  ## each stored output of book and labs is what the code gives
	@$(EMPTY) $(PYTEST) $(NBVAL) book labs
test-labs: .venv/test  ## labs with the solutions plugged in: every verdict is ok
	@$(PYTEST) tests/test_labs_solved.py
test-site: .venv/test  ## the built site and JupyterLab in a real browser
	@$(PYTEST) tests/site
test-grading: .venv/test  ## every check against every wrong answer on ten seeds
	@AISYS_SEEDS=10 $(PYTEST) tests/exercises tests/grading -n $(JOBS) --timeout=3600
clean:  ## remove what was built (not .venv, not my_aisys)
	@rm -rf _build .pytest_cache .ruff_cache .coverage && find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "AISys Lab needs Python 3.11 or newer with venv, and finds none here; install it" \
	  "(Debian: apt install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.11." >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON), once; this takes a minute or two."
	@$(PYTHON) -m venv .venv
.venv/base: requirements.txt constraints.txt pyproject.toml | .venv/bin/python
	@$(PIP) -r requirements.txt && touch $@
.venv/test: .venv/base
	@$(PIP) -e '.[test,grading]' && touch $@
.venv/peers: .venv/test
	@$(PIP) -e '.[peers]' && touch $@
# two tests run side by side: more BLAS threads than cores would wait for each other
test notebooks fuzz test-package test-isas test-notebooks test-labs test-site test-grading: export OPENBLAS_NUM_THREADS = 1
ifdef PEERS
test bench test-package test-isas test-notebooks: .venv/peers
endif

.PHONY: help setup lab book test notebooks bench fuzz lint clean \
	test-package test-isas test-notebooks test-labs test-site test-grading
