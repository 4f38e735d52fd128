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
CRATE := images/enforce/verifier
RUST_KEY := $(shell cat requirements/rust.txt $$(find $(CRATE) -type f -not -path '*/target/*' | LC_ALL=C sort) | sha256sum | cut -c1-12)
VERIFIER := $(CACHE)/verifier-$(RUST_KEY)
ZIG := $(CACHE)/zig-$(shell sha256sum requirements/rust.txt | cut -c1-12)
CARGO := cargo
# Without Rust what needs it is left out, with a line that says so; in CI that is a failure (exit code 3).
WITH_RUST := code=0; tools/host.sh rust || code=$$?; [ $$code -lt 2 ] || exit $$code; if [ $$code = 0 ];
# Cargo tells sources apart by their age: two checkouts must not share what it has built.
export CARGO_TARGET_DIR := $(CACHE)/cargo-$(shell pwd | sha256sum | cut -c1-12)
# The environment of a lock file: a folder whose name says what is in it.
venv = $(CACHE)/$(1)-$(shell sha256sum requirements/$(1).txt | cut -c1-12)
TORCH_VENV := $(call venv,torch)
PACKS_VENV := $(call venv,packs)
PACKS_OLDER_VENV := $(call venv,packs-older)
FUZZ_VENV := $(call venv,fuzz)
SCANNERS_VENV := $(call venv,scanners)

.PHONY: help host setup verifier torch packs joern lock images kustomize lint test test-rust test-python test-torch test-pythons test-cluster demo demo-cluster evaluate fuzz fuzz-coverage bench bench-scanners bench-generator bench-operator

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# ---- set-up -----------------------------------------------------------------------------------------------------

host: ## Check for the programs that come from the system (apt installs them when run as root).
	@tools/host.sh base

$(UV): | host requirements/bootstrap.txt
	@$$(tools/host.sh python) -m venv $(@D)/.. && $(@D)/pip install --quiet --require-hashes -r requirements/bootstrap.txt

$(VENV)/.complete: requirements/dev.txt $(addsuffix /pyproject.toml,$(PACKAGES)) $(UV)
	@$(UV) venv --quiet --clear --python $$(tools/host.sh python) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

setup: $(VENV)/.complete verifier ## Make the Python environment of the project.

$(ZIG)/.complete: | requirements/rust.txt $(UV)
	@$(UV) venv --quiet --clear --python $$(tools/host.sh python) $(ZIG)
	@$(UV) pip sync --quiet --python $(ZIG)/bin/python --require-hashes requirements/rust.txt
	@touch $@

# Linked by zig against glibc 2.17, so that the same file serves old containers and this machine.
$(VERIFIER)/_verifier.abi3.so: | $(ZIG)/.complete
	@echo "building the verifier" >&2
	@mkdir -p $(@D) $(CARGO_TARGET_DIR)
	@exec 9>$(CARGO_TARGET_DIR)/.building; flock 9; \
	PATH="$(abspath $(ZIG))/bin:$$PATH" ZIG_GLOBAL_CACHE_DIR=$(CACHE)/zig-cache PICKLEBALL_SOURCES=$(RUST_KEY) $(CARGO) zigbuild --quiet --locked --release \
	  --manifest-path $(CRATE)/Cargo.toml -p pickleball-verifier-python --target $$(uname -m)-unknown-linux-gnu.2.17; \
	cp $(CARGO_TARGET_DIR)/$$(uname -m)-unknown-linux-gnu/release/lib_verifier.so $@.draft
	@mv $@.draft $@

verifier: ## Build the verifier in Rust, where there is a Rust; else its Python twin is used.
	@$(WITH_RUST) then $(MAKE) --no-print-directory $(VERIFIER)/_verifier.abi3.so; fi
	@tools/place.sh $(VERIFIER)/_verifier.abi3.so images/enforce/src/pickleball_enforce/_verifier.abi3.so

$(TORCH_VENV)/.complete: | requirements/torch.txt
$(PACKS_VENV)/.complete: | requirements/packs.txt
$(PACKS_OLDER_VENV)/.complete: | requirements/packs-older.txt
$(FUZZ_VENV)/.complete: | requirements/fuzz.txt
$(SCANNERS_VENV)/.complete: | requirements/scanners.txt
$(TORCH_VENV)/.complete $(PACKS_VENV)/.complete $(PACKS_OLDER_VENV)/.complete $(FUZZ_VENV)/.complete $(SCANNERS_VENV)/.complete: | $(UV)
	@$(UV) venv --quiet --clear --python $$(tools/host.sh python) $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $(filter requirements/%,$|)
	@touch $@

lock: $(UV) ## Write every lock of requirements/ and evaluation/requirements/ again from its .in file.
	@for name in $(basename $(wildcard requirements/*.in evaluation/requirements/*.in)); do \
	  python=3.11; [[ $$name != */pythons ]] || python=3.9; \
	  $(UV) pip compile --quiet --universal --python-version $$python --generate-hashes --no-header \
	    $$name.in -o $$name.txt $$(ls $$name.overrides 2>/dev/null | sed 's/^/--overrides /'); done

torch: $(TORCH_VENV)/.complete ## Make the environment of the tests that need torch (about 6 GB).

MAKE_PACK := bin/python -m pickleball_generate.packs.make

