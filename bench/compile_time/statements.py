#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a translation unit with a number of different fused statements: statements.py wick|eigen COUNT [HEADER] > file.cpp
HEADER is the one of Wick's that the file includes (default: wick/tensor.hpp)."""
import sys

STATEMENTS = [
    ("tanh(x * w + b) * sigmoid(x) + exp(w * b)", "(x * w + b).tanh() * x.logistic() + (w * b).exp()"),
    ("x * w + b * 2.f", "x * w + b * 2.f"),
    ("exp(x - w) / (1.f + exp(b))", "(x - w).exp() / (1.f + b.exp())"),
    ("sqrt(x * x + w * w + b * b)", "(x * x + w * w + b * b).sqrt()"),
    ("log(1.f + exp(x)) * w - b", "(1.f + x.exp()).log() * w - b"),
    ("maximum(x * w, b) - minimum(x, w)", "(x * w).max(b) - x.min(w)"),
    ("sin(x) * cos(w) + b", "x.sin() * w.cos() + b"),
    ("abs(x - w) / (abs(x) + abs(w) + 1e-6f) * b", "(x - w).abs() / (x.abs() + w.abs() + 1e-6f) * b"),
    ("tanh(x) * tanh(w) * tanh(b)", "x.tanh() * w.tanh() * b.tanh()"),
]


def main():
    library, count = sys.argv[1], int(sys.argv[2])
    if library == "wick":
        header = sys.argv[3] if len(sys.argv) > 3 else "wick/tensor.hpp"
        print(f"#include <{header}>\nusing namespace wick;\nusing T = Tensor<float>;")
    else:
        print("#include <Eigen/Core>\nusing T = Eigen::ArrayXf;")
    for i in range(count):
        formula = STATEMENTS[i][0 if library == "wick" else 1]
        print(f"void statement_{i}(T& y, T const& x, T const& w, T const& b) {{ y = {formula}; }}")


main()
