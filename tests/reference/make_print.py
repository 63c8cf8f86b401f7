#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes print.txt: how PyTorch prints the tensors that tests/core/print_test.cpp makes. Needs torch.

A case is a line `== id`, then the text. PyTorch's `torch.float64` is Wick's `float64`; the prefix is taken off before
lines are broken, so that the breaks are those of the shorter text.
"""
from pathlib import Path

import torch

original = torch._tensor_str._add_suffixes
torch._tensor_str._add_suffixes = lambda text, suffixes, indent, **rest: original(
    text, [s.replace("torch.", "") for s in suffixes], indent, **rest)

f32, f64, i32, i64 = torch.float32, torch.float64, torch.int32, torch.int64
nan, inf = float("nan"), float("inf")
t = torch.tensor


def ramp(*shape, dtype=f32, scale=1.0):
    n = 1
    for extent in shape:
        n *= extent
    return (torch.arange(n, dtype=dtype) * scale).to(dtype).reshape(shape)


CASES = {
    "vector": t([1.0, 2.0, 3.0]),
    "scalar": t(3.0),
    "scalar_fraction": t(-3.25),
    "scalar_nan": t(nan),
    "scalar_int": t(-7),
    "scalar_bool": t(True),
    "scalar_double": t(0.1, dtype=f64),
    "scalar_float16": t(0.1, dtype=torch.float16),
    "vector_float16": t([0.1, -2.5, 1000.0, 65504.0], dtype=torch.float16),
    "vector_bfloat16": t([0.1, -2.5, 3.0], dtype=torch.bfloat16),
    "scalar_large": t(1e9),
    "one_element": t([5.0]),
    "matrix": t([[1.0, 2.0], [3.0, 4.0]]),
    "matrix_fraction": t([[1.5, -2.25], [3.125, 100.0]]),
    "negative": t([-1.0, 0.0, 10.0]),
    "negative_zero": t([-0.0, 1.0]),
    "all_zero": t([0.0, 0.0]),
    "all_nan": t([nan, nan]),
    "zero_nan": t([0.0, nan, inf]),
    "nan_inf": t([nan, inf, -inf, 1.0]),
    "nan_inf_fraction": t([nan, inf, -inf, 1.5]),
    "sci_inf": t([1e-9, inf, -1.0, nan]),
    "sci_ratio": t([1.5, 2000.0]),
    "sci_ratio_edge": t([1.5, 1500.0]),
    "sci_whole": t([1.0, 2000.0]),
    "sci_whole_edge": t([1.0, 1000.0]),
    "sci_large": t([123456789.0, 123456788.0]),
    "sci_large_edge": t([1e8, 1e8]),
    "sci_small": t([1e-5, 2e-5]),
    "sci_small_edge": t([1e-4, 2e-4], dtype=f64),
    "sci_exponent": t([1e-300, 1e300], dtype=f64),
    "sci_zero": t([0.0, 1e-10]),
    "subnormal": t([1e-45]),
    "double": t([0.1, 0.2], dtype=f64),
    "double_whole": t([1.0, 2.0], dtype=f64),
    "int32": t([1, -20, 300], dtype=i32),
    "int64": t([1, -20, 300]),
    "int64_limits": t([2**63 - 1, -2**63]),
    "int_matrix": t([[1, 2], [30, -4]]),
    "bool": t([True, False]),
    "bool_same": t([[True, True], [True, True]]),
    "rank3": ramp(2, 2, 3),
    "rank4": ramp(2, 1, 2, 2),
    "rank4_int": ramp(2, 2, 2, 2, dtype=i64),
    "rank8": ramp(1, 2, 1, 1, 2, 1, 1, 2),
    "wrap": ramp(30),
    "wrap_fraction": ramp(40, scale=0.25),
    "wrap_matrix": ramp(3, 25, scale=0.5),
    "wrap_int32": ramp(60, dtype=i32),
    "wrap_double": ramp(17, dtype=f64, scale=0.125),
    "wrap_bool": ramp(30, dtype=i64) % 3 == 0,
    "suffix_breaks": ramp(10, dtype=f64, scale=0.5),
    "suffix_fits": ramp(7, dtype=f64, scale=0.5),
    "suffix_eight": ramp(8, dtype=f64, scale=0.5),
    "summary_edge": ramp(1000),
    "summary": ramp(1001),
    "summary_int": ramp(1001, dtype=i64),
    "summary_hides_large": torch.cat([ramp(600), t([1e9]), ramp(600)]),
    "summary_matrix": ramp(40, 30),
    "summary_matrix_double": ramp(40, 30, dtype=f64, scale=0.5),
    "summary_tall": ramp(500, 3),
    "summary_wide": ramp(3, 500, scale=0.1, dtype=f64),
    "summary_six": ramp(6, 200),
    "summary_seven": ramp(7, 200),
    "summary_rank3": ramp(10, 11, 12),
    "summary_rank4": ramp(7, 2, 8, 12, dtype=i32),
    "summary_bool": ramp(1200, dtype=i64) % 2 == 0,
    "transposed": ramp(2, 3).t(),
    "reversed": t([3.0, 2.0, 1.0]),
    "broadcast": t([1.0, 2.0]).expand(3, 2),
    "empty": torch.zeros(0),
    "empty_double": torch.zeros(0, dtype=f64),
    "empty_int32": torch.zeros(0, dtype=i32),
    "empty_int64": torch.zeros(0, dtype=i64),
    "empty_bool": torch.zeros(0, dtype=torch.bool),
    "empty_matrix": torch.zeros(0, 3),
    "empty_rank3_double": torch.zeros(2, 0, 4, dtype=f64),
    "complex": t([1 + 2j, -3.5 - 0.25j]),
    "complex_double": t([[1 + 2j, -3 - 4j], [0j, 100 + 0.5j]], dtype=torch.complex128),
    "complex_nan": t([complex(nan, inf), complex(1, -inf)]),
    "rounding": t([0.00005, 0.00015, 2.5, 0.12345], dtype=f64),
    "half_even": t([0.5, 1.5, 2.5, 0.03125]),
}

OPTIONS = {
    "precision_2": (dict(precision=2), t([1.0 / 3.0, 2.0], dtype=f64)),
    "precision_0": (dict(precision=0), t([1.25, 2.75])),
    "precision_10": (dict(precision=10), t([1.0 / 3.0, 2.0], dtype=f64)),
    "sci_on": (dict(sci_mode=True), t([1.0, 2.5])),
    "sci_on_whole": (dict(sci_mode=True), t([1.0, 2.0])),
    "sci_on_zero": (dict(sci_mode=True), t([0.0, 0.0])),
    "sci_off": (dict(sci_mode=False), t([1e-6, 2e5])),
    "sci_off_whole": (dict(sci_mode=False), t([1.0, 3e9])),
    "threshold_5": (dict(threshold=5, edgeitems=1), ramp(6)),
    "threshold_edge_2": (dict(threshold=5, edgeitems=2), ramp(5, 6)),
    "edge_0": (dict(threshold=5, edgeitems=0), ramp(6)),
    "edge_0_matrix": (dict(threshold=5, edgeitems=0), ramp(3, 3)),
    "edge_0_small": (dict(threshold=5, edgeitems=0), ramp(3)),
    "width_40": (dict(linewidth=40), ramp(12)),
    "width_20_double": (dict(linewidth=20), ramp(3, 4, dtype=f64)),
    "width_1": (dict(linewidth=1), ramp(2, 2)),
}


def main():
    lines = []
    for name, tensor in CASES.items():
        lines += [f"== {name}", repr(tensor)]
    for name, (options, tensor) in OPTIONS.items():
        with torch._tensor_str.printoptions(**options):
            lines += [f"== {name}", repr(tensor)]
    Path(__file__).with_name("print.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
