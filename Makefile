# Everything expensive is kept here, keyed by content; removing the folder only costs time.
CACHE ?= $(or $(PICKLEBALL_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pickleball)
export PICKLEBALL_CACHE := $(CACHE)

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
UV := $(CACHE)/uv-$(shell sha256sum requirements/bootstrap.txt | cut -c1-12)/bin/uv
export UV_CACHE_DIR := $(CACHE)/uv
PACKAGES := operator images/enforce images/generate
JAR := $(CACHE)/joern-$(shell cat images/generate/extractor/pom.xml $$(find images/generate/extractor/src -type f 2>/dev/null | LC_ALL=C sort) 2>/dev/null | sha256sum | cut -c1-12)
TORCH_VENV := $(CACHE)/torch-$(shell cat requirements/torch.txt tools/host.sh | sha256sum | cut -c1-12)

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# ---- set-up -----------------------------------------------------------------------------------------------------

host: ## Check for the programs that come from the system (apt installs them when run as root).
	@tools/host.sh base

$(UV): requirements/bootstrap.txt | host
	@$$(tools/host.sh python) -m venv $(@D)/.. && $(@D)/pip install --quiet --require-hashes -r requirements/bootstrap.txt

$(VENV)/.complete: requirements/dev.txt $(addsuffix /pyproject.toml,$(PACKAGES)) $(UV)
	@$(UV) venv --quiet --clear --python $$(tools/host.sh python) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

setup: $(VENV)/.complete ## Make the Python environment of the project.

$(TORCH_VENV)/.complete: requirements/torch.txt $(UV)
	@$(UV) venv --quiet --clear --python $$(tools/host.sh python) $(TORCH_VENV)
	@$(UV) pip sync --quiet --python $(TORCH_VENV)/bin/python --require-hashes requirements/torch.txt
	@touch $@

torch: $(TORCH_VENV)/.complete ## Make the environment of the tests that need torch (about 6 GB).

$(JAR)/.complete: $(UV)
	@tools/host.sh java
	@mvn -q -B -f images/generate/extractor/pom.xml -DbuildDirectory=$(JAR)/build package
	@touch $@

joern: $(JAR)/.complete ## Build the facts extractor (Joern's jars and ours).
