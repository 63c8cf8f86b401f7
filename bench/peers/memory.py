#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/memory.cpp in PyTorch, or with --numpy in NumPy: memory.py THREADS [--numpy] [--only PREFIX].
Writes one JSON object: seconds of each round, warm. NumPy has one thread."""
import argparse
import json

from common import seconds

parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--numpy", action="store_true")
parser.add_argument("--only", default="")
parser.add_argument("--rounds", type=int, default=9)
options = parser.parse_args()

result = {}


def measure(name, prepare):
    if name.startswith(options.only):
        result[name] = seconds(prepare(), options.rounds, warm=2)


axes_of = {"0": (0,), "1": (1,), "2": (2,), "01": (0, 1), "02": (0, 2), "12": (1, 2), "all": (0, 1, 2)}


def with_numpy():
    import numpy as np

    random = np.random.default_rng(1)

    def randn(*shape):
        return random.standard_normal(shape, dtype=np.float32)

    def once(function, *arguments):
        return lambda: function(*arguments)

    volume = randn(1000, 1000, 10)
    truth = volume > 100
    for name, axes in axes_of.items():
        measure("sum/" + name, lambda: once(volume.sum, axes))
        measure("max/" + name, lambda: once(volume.max, axes))
        measure("mean/" + name, lambda: once(volume.mean, axes))
        measure("var/" + name, lambda: lambda: volume.var(axes, ddof=1))
        measure("any/" + name, lambda: once(truth.any, axes))
    for axis in (0, 1, 2):
        measure(f"argmax/{axis}", lambda: once(volume.argmax, axis))
    measure("argmax/all", lambda: volume.argmax)

    x, y, z = randn(4096, 4096), randn(4096, 4096), np.empty((4096, 4096), np.float32)
    measure("transpose/4096", lambda: once(np.copyto, z, x.T))
    odd = randn(4095, 4095)
    odd_z = np.empty_like(odd)
    measure("transpose/4095", lambda: once(np.copyto, odd_z, odd.T))
    wide, wide_z = x.astype(np.float64), z.astype(np.float64)
    measure("transpose/double", lambda: once(np.copyto, wide_z, wide.T))
    measure("transpose_add/4096", lambda: lambda: np.add(np.multiply(x.T, 2, out=z), y, out=z))

    def permuted(shape, order):
        a = randn(*shape)
        b = np.empty([shape[d] for d in order], np.float32)
        return once(np.copyto, b, a.transpose(order))

    measure("permute/021", lambda: permuted((64, 512, 512), (0, 2, 1)))
    measure("permute/nchw_nhwc", lambda: permuted((64, 64, 64, 64), (0, 2, 3, 1)))
    measure("permute/210", lambda: permuted((256, 256, 256), (2, 1, 0)))
    half = np.empty((4096, 2048), np.float32)
    measure("every_second/4096", lambda: once(np.copyto, half, x[:, ::2]))
    long, broad = np.empty((8192, 4096), np.float32), np.empty((4096, 8192), np.float32)
    measure("cat/0", lambda: lambda: np.concatenate((x, y), 0, out=long))
    measure("cat/1", lambda: lambda: np.concatenate((x, y), 1, out=broad))
    three, five, eight = randn(1000000, 3), randn(1000000, 5), np.empty((1000000, 8), np.float32)
    measure("cat/narrow", lambda: lambda: np.concatenate((three, five), 1, out=eight))
    index = random.integers(0, 100000, 100000)
    table, small = randn(100000, 64), randn(100000, 3)
    target, small_target = np.empty_like(table), np.empty_like(small)
    measure("gather_rows/64", lambda: lambda: np.take(table, index, 0, out=target, mode="clip"))
    measure("gather_rows/3", lambda: lambda: np.take(small, index, 0, out=small_target, mode="clip"))
    columns = random.integers(0, 64, (100000, 64))
    measure("gather/1", lambda: lambda: np.take_along_axis(table, columns, 1))


def with_torch():
    import torch
    from torch.nn import functional

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    volume = torch.randn(1000, 1000, 10)
    truth = volume > 100
    with torch.no_grad():
        for name, axes in axes_of.items():
            measure("sum/" + name, lambda: lambda: torch.sum(volume, axes))
            measure("max/" + name, lambda: lambda: torch.amax(volume, axes))
            measure("mean/" + name, lambda: lambda: torch.mean(volume, axes))
            measure("var/" + name, lambda: lambda: torch.var(volume, axes))
            measure("any/" + name, lambda: lambda: torch.any(truth, axes))
        for axis in (0, 1, 2):
            measure(f"argmax/{axis}", lambda: lambda: torch.argmax(volume, axis))
        measure("argmax/all", lambda: lambda: torch.argmax(volume))

        x, y, z = torch.randn(4096, 4096), torch.randn(4096, 4096), torch.empty(4096, 4096)
        measure("transpose/4096", lambda: lambda: z.copy_(x.t()))
        odd = torch.randn(4095, 4095)
        odd_z = torch.empty(4095, 4095)
        measure("transpose/4095", lambda: lambda: odd_z.copy_(odd.t()))
        wide, wide_z = x.double(), z.double()
        measure("transpose/double", lambda: lambda: wide_z.copy_(wide.t()))
        measure("transpose_add/4096", lambda: lambda: torch.add(y, x.t(), alpha=2, out=z))

        def permuted(shape, order):
            a = torch.randn(shape).permute(order)
            b = torch.empty(a.shape)
            return lambda: b.copy_(a)

        measure("permute/021", lambda: permuted((64, 512, 512), (0, 2, 1)))
        measure("permute/nchw_nhwc", lambda: permuted((64, 64, 64, 64), (0, 2, 3, 1)))
        measure("permute/210", lambda: permuted((256, 256, 256), (2, 1, 0)))
        half = torch.empty(4096, 2048)
        measure("every_second/4096", lambda: lambda: half.copy_(x[:, ::2]))
        long, broad = torch.empty(8192, 4096), torch.empty(4096, 8192)
        measure("cat/0", lambda: lambda: torch.cat((x, y), 0, out=long))
        measure("cat/1", lambda: lambda: torch.cat((x, y), 1, out=broad))
        three, five, eight = torch.randn(1000000, 3), torch.randn(1000000, 5), torch.empty(1000000, 8)
        measure("cat/narrow", lambda: lambda: torch.cat((three, five), 1, out=eight))
        index = torch.randint(100000, (100000,))
        table, small = torch.randn(100000, 64), torch.randn(100000, 3)
        target, small_target = torch.empty_like(table), torch.empty_like(small)
        measure("gather_rows/64", lambda: lambda: torch.index_select(table, 0, index, out=target))
        measure("gather_rows/3", lambda: lambda: torch.index_select(small, 0, index, out=small_target))
        columns = torch.randint(64, (100000, 64))
        measure("gather/1", lambda: lambda: torch.gather(table, 1, columns, out=target))

    gradient = torch.randn(100000, 64)
    leaf = table.clone().requires_grad_()

    def gather_grad():
        leaf.grad = None
        torch.index_select(leaf, 0, index).backward(gradient)

    measure("gather_rows/grad64", lambda: gather_grad)

    images = torch.randn(64, 64, 56, 56)
    active = images.clone().requires_grad_()
    pools = {"2x2": (2, 2, 0), "3x3s2": (3, 2, 1), "3x3s1": (3, 1, 1)}
    for name, window in pools.items():
        for kind in ("max", "avg"):
            pool = functional.max_pool2d if kind == "max" else functional.avg_pool2d
            with torch.no_grad():
                measure(f"{kind}_pool/{name}", lambda: lambda: pool(images, *window))
                ones = torch.ones_like(pool(images, *window))

            def grad():
                active.grad = None
                pool(active, *window).backward(ones)

            measure(f"{kind}_pool_grad/{name}", lambda: grad)


(with_numpy if options.numpy else with_torch)()
print(json.dumps(result))
