#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the parity data of the conformance tests, computed by PyTorch (and NumPy) in float64, or in
integers where the case says so.

make_ops.py FOLDER writes elementwise.txt, reductions.txt and formulas.txt there. Needs torch; the tests do
not. A file is a list of cases:

    case NAME key=value ...
    LABEL EXTENTS numbers ...        one line a tensor; EXTENTS is 2x3, or - for a tensor of no dimensions
"""
import math
import sys
from pathlib import Path

import numpy
import torch

torch.manual_seed(1)
inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e-30, -1e-30, 1e-4, 87.0, -87.0, 1000.0, -1000.0, 1e30, -1e30,
           inf, -inf, nan]


def single(values):
    """The numbers as floats hold them: one point serves float and double."""
    return torch.tensor(values, dtype=torch.float32).to(torch.float64)


def number(x):
    if isinstance(x, bool):
        return str(int(x))
    if isinstance(x, int):
        return str(x)
    return str(int(x)) if math.isfinite(x) and x == int(x) and abs(x) < 1e15 and not (x == 0 and math.copysign(1, x) < 0) else repr(x)


def tensor_line(label, x):
    extents = "x".join(map(str, x.shape)) or "-"
    return " ".join([label, extents] + [number(v) for v in x.detach().flatten().tolist()]) + "\n"


def case(name, tensors, **attributes):
    head = " ".join(["case", name] + [f"{key}={value}" for key, value in attributes.items()])
    return head + "\n" + "".join(tensor_line(label, x) for label, x in tensors.items())


def gradients(function, inputs, seed=None):
    """Value and gradients of a function of float64 tensors."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    y.backward(torch.ones_like(y) if seed is None else seed)
    return y.detach(), [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]


# --- elementwise -------------------------------------------------------------------------------------------------
F = torch.nn.functional


def numpy_sign(x):
    """NaN stays NaN, which PyTorch turns into 0."""
    return torch.from_numpy(numpy.sign(x.numpy()))


UNARY = {  # name: (function, low, high, has a slope)
    "neg": (torch.neg, -4, 4, True), "abs": (torch.abs, -4, 4, True), "sign": (numpy_sign, -4, 4, False),
    "square": (torch.square, -4, 4, True), "reciprocal": (torch.reciprocal, 0.5, 4, True),
    "isnan": (torch.isnan, -4, 4, False), "isinf": (torch.isinf, -4, 4, False),
    "isfinite": (torch.isfinite, -4, 4, False), "logical_not": (torch.logical_not, -4, 4, False),
    "exp": (torch.exp, -4, 4, True), "exp2": (torch.exp2, -4, 4, True), "expm1": (torch.expm1, -4, 4, True),
    "log": (torch.log, 0.25, 8, True), "log2": (torch.log2, 0.25, 8, True), "log10": (torch.log10, 0.25, 8, True),
    "log1p": (torch.log1p, -0.5, 4, True), "sqrt": (torch.sqrt, 0.25, 8, True), "rsqrt": (torch.rsqrt, 0.25, 8, True),
    "sin": (torch.sin, -4, 4, True), "cos": (torch.cos, -4, 4, True), "tan": (torch.tan, -1, 1, True),
    "asin": (torch.asin, -0.9, 0.9, True), "acos": (torch.acos, -0.9, 0.9, True), "atan": (torch.atan, -4, 4, True),
    "sinh": (torch.sinh, -4, 4, True), "cosh": (torch.cosh, -4, 4, True), "tanh": (torch.tanh, -4, 4, True),
    "asinh": (torch.asinh, -4, 4, True), "acosh": (torch.acosh, 1.25, 4, True),
    "atanh": (torch.atanh, -0.9, 0.9, True), "floor": (torch.floor, -4, 4, False), "ceil": (torch.ceil, -4, 4, False),
    "trunc": (torch.trunc, -4, 4, False), "round": (torch.round, -4, 4, False), "erf": (torch.erf, -3, 3, True),
    "erfc": (torch.erfc, -3, 3, True), "relu": (torch.relu, -4, 4, True), "sigmoid": (torch.sigmoid, -8, 8, True),
    "gelu": (F.gelu, -4, 4, True), "gelu_tanh": (lambda x: F.gelu(x, approximate="tanh"), -4, 4, True), "silu": (F.silu, -8, 8, True),
    "softplus": (lambda x: torch.logaddexp(x, torch.zeros_like(x)), -8, 8, True),
}
BINARY = {
    "add": (torch.add, -4, 4, True), "sub": (torch.sub, -4, 4, True), "mul": (torch.mul, -4, 4, True),
    "div": (torch.div, 0.5, 4, True), "maximum": (torch.maximum, -4, 4, True), "minimum": (torch.minimum, -4, 4, True),
    "pow": (torch.pow, 0.5, 3, True), "atan2": (torch.atan2, 0.5, 4, True),
    "eq": (torch.eq, -4, 4, False), "ne": (torch.ne, -4, 4, False), "lt": (torch.lt, -4, 4, False),
    "le": (torch.le, -4, 4, False), "gt": (torch.gt, -4, 4, False), "ge": (torch.ge, -4, 4, False),
    "logical_and": (torch.logical_and, -4, 4, False), "logical_or": (torch.logical_or, -4, 4, False),
}
# Pairs where something happens: ties, zeros, infinities, NaN.
PAIRS = [(a, b) for a in (0.0, -0.0, 1.0, -2.0, 0.5, 3.0, inf, -inf, nan) for b in (0.0, -0.0, 1.0, -2.0, 2.5, inf, -inf, nan)]


