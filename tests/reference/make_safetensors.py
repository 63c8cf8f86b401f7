# SPDX-License-Identifier: MIT
"""Writes python.safetensors beside itself: what Python's safetensors package makes of a few small tensors.

pip install numpy safetensors; python make_safetensors.py
With a file name it reads that file instead and compares. The C++ test writes the same tensors to where it is told:
WICK_WRITE_SAFETENSORS=/tmp/wick.safetensors <the test program>; python make_safetensors.py /tmp/wick.safetensors
"""

import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

tensors = {
    "fc1.weight": np.arange(12, dtype=np.float32).reshape(3, 4) / 8,
    "fc1.bias": np.array([-1.5, 0.0, np.inf], dtype=np.float32),
    "step": np.array(1 << 40, dtype=np.int64),
    "double": np.array([[1e300, -1e-300]], dtype=np.float64),
    "small": np.array([-3, 7], dtype=np.int32),
    "mask": np.array([True, False, True], dtype=np.bool_),
    "bytes": np.arange(5, dtype=np.uint8),
    "none": np.zeros((0, 4), dtype=np.float32),
    "größe \"q\"": np.array([0.25], dtype=np.float32),
}
metadata = {"format": "pt", "note": "äöü"}

if len(sys.argv) == 1:
    save_file(tensors, pathlib.Path(__file__).with_name("python.safetensors"), metadata=metadata)
else:
    read = load_file(sys.argv[1])
    assert read.keys() == tensors.keys(), read.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype and read[name].shape == tensor.shape, name
        assert np.array_equal(read[name], tensor), name
    with safe_open(sys.argv[1], "np") as file:
        assert file.metadata() == metadata, file.metadata()
    print("the same")
