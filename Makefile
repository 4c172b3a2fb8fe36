PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# A chat model's package is installed only where its key is set.
CHAT := $(if $(OPENAI_API_KEY),langchain-openai) $(if $(ANTHROPIC_API_KEY),langchain-anthropic) $(if $(GOOGLE_API_KEY),langchain-google-genai)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs cassettes live bench matrix clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: $(VENV)/demo.done ## Run the main job; pictures and a page go to out/
	$(BIN)/python examples/poster.py

test: lint ## Run linter, type checker and all tests
	$(BIN)/python -m pytest -n 4
	@echo "the same where async requests go through aiohttp:"
	FAL_ASYNC_TRANSPORT=aiohttp $(BIN)/python -m pytest -n 4 -q tests/wire tests/faults tests/durable tests/runnables

lint: $(VENV)/test.done ## Run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

cassettes: $(VENV)/test.done ## Record tests/cassettes, at fal where a key is set (costs money)
	$(BIN)/python -m pytest tests/cassettes/test_endpoints.py --cassettes=record

live: $(VENV)/test.done ## Run the same tests live, at fal where a key is set (costs money)
	$(BIN)/python -m pytest tests/cassettes/test_endpoints.py --cassettes=live

docs: $(VENV)/test.done ## Build the documentation site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/test.done ## Measure this package beside other clients, on a fake queue
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/transfers.py
	$(BIN)/python benchmarks/clients.py

matrix: $(VENV)/test.done ## Test the wheel with lowest and newest versions, on each Python
	$(BIN)/python scripts/matrix.py

format: $(VENV)/test.done ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was made
	rm -rf $(VENV) out dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/pip-new:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	touch $@

$(VENV)/demo.done: $(VENV)/bin/pip-new pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sandbox,langgraph]' --group demo $(CHAT)
	touch $@

$(VENV)/test.done: $(VENV)/bin/pip-new pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[sandbox,images,langgraph,fast,ray]' --group test --group docs --group release --group lint
	touch $@
