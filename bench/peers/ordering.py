#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The work of bench/ordering.cpp in PyTorch, or with --numpy in NumPy: ordering.py THREADS [--numpy] [--only PREFIX].
Writes one JSON object: seconds of each round, warm. NumPy has one thread, and its sort gives no places."""
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
shapes = {"line": (1000000,), "rows": (1000, 1000), "columns": (1000, 1000), "short_rows": (20000, 50)}
axes = {"line": 0, "rows": 1, "columns": 0, "short_rows": 1}


def measure(name, function):
    if name.startswith(options.only):
        result[name] = seconds(function, options.rounds, warm=2)


def with_numpy():
    import numpy as np

    random = np.random.default_rng(1)
    for where in ("line", "rows", "columns"):
        x = random.standard_normal(shapes[where], dtype=np.float32)
        axis = axes[where]
        measure(f"cumsum/{where}", lambda: np.cumsum(x, axis))
        if where != "line":
            measure(f"cumprod/{where}", lambda: np.cumprod(x, axis))
            measure(f"logcumsumexp/{where}", lambda: np.logaddexp.accumulate(x, axis))
        else:
            for name, y in (("double", x.astype(np.float64)), ("int64", (x * 1e6).astype(np.int64))):
                measure(f"cumsum/line_{name}", lambda: np.cumsum(y))
                measure(f"sort/line_{name}", lambda: np.argsort(y))
        measure(f"diff/{where}", lambda: np.diff(x, axis=axis))
        measure(f"sort/{where}", lambda: np.argsort(x, axis))


def with_torch():
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    inputs = {where: torch.randn(shape) for where, shape in shapes.items()}
    with torch.no_grad():
        for where, x in inputs.items():
            axis = axes[where]
            measure(f"sort/{where}", lambda: torch.sort(x, axis))
            measure(f"diff/{where}", lambda: torch.diff(x, dim=axis))
            if where != "columns":
                measure(f"topk/{where}", lambda: torch.topk(x, 10 if where == "line" else 5, axis))
            if where != "short_rows":
                measure(f"cumsum/{where}", lambda: torch.cumsum(x, axis))
            if where in ("rows", "columns"):
                for function in (torch.cumprod, torch.logcumsumexp, torch.cummax):
                    measure(f"{function.__name__}/{where}", lambda: function(x, axis))
        line = inputs["line"]
        measure("median/line", lambda: torch.median(line))
        measure("median/rows", lambda: torch.median(inputs["rows"], 1))
        measure("unique/line", lambda: torch.unique(line, return_inverse=True, return_counts=True))
        wide, whole = line.double(), (line * 1e6).long()
        for name, y in (("double", wide), ("int64", whole)):
            measure(f"cumsum/line_{name}", lambda: torch.cumsum(y, 0))
            measure(f"sort/line_{name}", lambda: torch.sort(y))
        measure("unique/line_int64", lambda: torch.unique(whole, return_inverse=True, return_counts=True))


(with_numpy if options.numpy else with_torch)()
print(json.dumps(result))
