# make install | demo | study | lint | docs | test | test-faults | test-slurm | test-wheel | test-stock |
# test-all | bench
# Everything lives in .venv; remove that folder to start over.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCALE ?= full
TWO_WORKERS := -n 2 --dist loadfile --no-loadscope-reorder  # tests/conftest.py orders the files

.PHONY: install demo study lint docs test test-faults test-slurm test-wheel test-stock test-all bench
install: $(VENV)/.installed

# A Python without ensurepip (Debian's, without python3-venv) can still make a venv. pip is then
# installed into it by hand. mmcv requires opencv-python, which needs libGL, and servers lack that.
# opencv-python-headless does not need it.
$(VENV)/.installed: setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || ( $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip install -q --target "$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')" pip )
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -c constraints.txt -e '.[openmmlab,test]'
	$(BIN)/python -m pip uninstall -q -y opencv-python opencv-python-headless
	$(BIN)/python -m pip install -q -c constraints.txt --no-deps opencv-python-headless
	$(BIN)/python -c 'import mmresizemix, mmdet.models, mmpretrain.models'
	touch $@

demo: install
	$(BIN)/python tools/demo.py --scale $(SCALE)

# Run a small version of the paper's Table 5 on your data (configs/study/_base_data.py). SCALE=cpu
# needs no GPU.
study: install
	$(BIN)/python tools/transfer.py configs/plans/study$(if $(filter cpu,$(SCALE)),_cpu).py

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

# Build docs/_build/html/index.html. Warnings are errors.
docs: install
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	rm -rf docs/_build
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build/html

# Run the tests, which takes minutes. FULL=--full makes these and the tests below long.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TWO_WORKERS) $(FULL) tests \
	  --ignore tests/faults --ignore tests/slurm --ignore tests/wheel

# Test kills, full disks and the like on real runs.
test-faults: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(TWO_WORKERS) $(FULL) tests/faults

# Test plans on a Slurm cluster of one machine. Slurm comes from Debian's packages, which needs root.
test-slurm: install
	which slurmctld slurmd munged mungekey || ( apt-get -q update && \
	  apt-get -qy install --no-install-recommends slurm-wlm munge )
	$(BIN)/python -m pytest -x $(FULL) tests/slurm

# Make an environment at $(1) that sees what is installed in .venv, except $(2).
define environment
	rm -rf $(1) && $(BIN)/python -m venv --without-pip $(1) && mkdir $(1)/shared
	ln -s $(abspath $(VENV))/lib/python3*/site-packages/* $(1)/shared/
	cd $(1)/shared && rm -rf $(2) __editable__* *.pth
	echo $(abspath $(1))/shared > "$$(echo $(1)/lib/python3*/site-packages)/shared.pth"
endef

# Build the wheel from the sdist, and test it from a folder that is not the checkout.
PIP_WHEEL := $(BIN)/python -m pip --python .venv-wheel
test-wheel: install
	$(call environment,.venv-wheel,mmresizemix*)
	rm -rf build
	$(BIN)/python -m build -o build/dist .
	$(PIP_WHEEL) install -c constraints.txt "$$(echo build/dist/*.whl)[openmmlab,test]" openmim 'setuptools<81'
	$(PIP_WHEEL) uninstall -q -y opencv-python
	cd .venv-wheel && OMP_NUM_THREADS=1 bin/python -m pytest $(FULL) ../tests/wheel
	rm -rf .venv-wheel

# Test with OpenMMLab's own releases. Their requirements do not fit current PyTorch, so they are
# installed without them, and what they need is listed here.
STOCK := mmengine mmcv-lite mmdet mmpretrain
STOCK_NEEDS := addict einops importlib-metadata mat4py modelindex packaging pyyaml 'setuptools<81' shapely six \
  termcolor terminaltables tqdm yapf torch torchvision faster-coco-eval grad-cam PyMaxflow simplejpeg
# These are the tests of what can differ there: imports and registries, and a classifier and detectors that are
# trained, resumed, evaluated, exported and guarded. With FULL, all tests run except those that only read files, and
# those that would run or compile again what the other tests have run or compiled.
STOCK_TESTS := $(addprefix tests/,detection openmmlab test_pipeline.py training/test_resuming.py transfer)
STOCK_WITHOUT := $(addprefix tests/,datasets docs faults metrics plan report results runs show slurm \
  test_benchmarks.py training/test_trackers.py wheel)
PIP_STOCK := $(BIN)/python -m pip --python .venv-stock
test-stock: install
	$(call environment,.venv-stock,mm* onedl_*)
	$(PIP_STOCK) install -c constraints.txt -e '.[test]' $(STOCK_NEEDS)
	$(PIP_STOCK) uninstall -q -y opencv-python
	$(PIP_STOCK) install -q -c constraints.txt --no-deps $(STOCK)
	OMP_NUM_THREADS=1 .venv-stock/bin/python -m pytest $(TWO_WORKERS) $(if $(FULL),$(FULL) tests \
	  $(addprefix --ignore ,$(STOCK_WITHOUT)) --deselect tests/training/test_fast.py::test_trains_as_without,$(STOCK_TESTS))
	rm -rf .venv-stock

# Test everything at length, with each command in a Python of its own, before a release. It takes two hours.
test-all:
	$(MAKE) lint docs test test-faults test-slurm test-wheel test-stock FULL=--full

# Run every benchmark in turn, then write docs/benchmarks.md. PICTURES is a folder of real JPEGs.
bench: install
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python benchmarks/mixing.py --rounds 31
	$(BIN)/python benchmarks/methods.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/loading.py $(if $(PICTURES),--pictures $(PICTURES))
	$(BIN)/python benchmarks/training.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/start_time.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/import_time.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/coco_evaluation.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/bootstrap.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/page.py