def as_float(y):
    return y.to(torch.float64) if y.dtype == torch.bool else y


def elementwise():
    out = []
    for name, (function, low, high, slope) in UNARY.items():
        x = torch.cat([single([low + (high - low) * (i + 0.3) / 17 for i in range(17)]), single(SPECIAL)])
        tensors = {"x": x, "y": as_float(function(x))}
        if slope:
            tensors["dx"] = gradients(function, [x])[1][0]
            if name == "abs":
                tensors["dx"] = numpy_sign(x)
        out.append(case(name, tensors, dtype="float64"))
    for name, (function, low, high, slope) in BINARY.items():
        inside = [(low + (high - low) * ((i * 7 + 3) % 17) / 17, low + (high - low) * ((i * 5 + 1) % 13) / 13) for i in range(17)]
        a, b = (single([p[k] for p in inside + PAIRS]) for k in (0, 1))
        tensors = {"x": a, "z": b, "y": as_float(function(a, b))}
        if slope:
            _, (tensors["dx"], tensors["dz"]) = gradients(function, [a, b])
        out.append(case(name, tensors, dtype="float64"))
    c = torch.tensor([i % 3 == 0 for i in range(12)])
    a, b = single([i * 0.75 - 4 for i in range(12)]), single([inf, nan] + [3 - i * 0.5 for i in range(10)])
    y, (da, db) = gradients(lambda p, q: torch.where(c, p, q), [a, b])
    out.append(case("where", {"c": as_float(c), "x": a, "z": b, "y": y, "dx": da, "dz": db}, dtype="float64"))
    # Integers: what PyTorch computes, in the type it computes it in.
    for dtype, label in ((torch.int32, "int32"), (torch.int64, "int64")):
        x = torch.tensor([0, 1, -1, 2, -2, 3, 7, -9, 100, -100], dtype=dtype)
        for name, (function, *_) in UNARY.items():
            try:
                y = function(x)
            except (RuntimeError, NotImplementedError):
                continue  # PyTorch has no such kernel for integers
            out.append(case(name, {"x": x, "y": function(x.to(torch.float64)) if y.is_floating_point() else y}, dtype=label))
        a, b = x.repeat_interleave(10), x.repeat(10)
        for name, (function, *_) in BINARY.items():
            p, q = (a, b.clamp(min=0, max=4)) if name == "pow" else (a, b)
            out.append(case(name, {"x": p, "z": q, "y": function(p, q)}, dtype=label))
    return out


# --- reductions --------------------------------------------------------------------------------------------------
REDUCTIONS = {
    "sum": lambda x, d, k: torch.sum(x, d, k), "mean": lambda x, d, k: torch.mean(x, d, k),
    "max": lambda x, d, k: torch.amax(x, d, k), "min": lambda x, d, k: torch.amin(x, d, k),
    "norm": lambda x, d, k: torch.linalg.vector_norm(x, 2, d, k),
    "any": lambda x, d, k: torch.any(x, d, k), "all": lambda x, d, k: torch.all(x, d, k),
}


def prod(x, axes, keepdim):
    for axis in sorted((a % x.dim() for a in axes), reverse=True):
        x = torch.prod(x, axis, keepdim)
    return x


REDUCTIONS["prod"] = prod


