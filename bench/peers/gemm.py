#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/gemm.cpp in PyTorch: gemm.py THREADS. Writes one JSON object: seconds of warm rounds by work."""
import json
import sys

import torch

from common import calls_in, seconds

threads = int(sys.argv[1])
torch.set_num_threads(threads)
shapes = [(n, n, n) for n in (16, 32, 64, 128, 256, 512, 1024, 2048)] + [(4096, 4096, 64), (64, 64, 4096), (128, 128, 9216)]


def timed(round_):
    return seconds(round_, warm=0, calls=calls_in(round_, 0.05))


result = {}
with torch.no_grad():
    for name, dtype in (("float", torch.float32), ("double", torch.float64)):
        for m, n, k in shapes:
            a, b, c = torch.randn(m, k, dtype=dtype), torch.randn(k, n, dtype=dtype), torch.empty(m, n, dtype=dtype)
            result[f"gemm_{name}/m:{m}/n:{n}/k:{k}"] = timed(lambda: torch.mm(a, b, out=c))
        for n in (64, 256, 1024):
            a, b, bias = (torch.randn(n, n, dtype=dtype), torch.randn(n, n, dtype=dtype), torch.randn(n, dtype=dtype))
            result[f"bias_relu_{name}/m:{n}/n:{n}/k:{n}"] = timed(lambda: torch.relu(torch.addmm(bias, a, b)))
print(json.dumps(result))
