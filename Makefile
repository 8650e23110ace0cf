# What somebody who works on the studio runs all day. The gate itself is .ci/run.
bin := .venv/bin

.PHONY: install check test slow fix coverage

install:  ## a virtual environment to work in, with the hooks
	python3 -m venv .venv
	$(bin)/pip install -e ".[local,dev]"
	$(bin)/pre-commit install

check:  ## linters, types, imports
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports --no-cache

test:  ## the fast tests
	$(bin)/pytest

slow:  ## the embedded model, kill -9, tmux
	$(bin)/pytest -m slow -n 2 --dist loadfile

fix:  ## what linters can mend by themselves
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

coverage:  ## the fast tests, and which lines they never ran
	$(bin)/pytest --cov=studio --cov-report=term:skip-covered
