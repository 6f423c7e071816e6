# Two commands matter: `make run` gives a working CalSync, `make test` proves it.
.DEFAULT_GOAL := help
.PHONY: help setup run test chaos proof check format lock screens pictures bench

PYTHON_HERE := .venv/bin/python
PROOF := tests/journey/test_life.py tests/bench tests/browser/test_published_guide.py tests/notifications/test_invitations.py tests/availability/test_properties.py

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install all that run, check and test need (.venv, node_modules)
	@python=$$(scripts/find-python) && exec "$$python" scripts/setup.py

run: setup ## Start CalSync on http://127.0.0.1:5080 (PORT=… elsewhere); Ctrl-C ends it
	@exec $(PYTHON_HERE) -m scripts.run

test: setup ## Run every test; ARGS="tests/bookings -x" for some
	@$(PYTHON_HERE) -m scripts.chromium --install
	@$(PYTHON_HERE) -m scripts.test $(ARGS)

chaos: setup ## Kill, freeze and restart real processes on both databases; ARGS="-k postgresql" for some
	@$(PYTHON_HERE) -m scripts.dovecot
	@$(PYTHON_HERE) -m pytest -m "" tests/chaos tests/journey/test_races.py tests/replies $(ARGS)

proof: setup ## Before a release: properties on very many examples, and the guide in both languages on both databases
	@$(PYTHON_HERE) -m scripts.chromium --install
	@CALSYNC_PROOF=1 $(PYTHON_HERE) -m pytest -m "not chaos" $(PROOF) $(ARGS)

check: setup ## Format, lint, types, templates, layers
	$(PYTHON_HERE) -m ruff format --check .
	$(PYTHON_HERE) -m ruff check .
	$(PYTHON_HERE) -m mypy --strict app
	$(PYTHON_HERE) -m djlint --lint --quiet app/templates
	.venv/bin/lint-imports

format: setup ## Format the code and mend what the linter can
	$(PYTHON_HERE) -m ruff format .
	$(PYTHON_HERE) -m ruff check --fix .

lock: setup ## Renew the lock files after a change to pyproject.toml or package.json; UPGRADE=1 for the newest
	@scripts/lock

screens: setup ## Take pictures of every page into screenshots/
	@$(PYTHON_HERE) -m scripts.chromium --install
	@$(PYTHON_HERE) -m scripts.screens

pictures: setup ## Take anew the pictures of screens that the documentation shows
	@$(PYTHON_HERE) -m scripts.chromium --install
	@$(PYTHON_HERE) -m scripts.guide_pictures

bench: setup ## Measure the slot engine, pages, bookings and mails; ARGS="page" for some
	@$(PYTHON_HERE) -m bench $(ARGS)
