#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ordering.txt, the parity data of scans, sorting and unique, computed by PyTorch (see make_ops.py for the form).

make_ordering.py [FOLDER]
"""
import math
import sys
from pathlib import Path

import torch

from make_ops import case, gradients, single

torch.manual_seed(2)
inf, nan = math.inf, math.nan


def numbers(*shape):
    return single(torch.randn(shape).tolist())


def with_ties(*shape):
    return (numbers(*shape) * 2).round() / 2


SHAPES = ((7,), (3, 5), (2, 3, 11), (4, 1), (1, 4))
ZEROS = single([[2.0, 0.0, 3.0, -1.0], [0.5, 4.0, 0.0, 0.0], [-2.0, 3.0, 0.25, 1.5]])
SPECIAL = single([3.0, nan, -0.0, 0.0, -inf, nan, inf, 0.0, -5.0])
MASKED = single([-inf, -inf, 1.0, 1000.0, -1000.0, 1000.0, -inf])


def seed_of(y):
    return single([0.5 + 0.25 * (i % 7) for i in range(y.numel())]).reshape(y.shape)


def values_case(name, function, x, slope=True, **attributes):
    tensors = {"x": x, "y": function(x)}
    if slope:
        tensors["seed"] = seed_of(tensors["y"])
        _, (tensors["dx"],) = gradients(function, [x], tensors["seed"])
    return case(name, tensors, **attributes)


def picked_case(name, function, x, slope=True, **attributes):
    """A function that gives values and indices."""
    y = function(x)
    tensors = {"x": x, "y": y[0], "index": y[1]}
    if slope:
        tensors["seed"] = seed_of(y[0])
        _, (tensors["dx"],) = gradients(lambda v: function(v)[0], [x], tensors["seed"])
    return case(name, tensors, **attributes)


def scans():
    out = []
    inputs = [numbers(*shape) for shape in SHAPES] + [ZEROS, single(2.5)]
    for x in inputs:
        for axis in range(-1, max(1, x.dim())):
            for name, function in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod), ("logcumsumexp", torch.logcumsumexp)):
                out.append(values_case(name, lambda v: function(v, axis), x, axis=axis))
            if x.dim() > 0:
                for n in (0, 1, 2, 4):
                    out.append(values_case("diff", lambda v: torch.diff(v, n, axis), x, axis=axis, n=n))
    for x in [with_ties(*shape) for shape in SHAPES] + [single(2.5)]:
        for axis in range(max(1, x.dim())):
            out.append(picked_case("cummax", lambda v: torch.cummax(v, axis), x, axis=axis))
            out.append(picked_case("cummin", lambda v: torch.cummin(v, axis), x, axis=axis))
    for x in (SPECIAL, MASKED):
        for name, function in (("cumsum", torch.cumsum), ("cumprod", torch.cumprod), ("logcumsumexp", torch.logcumsumexp)):
            out.append(values_case(name, lambda v: function(v, 0), x, slope=False, axis=0))
        out.append(picked_case("cummax", lambda v: torch.cummax(v, 0), x, slope=False, axis=0))
        out.append(picked_case("cummin", lambda v: torch.cummin(v, 0), x, slope=False, axis=0))
    return out


def sorts():
    out = []
    for x in [with_ties(*shape) for shape in SHAPES] + [SPECIAL, single(2.5)]:
        slope = not bool(x.isnan().any())
        for axis in range(-1, max(1, x.dim())):
            for down in (False, True):
                out.append(picked_case("sort", lambda v: torch.sort(v, dim=axis, descending=down, stable=True), x, slope,
                                       axis=axis, descending=int(down)))
    for shape in SHAPES:  # the place of one of several equal elements is PyTorch's choice: here all differ
        x = numbers(*shape)
        for axis in range(len(shape)):
            n = shape[axis]
            for k in sorted({0, 1, 2, n // 2, n} & set(range(n + 1))):
                for largest in (True, False):
                    out.append(picked_case("topk", lambda v: torch.topk(v, k, axis, largest), x, axis=axis, k=k, largest=int(largest)))
                if k > 0:
                    out.append(picked_case("kthvalue", lambda v: torch.kthvalue(v, k, axis), x, axis=axis, k=k))
            out.append(picked_case("median", lambda v: torch.median(v, axis), x, axis=axis))
        out.append(values_case("median_of_all", torch.median, x))
    for x in (single([[3.0, nan, 1.0], [2.0, 5.0, 4.0], [-inf, 7.0, inf]]), single([1.0, inf, -1.0, 2.0])):
        out.append(picked_case("median", lambda v: torch.median(v, -1), x, slope=False, axis=-1))
        out.append(values_case("median_of_all", torch.median, x, slope=False))
    return out


def uniques():
    out = []
    for x in [with_ties(*shape) for shape in SHAPES] + [single([]), single([2.0, 2.0, 2.0, 1.0, 1.0, 2.0]), single(1.5)]:
        for name, function in (("unique", torch.unique), ("unique_consecutive", torch.unique_consecutive)):
            y, inverse, counts = function(x, return_inverse=True, return_counts=True)
            out.append(case(name, {"x": x, "y": y, "inverse": inverse, "counts": counts}))
    line, lines = single([-1.0, 0.0, 0.0, 0.5, 2.0]), with_ties(3, 6).sort()[0]
    for right in (False, True):
        for sequence, x in ((line, with_ties(2, 9)), (line, single(0.0)), (lines, with_ties(3, 4)), (single([]), with_ties(3))):
            out.append(case("searchsorted", {"sorted": sequence, "x": x, "y": torch.searchsorted(sequence, x, right=right)}, right=int(right)))
    return out


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    (folder / "ordering.txt").write_text("".join(scans() + sorts() + uniques()), encoding="ascii")


if __name__ == "__main__":
    main()
