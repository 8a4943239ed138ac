# Everything happens in tools/; this file only gives it short names. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: setup book test serve page bench pages lint assignment grade lecturers clean help

PY := .venv/bin/python

setup:  ## create or update .venv from requirements.txt
	@sh tools/setup.sh

book: setup  ## execute all chapters and build the site
	@$(PY) -m tools.book

test: book  ## library tests, statement checks, nbval on the published notebooks
	@$(PY) -m tools.test

serve: setup  ## serve the built site on localhost (PORT=8000)
	@$(PY) -m tools.serve $(PORT)

page: setup  ## execute and build one chapter: make page PAGE=foundations/two_weights
	@$(PY) -m tools.page $(PAGE)

bench: setup  ## speed of the library, as ratios measured in one run
	@$(PY) -m tools.test bench

pages: book  ## open every built page in headless Chromium
	@$(PY) -m tools.test pages

lint: setup  ## ruff and codespell
	@$(PY) -m tools.lint

assignment: lecturers  ## student version of a problem set: make assignment SET=2 (COURSE=word OUT=folder)
	@$(PY) -m tools.coursework.assignment "$(SET)" --course "$(COURSE)" $(if $(OUT),--out "$(OUT)")

grade: lecturers  ## grade submissions: make grade SET=2 IN=submissions OUT=marks (COURSE=word UNSAFE=1)
	@$(PY) -m tools.coursework.grade "$(SET)" "$(IN)" "$(OUT)" --course "$(COURSE)" $(if $(UNSAFE),--unsafe)

lecturers: setup  ## what the two commands before need, nbgrader among them
	@$(PY) -m tools.coursework.install

clean:  ## remove all that is generated, except .venv
	@rm -rf _build .pytest_cache .ruff_cache .benchmarks .coverage lib/*.egg-info
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 8
