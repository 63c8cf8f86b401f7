# SPDX-License-Identifier: MIT
"""Compiles a formula without optimization and finds calls in its loop (WICK_KERNEL) and in the value of an operation
(WICK_FN), which have to be optimized all the same.

check_calls.py COMPILER OPTION...
"""
import re
import subprocess
import sys

SOURCE = """
#include <wick/expr/kernels.hpp>
#include <wick/ops/arithmetic.hpp>
using namespace wick;
using A = Leaf<float>;
template struct wick::MapKernel<Apply<Add, Apply<Mul, A, A>, A>, float>;
Batch<float> largest(Batch<float> x, Batch<float> y) { return Maximum::value(x, y); }
"""


def main():
    command = sys.argv[1:] + ["-std=c++20", "-O0", "-S", "-x", "c++", "-", "-o", "-"]
    assembly = subprocess.run(command, input=SOURCE, capture_output=True, text=True, check=True).stdout
    for name in (r"\w*MapKernel\w*3runE", r"\w*Maximum5value"):
        function = re.search(rf"^{name}\w*:\n(.*?)^\t\.cfi_endproc", assembly, re.M | re.S)
        if not function:
            return f"no function {name}"
        if "\tcall" in function[1]:
            return function[0]
    return 0


sys.exit(main())
