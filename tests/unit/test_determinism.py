"""Golden tensors have one hash, whatever the run, the threads, the seeds and the processor."""

import json
import os
import subprocess
import sys

import pytest
from numpy._core import _multiarray_umath

from serving.bundle import Bundle
from tests.conftest import MODALITIES, ROOT

HASHES = """
import json, sys
from pathlib import Path
from serving import golden, preprocessing
from serving.bundle import Bundle

bundle = Bundle.open(Path(sys.argv[1]))
case = golden.parse(bundle.read_json("golden.json"), bundle.manifest.modality)
preprocess = preprocessing.load(bundle.manifest.modality, bundle.read_json("preprocessing.json"))
whole = [golden.digest(tensor) for tensor in preprocess(case.instances)]
alone = [golden.digest(preprocess([instance])[0]) for instance in case.instances]
print(json.dumps([whole, alone]))
"""
# What NumPy may use of this processor; without it, it computes as on a lesser one.
FEATURES = " ".join(_multiarray_umath.__cpu_dispatch__)
SETTINGS = {
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"},
    "eight threads": {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"},
    "a small function": {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "PYTHONHASHSEED": "1"},
    "a large function": {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "10240", "PYTHONHASHSEED": "2"},
    "a lesser processor": {"NPY_DISABLE_CPU_FEATURES": FEATURES},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", MODALITIES)
def test_golden_tensors_have_the_hashes_of_the_bundle(name, setting):
    folder = ROOT / "artifacts" / name
    environment = os.environ | {"PYTHONPATH": str(ROOT / "layers/serving")} | SETTINGS[setting]
    command = [sys.executable, "-W", "ignore", "-c", HASHES, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    expected = Bundle.open(folder).read_json("golden.json")["sha256"]
    assert json.loads(done.stdout) == [expected, expected]
