# Every target sets up what it needs by itself. `make help` lists them.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
READER := $(VENV)/.reader
FUZZER := $(VENV)/.fuzzer

# What the window of the bridge needs of it: Qt brings itself, but not what it paints and types with.
WINDOW_PACKAGES := libglib2.0-bin libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon0 libxkbcommon-x11-0 \
	libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 \
	libxcb-shape0 libxcb-xfixes0 libxcb-xkb1 libwayland-client0 libwayland-cursor0
# What the bridge needs: to compile what talks to readers, the reader service, and its window.
BRIDGE_PACKAGES := gcc libc6-dev swig libpcsclite-dev pcscd libccid fonts-noto-cjk $(WINDOW_PACKAGES)
# What the tests and the screenshots need of the system besides.
PACKAGES := chromium fonts-noto-color-emoji fonts-roboto-unhinted postgresql openssl vsmartcard-vpcd \
	opensc iproute2 libfaketime nginx-light tinyproxy-bin microsocks dpkg-dev openssh-client xvfb \
	$(BRIDGE_PACKAGES)

# $(call need,PACKAGES): install those that are missing as root, else say how and stop.
define need
	@command -v dpkg-query >/dev/null || exit 0; missing=""; \
	for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
		echo "Run once: sudo apt-get update && sudo apt-get install -y --no-install-recommends$$missing"; exit 1; \
	fi
endef

FUZZ_MINUTES ?= 5
LOAD_MINUTES ?= 10
KILLS ?= 100

.DEFAULT_GOAL := help
.PHONY: help setup system bridge-system demo run bridge package package-check test faults fuzz interleaving load lint hooks generate bench screenshots lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Create .venv with everything pinned

$(STAMP): requirements/dev.txt pyproject.toml
ifneq (0,$(shell $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; echo $$?))
	$(call need,python3 python3-venv)
endif
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

system: ## Install the Debian packages that tests and screenshots need
	$(call need,$(PACKAGES))

bridge-system: # what the bridge needs of the system, and no more
	$(call need,$(BRIDGE_PACKAGES))

demo: setup ## Try it: the bot on a local stand-in of Telegram, in your browser
	@$(BIN)/kaika demo $(ARGS)

run: setup ## Serve Telegram; needs KAIKA_BOT_TOKEN in the environment or .env
	@$(BIN)/kaika run

bridge: setup $(READER) ## The app for the card reader; make bridge ARGS="--window"
	@$(BIN)/kaika-bridge $(ARGS)

package: setup system ## The app with everything it needs, for this system, in build/package
	$(PYTHON) packaging/build.py

package-check: ## Install the .deb in a clean Debian tree, as root, and try it out
	$(call need,debootstrap xvfb)
	$(PYTHON) packaging/check_debian.py $(ARGS)

# pyscard is compiled here, so only what talks to a reader asks for it.
$(READER): requirements/bridge-gui.txt | $(STAMP) bridge-system
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bridge-gui.txt
	@touch $(READER)

# libFuzzer inside atheris, whose wheels are for Linux on x86-64.
$(FUZZER): requirements/fuzz.txt | $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $(FUZZER)

test: setup system $(READER) ## Run every test, on two cores
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

faults: setup system $(READER) ## Let everything around the bot fail, and kill it; KILLS=100 SEED=1 goes on with that seed
	$(BIN)/python -m tests.faults --kills $(KILLS) $(if $(SEED),--seed $(SEED))

fuzz: setup $(READER) $(FUZZER) ## Feed every boundary inputs without end; FUZZ_MINUTES=5 for each, FUZZ="ocsp faq" for some
	$(BIN)/python -m tests.fuzz --minutes $(FUZZ_MINUTES) $(FUZZ)

interleaving: setup system $(READER) ## Put every message, stop and failure at every moment of every card operation
	$(BIN)/python -m pytest -n 2 --dist load -q -m slow_interleaving tests/reader_bridge/end_to_end/test_interleaving.py

load: setup system $(READER) ## Two thousand people at the same time, on each database; LOAD_MINUTES=10 for each
	$(BIN)/python -m benchmarks.load --minutes $(LOAD_MINUTES)

lint: setup $(READER) ## Check style, types, imports, the FAQ and the words
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kaika faq check
	$(BIN)/python -m tools.words

hooks: setup $(READER) ## Run ruff, mypy and the FAQ check before every commit
	$(BIN)/pre-commit install

generate: setup ## Bring catalogues and generated pages up to date with the code
	$(BIN)/python -m bot.cli.conversation_docs
	$(BIN)/python -m tools.protocol_docs.document docs
	$(BIN)/python -m tools.catalogues
	$(BIN)/python -m tools.pictures

bench: setup ## Measure, beside peers in the same run; also as build/bench.json
	$(BIN)/python -m benchmarks

screenshots: setup system $(READER) ## Take the pictures in docs/screenshots again
	$(BIN)/python -m tests.screenshots
	$(BIN)/python -m tests.pictures
	$(BIN)/python -m tests.reader_bridge.app.app_screenshots

PIN := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
# The bridge takes the versions that the tests run with, and is installed on Windows and macOS too.
PIN_UNIVERSAL := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header
PIN_BRIDGE := $(PIN_UNIVERSAL) --constraint requirements/dev.txt --extra bridge

lock: setup ## Pin the requirements anew, with hashes
	$(BIN)/python -m pip install --quiet pip-tools uv
	$(PIN) --upgrade --extra server --extra sandbox --extra postgresql --extra dev --output-file requirements/dev.txt pyproject.toml
	$(PIN_UNIVERSAL) --group fuzz --output-file requirements/fuzz.txt
	$(PIN_BRIDGE) --output-file requirements/bridge.txt pyproject.toml
	$(PIN_BRIDGE) --extra bridge-gui --output-file requirements/bridge-gui.txt pyproject.toml
	$(PIN_BRIDGE) --extra bridge-gui --extra packaging --output-file requirements/packaging.txt pyproject.toml

clean: ## Remove what can be made again
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
