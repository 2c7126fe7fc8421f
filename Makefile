# Everything starts here: `make run`, `make test`, `make check`, `make bench`.
# Needs GNU make, a POSIX shell and Python 3.11 or newer; the rest is set up in .venv from requirements.lock.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check evals bench torture soak load lock clean setup venv project
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# A stamp carries the checksum of what was installed, and of where: a moved tree is set up anew.
LOCKED := $(VENV)/.locked-$(shell { pwd; cat requirements.lock; } | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-$(shell { pwd; cat requirements.lock pyproject.toml; } | cksum | cut -d ' ' -f 1)

help: ## show this help
	@echo "Deskhand: a customer-support agent that lives in Slack."
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name words; do \
		printf '%-14s %s\n' "$$name" "$$words"; done

run: setup ## set everything up and start the sandbox (ARGS="--port 9000" adds options)
	@exec $(BIN)/python -m bot sandbox $(ARGS)

test: setup ## set everything up and run the whole test suite, three tests at once, then alone what failed and what promises a time (ARGS="tests/unit" narrows it)
	@command -v chromium >/dev/null 2>&1 || \
		echo "Chromium is missing: the browser tests need it (on Debian: apt-get install chromium)."
ifdef ARGS
	@exec $(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n 3 --dist worksteal --ignore tests/torture -m "not alone" || { \
		[ $$? = 1 ] && echo "Failed beside others; now each of them alone:" && \
		$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 5; }
	@exec $(BIN)/python -m pytest --ignore tests/torture -m alone
endif

check: setup ## ruff, mypy --strict and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports

evals: setup ## play the sets of cases offline, write what passed to tests/evals/record.toml (ARGS="--accept" lets its floor fall)
	@exec $(BIN)/python -m bot eval offline --record tests/evals/record.toml --floor 0 $(ARGS)

bench: setup ## measure speed and size, print a table
	@exec $(BIN)/python -m tests.bench $(ARGS)

torture: setup ## deploy over running work, take over at every await point, then kill, freeze and confuse bots (ARGS="--kills 1000 --database postgresql --seed 7")
	@$(BIN)/python -m pytest tests/torture
	@P5_EVERY=1 $(BIN)/python -m pytest tests/adversarial/test_p5_interleaving.py --timeout 900
	@exec $(BIN)/python -m tests.torture $(ARGS)

soak: setup ## an hour of everyday work: does anything grow? (ARGS="--minutes 10")
	@exec $(BIN)/python -m tests.torture soak $(ARGS)

load: setup ## 200 events a second into 1,000 conversations: acknowledged in time? (ARGS="--rate 100")
	@exec $(BIN)/python -m tests.torture load $(ARGS)

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv: install it with 'pip install uv'." >&2; exit 1; }
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-header --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock

clean: ## remove .venv and caches; data/ stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@test -x $(BIN)/python && test -f $(LOCKED) || $(MAKE) venv
	@test -f $(INSTALLED) || $(MAKE) project

venv:
	@with_venv=''; found=''; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		found=$$python; \
		"$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && { with_venv=$$python; break; }; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Deskhand needs Python 3.11 or newer, and none was found. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	elif [ -z "$$with_venv" ]; then \
		echo "$$found has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Setting up .venv with $$with_venv (once; this takes a minute) …"; \
	rm -rf $(VENV) && "$$with_venv" -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $(LOCKED)

project:
	@rm -f $(VENV)/.installed-*
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)