def reductions():
    out = []
    plain = single([[[(((i * 31 + j * 17 + k * 7) % 23) - 11) / 4 + 0.125 for k in range(5)] for j in range(3)] for i in range(4)])
    ties = single([[(i * j) % 3 - 1.0 for j in range(7)] for i in range(5)])
    zeros = single([[1.5, 0.0, 2.0, -3.0], [0.0, 0.0, 2.0, 1.0], [0.5, 2.0, 4.0, 0.25], [0.0, 0.0, 0.0, 0.0]])
    special = single([[1.0, inf, 2.0], [-inf, 0.0, 1.0], [nan, 1.0, 2.0], [inf, -inf, 0.0]])
    empty = torch.zeros(3, 0, dtype=torch.float64)
    for name, function in REDUCTIONS.items():
        slope = name not in ("any", "all")
        for label, x in (("plain", plain), ("ties", ties), ("zeros", zeros), ("special", special), ("empty", empty)):
            every = [[0], [1], [-1], [0, 1], [0, 2], list(range(x.dim()))] if label == "plain" else [[0], [1], [0, 1]]
            for axes in every:
                if label == "empty" and name in ("max", "min") and 1 in axes:
                    continue  # no value there: an error
                keepdim = (len(out) % 2) == 1
                source = x != 0 if name in ("any", "all") else x
                y = as_float(function(source, axes, keepdim))
                tensors = {"x": x, "y": y}
                if slope and label != "empty" and (name, label) != ("prod", "special"):  # there inf / inf decides
                    seed = single([0.5 + 0.25 * (i % 7) for i in range(y.numel())]).reshape(y.shape)
                    tensors["seed"] = seed
                    _, (tensors["dx"],) = gradients(lambda v: function(v, axes, keepdim), [x], seed)
                out.append(case(name, tensors, dtype="float64", data=label, axes=",".join(map(str, axes)), keepdim=int(keepdim)))
    whole = torch.tensor([[3, -2, 7, 0], [1, 5, -6, 2], [4, 4, -1, 3]])
    for name, function in REDUCTIONS.items():
        for label, dtype in (("int32", torch.int32), ("int64", torch.int64), ("bool", torch.bool)):
            if label == "bool" and name in ("max", "min"):
                continue
            x = whole.to(dtype)
            source = x.to(torch.float32) if name in ("mean", "norm") else x != 0 if name in ("any", "all") else x
            for axes in ([0], [1], [0, 1]):
                out.append(case(name, {"x": x, "y": function(source, axes, False)}, dtype=label, data="whole",
                                axes=",".join(map(str, axes)), keepdim=0))
    return out


# --- softmax, layer norm, matrix products ------------------------------------------------------------------------
def wave(*shape, scale=2.0):
    n = math.prod(shape)
    return single([scale * math.sin(0.7 * i + 0.1 * (i % 5)) for i in range(n)]).reshape(shape)


def formula_case(name, function, inputs, **attributes):
    seed = wave(*function(*inputs).shape, scale=1.0)
    y, grads = gradients(function, inputs, seed)
    tensors = {f"x{i}": x for i, x in enumerate(inputs)}
    tensors |= {"y": y, "seed": seed}
    tensors |= {f"d{i}": g for i, g in enumerate(grads)}
    return case(name, tensors, **attributes)


def formulas():
    out = []
    for shape in ((5,), (3, 4), (2, 17), (3, 33), (2, 3, 5), (1, 1), (4, 1)):
        for axis in range(-len(shape), 0):
            for name, function in (("softmax", torch.softmax), ("log_softmax", torch.log_softmax)):
                out.append(formula_case(name, lambda x: function(x, axis), [wave(*shape)], axis=axis))
        if shape[-1] > 1:
            out.append(formula_case("layer_norm", lambda x: F.layer_norm(x, shape[-1:]), [wave(*shape)]))
            out.append(formula_case("layer_norm_affine", lambda x, w, b: F.layer_norm(x, shape[-1:], w, b),
                                    [wave(*shape), wave(shape[-1], scale=1.0) + 2, wave(shape[-1], scale=0.5)]))
    extreme = single([[1000.0, 1001.0, 999.0], [-1000.0, 0.0, 1000.0], [-inf, 0.0, 1.0]])
    out.append(formula_case("softmax", lambda x: torch.softmax(x, 1), [extreme], axis=1))
    out.append(formula_case("log_softmax", lambda x: torch.log_softmax(x, 1), [extreme], axis=1))
    for a, b in (((3, 4), (4, 5)), ((1, 7), (7, 1)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 2)),
                 ((1, 3, 4), (6, 4, 2)), ((3, 4), (2, 4, 5)), ((17, 9), (9, 33)), ((0, 4), (4, 3)), ((3, 0), (0, 2)),
                 ((2, 0, 4), (4, 3))):
        out.append(formula_case("matmul", torch.matmul, [wave(*a), wave(*b)]))
    return out


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for name, cases in (("elementwise", elementwise()), ("reductions", reductions()), ("formulas", formulas())):
        (folder / f"{name}.txt").write_text("".join(cases), encoding="ascii")


if __name__ == "__main__":
    main()
