PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# A chat model's package is installed only if its key is set.
CHAT := $(if $(OPENAI_API_KEY),langchain-openai) $(if $(ANTHROPIC_API_KEY),langchain-anthropic) $(if $(GOOGLE_API_KEY),langchain-google-genai)

# Tests with these markers need more packages or time, so only `make check` runs them.
CHECKED := chat_models or standard or examples or docs or ray or pyright or chromium or slow
PYTEST := $(BIN)/python -m pytest -n 3 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format docs cassettes live bench matrix clean

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 11

demo: $(VENV)/demo.done ## Run the demo; it writes images and a page to out/
	$(BIN)/python examples/poster.py

test: lint ## Run the linters, the type checker and the unit tests
	$(PYTEST) -m "not ($(CHECKED))"
	@echo "The tests of the transport again, with async requests over aiohttp:"
	FAL_ASYNC_TRANSPORT=aiohttp $(PYTEST) -q tests/wire/test_drivers.py tests/wire/test_http.py tests/wire/test_sockets.py tests/wire/test_cancelled_tasks.py tests/runnables/test_main_job.py

check: $(VENV)/check.done ## Run what make test leaves out: chat models, docs, Ray, browser, wheel
	$(PYTEST) -m "$(CHECKED)"
	@echo "The tests that send requests again, with async requests over aiohttp:"
	FAL_ASYNC_TRANSPORT=aiohttp $(PYTEST) -q tests/wire tests/faults tests/durable tests/runnables
	$(BIN)/python scripts/matrix.py --here

lint: $(VENV)/test.done ## Run ruff, mypy and the structure checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_structure.py

cassettes: $(VENV)/test.done ## Record cassettes/ again, with fal if a key is set (costs money)
	$(BIN)/python -m pytest tests/cassettes/test_cassettes.py --cassettes=record

live: $(VENV)/test.done ## Run the cassette tests live, with fal if a key is set (costs money)
	$(BIN)/python -m pytest tests/cassettes/test_cassettes.py --cassettes=live

docs: $(VENV)/check.done ## Build the documentation site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/test.done ## Compare the speed of this package with other clients
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/tool_call.py
	$(BIN)/python benchmarks/artifacts.py
	$(BIN)/python benchmarks/transfers.py
	$(BIN)/python benchmarks/clients.py

matrix: $(VENV)/check.done ## Test the wheel with the lowest and newest versions, on each Python
	$(BIN)/python scripts/matrix.py

format: $(VENV)/test.done ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove everything that these commands created
	rm -rf $(VENV) out dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/pip-new:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: run make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/demo.done: $(VENV)/bin/pip-new pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sandbox,langgraph]' --group demo $(CHAT)
	touch $@

$(VENV)/test.done: $(VENV)/bin/pip-new pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sandbox,images,langgraph,fast]' --group test --group lint
	touch $@

$(VENV)/check.done: $(VENV)/test.done
	$(BIN)/python -m pip install --quiet --editable '.[sandbox,images,langgraph,fast,ray]' --group test --group check
	touch $@
