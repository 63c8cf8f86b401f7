#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/fused.cpp and bench/rows.cpp in PyTorch: torch_ops.py THREADS [--compile]. Writes one JSON object:
seconds of each round, warm. `--compile` runs the same functions through torch.compile."""
import argparse
import json

import torch

from common import seconds

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--compile", action="store_true")
parser.add_argument("--rounds", type=int, default=15)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)

n = 1 << 22


def chain(x, w, b):
    return torch.tanh(x * w + b) * torch.sigmoid(x) + torch.exp(w * b)


def timed(round_):
    return seconds(round_, options.rounds)


def main():
    wrap = torch.compile if options.compile else (lambda f: f)
    result = {}
    x, w, b = torch.randn(n), torch.randn(n), torch.randn(n)
    forward = wrap(chain)
    with torch.no_grad():
        result["chain_forward"] = timed(lambda: forward(x, w, b))

    leaves = [t.clone().requires_grad_() for t in (x, w, b)]
    total = wrap(lambda x, w, b: chain(x, w, b).sum())

    def backward():
        for leaf in leaves:
            leaf.grad = None
        total(*leaves).backward()

    result["chain_backward"] = timed(backward)

    y = torch.empty(n)
    with torch.no_grad():
        result["multiply_add"] = timed(lambda: torch.addcmul(b, x, w, out=y))

    rows = torch.randn(4096, 1024)
    weight, bias = torch.randn(1024), torch.randn(1024)
    softmax = wrap(lambda r: torch.softmax(r, -1))
    layer_norm = wrap(lambda r: torch.nn.functional.layer_norm(r, (1024,), weight, bias))
    with torch.no_grad():
        result["softmax"] = timed(lambda: softmax(rows))
        result["layer_norm"] = timed(lambda: layer_norm(rows))
    print(json.dumps(result))


main()