packs: export PYTHONPATH = images/enforce/src:images/generate/src
packs: $(PACKS_VENV)/.complete $(PACKS_OLDER_VENV)/.complete $(TORCH_VENV)/.complete ## Make the knowledge packs again.
	@for name in numpy pandas scipy; do \
	  $(PACKS_OLDER_VENV)/$(MAKE_PACK) $$name --observe --output $(PACKS_OLDER_VENV)/$$name.json; \
	  $(PACKS_VENV)/$(MAKE_PACK) $$name --older $(PACKS_OLDER_VENV)/$$name.json; done
	@for name in pyarrow regex stdlib tokenizers; do $(PACKS_VENV)/$(MAKE_PACK) $$name; done
	@$(TORCH_VENV)/$(MAKE_PACK) torch

$(JAR)/.complete: $(UV)
	@tools/host.sh java
	@mvn -q -B -f images/generate/extractor/pom.xml -DbuildDirectory=$(JAR)/build package
	@touch $@

joern: $(JAR)/.complete ## Build the facts extractor (Joern's jars and ours).

images: setup joern ## Build the images of the operator, the generator, the enforcer and its bases for applications.
	@tools/host.sh image
	@$(BIN)/python -m tools.images --joern $(JAR)/build/jars enforce enforce-deb12 enforce-deb11 generate operator

kustomize: setup ## Write the kustomize base again, from the chart.
	@tools/host.sh java
	@$(BIN)/python -m tools.kustomize

# ---- checks -----------------------------------------------------------------------------------------------------

PYTEST := $(BIN)/python -m pytest

lint: setup ## Lint, format, types, import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(WITH_RUST) then \
	  $(CARGO) fmt --manifest-path $(CRATE)/Cargo.toml --all --check; \
	  $(CARGO) clippy --quiet --locked --manifest-path $(CRATE)/Cargo.toml --all-targets -- -D warnings; fi

test: lint test-rust test-python test-torch ## Everything but the cluster: static checks and tests on real libraries.

test-rust: ## The tests of the Rust verifier's core (all others compare it with the one in Python).
	@$(WITH_RUST) then \
	  $(CARGO) test --quiet --locked --release --manifest-path $(CRATE)/Cargo.toml -p pickleball-verifier; fi

test-python: setup joern $(PACKS_VENV)/.complete ## The tests that need neither torch nor a cluster.
	@tools/host.sh browser || test "$$CI" != true  # without it those tests are skipped; in CI they fail
	@tools/host.sh test
	$(PYTEST) -m "not cluster and not pythons" --ignore=tests/real/torch

test-torch: torch joern ## The tests on models of torch and flair.
	PYTHONPATH=images/enforce/src:images/generate/src $(TORCH_VENV)/bin/python -m pytest tests/real/torch

test-pythons: setup ## The enforcer's and CPython's own tests on Python 3.9, 3.11, 3.13 and 3.14 of Debian; needs root.
	@tools/host.sh image
	$(PYTEST) -m pythons --durations=0 tests/pythons

test-cluster: setup joern ## The tests on a real Kubernetes, built from source; needs root.
	@tools/host.sh cluster
	@tools/host.sh image
	PICKLEBALL_JOERN=$(JAR)/build/jars $(PYTEST) -m cluster -s tests/cluster

COUNT ?= 100000

fuzz: setup ## Compare COUNT random streams with what CPython does (FIRST=seed, PROCESSES=n); gaps are kept in fuzz-gaps/.
	$(BIN)/python -m tests.attacks.fuzz --count $(COUNT) $(if $(FIRST),--first $(FIRST)) $(if $(PROCESSES),--processes $(PROCESSES))

fuzz-coverage: $(FUZZ_VENV)/.complete ## The same with streams that follow the coverage of the verifier (atheris).
	PYTHONPATH=images/enforce/src $(FUZZ_VENV)/bin/python -m tests.attacks.fuzz --coverage --count $(COUNT) -max_len=400

bench: setup ## Enforced loads beside stock ones, by the Pythons in PYTHONS (default: the project's own; debian: Debian's four, needs root).
	@$(if $(filter debian%,$(PYTHONS)),tools/host.sh image)
	$(BIN)/python -m benchmarks.load $(PYTHONS)

bench-generator: setup joern ## Time and memory of the generator over real libraries (ONLY=a,b MODES=cold,cached,cpg,whole).
	$(BIN)/python -m benchmarks.generator $(if $(ONLY),--only $(ONLY)) $(if $(MODES),--modes $(MODES))

bench-operator: setup ## The controller with many ModelDeployments on a real API server (DEPLOYMENTS=1000 POLICIES=16); needs root.
	@tools/host.sh cluster
	$(BIN)/python -m benchmarks.controller $(if $(DEPLOYMENTS),--count $(DEPLOYMENTS)) $(if $(POLICIES),--policies $(POLICIES))

bench-scanners: setup $(SCANNERS_VENV)/.complete ## Scan speed on a million opcodes, beside other scanners.
	$(BIN)/python -m benchmarks.scanners --scanners $(SCANNERS_VENV)/bin

# ---- the main job -----------------------------------------------------------------------------------------------

demo: setup joern ## A policy from scikit-learn's sources; a model that loads, an exploit that does not.
	$(BIN)/python -m tools.demo

evaluate: setup joern ## Measure real libraries again (ONLY="lib lib", SUBSET=ci, JOBS=n); see evaluation/README.md.
	PICKLEBALL_JOERN=$(JAR)/build/jars $(BIN)/python -m evaluation \
	  $(addprefix --only ,$(ONLY)) $(addprefix --subset ,$(SUBSET)) $(addprefix --jobs ,$(JOBS))

demo-cluster: setup joern ## The same on a real Kubernetes; needs root.
	@tools/host.sh cluster
	@tools/host.sh image
	@PICKLEBALL_JOERN=$(JAR)/build/jars $(BIN)/python -m tests.cluster.demo
