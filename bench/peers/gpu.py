#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/gpu/ in PyTorch on the same GPU: gpu.py [--compile]. Writes one JSON object: seconds of each round,
warm, by events of the stream as there. `--compile` runs the same functions through torch.compile, the training step with
mode="reduce-overhead" (CUDA graphs). Without a GPU: exit status 1 and one sentence."""
import argparse
import json
import sys
import time

import torch
from torch.nn import functional as F

from network import Cnn

parser = argparse.ArgumentParser()
parser.add_argument("--compile", action="store_true")
parser.add_argument("--rounds", type=int, default=40)
options = parser.parse_args()

n, rows, columns = 1 << 26, 16384, 4096


def timed(round_, prepare=lambda: None, warm=10):
    """Seconds of each round; the host runs ahead of the GPU."""
    for _ in range(warm):
        round_(prepare())
    events = []
    for _ in range(options.rounds):
        given = prepare()
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        round_(given)
        stop.record()
        events.append((start, stop))
    torch.cuda.synchronize()
    return [start.elapsed_time(stop) * 1e-3 for start, stop in events]


def chain(x, w, b):
    return torch.tanh(x * w + b) * torch.sigmoid(x) + torch.exp(w * b)


def wrap(function, **more):
    return torch.compile(function, **more) if options.compile else function


def randn(*shape):
    return torch.randn(*shape, device="cuda")


def elementwise(result):
    x, w, b = randn(n), randn(n), randn(n)
    multiply_add, forward = wrap(lambda x, w, b: x * w + b), wrap(chain)
    with torch.no_grad():
        result["multiply_add"] = timed(lambda _: multiply_add(x, w, b))
        result["chain_forward"] = timed(lambda _: forward(x, w, b))
    leaves = [t.requires_grad_() for t in (x, w, b)]
    seed = randn(n)
    result["chain_backward"] = timed(lambda y: torch.autograd.grad(y, leaves, seed), lambda: forward(*leaves))


def of_rows(result):
    x, weight, bias = randn(rows, columns), randn(columns), randn(columns)
    work = {
        "softmax": lambda: torch.softmax(x, -1),
        "layer_norm": lambda: F.layer_norm(x, (columns,), weight, bias),
        "sum_all": lambda: x.sum(),
        "sum_rows": lambda: x.sum(1),
        "sum_columns": lambda: x.sum(0),
    }
    with torch.no_grad():
        for name, function in work.items():
            run = wrap(function)
            result[name] = timed(lambda _: run())


def products(result):
    for name, dtype, tf32 in (("gemm_float", torch.float32, False), ("gemm_tf32", torch.float32, True),
                              ("gemm_float16", torch.float16, False), ("gemm_bfloat16", torch.bfloat16, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        x, w, b = (randn(*shape).to(dtype) for shape in ((4096, 4096), (4096, 4096), (4096,)))
        product = wrap(lambda x, w, b: F.gelu(F.linear(x, w, b), approximate="tanh"))
        with torch.no_grad():
            result[name] = timed(lambda _: product(x, w, b))
        if options.compile:
            torch._dynamo.reset()  # the setting is read when compiling


def small(result):
    x, w, b, y = randn(8), randn(8), randn(8), randn(8)
    multiply_add = wrap(lambda x, w, b: x * w + b)
    calls, found = 2000, []
    with torch.no_grad():
        for number in range(options.rounds // 2 + 3):
            start = time.perf_counter()
            for _ in range(calls):
                y = multiply_add(x, w, b)
            torch.cuda.synchronize()
            if number >= 3:
                found.append((time.perf_counter() - start) / calls)
    result["small"] = found


def training_step(result):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    model = Cnn().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    image, label = randn(128, 1, 28, 28), (torch.arange(128) % 10).cuda()
    network = wrap(model, mode="reduce-overhead") if options.compile else model

    def step(_):
        optimizer.zero_grad()
        F.nll_loss(network(image), label).backward()
        optimizer.step()

    result["cnn_step"] = timed(step)


def main():
    if not torch.cuda.is_available():
        sys.exit("bench/peers/gpu.py: there is no GPU here that PyTorch can use")
    torch.manual_seed(1)
    result = {}
    for part in (small, elementwise, of_rows, products, training_step):
        part(result)
        torch.cuda.empty_cache()
    print(json.dumps(result))


main()
