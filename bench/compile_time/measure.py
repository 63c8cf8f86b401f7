#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to compile Wick: measure.py [--torch SITE_PACKAGES] writes one JSON object, for each translation unit
the median CPU seconds and the peak memory in MB. Cold: the compiler is called directly, without ccache."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))


def compile_once(command):
    """CPU seconds and peak MB of one compiler run; the children's peak is read from a process of its own."""
    code = (
        "import json, resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([u.ru_utime + u.ru_stime, u.ru_maxrss / 1024]))\n"
    )
    result = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else None


def measure(command, repetitions):
    runs = []
    for _ in range(repetitions):
        run = compile_once(command)
        if run is None:
            return None
        runs.append(run)
    return {"seconds": statistics.median(r[0] for r in runs), "mb": statistics.median(r[1] for r in runs)}


def statements(library, count):
    return subprocess.run([sys.executable, f"{here}/statements.py", library, str(count)], check=True,
                          capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--torch", help="folder that holds the torch package, for the LibTorch hello world")
    options = parser.parse_args()

    flags = ["-std=c++20", "-O2", "-march=native", f"-I{root}/include", "-isystem", "/usr/include/eigen3"]
    units = {
        "xsimd": "#include <xsimd/xsimd.hpp>\n",
        "tensor": "#include <wick/tensor.hpp>\n",
        "wick": "#include <wick/wick.hpp>\n",
        "eigen": "#include <Eigen/Core>\n",
    }
    for count in (1, 2, 3, 5, 9):
        units[f"wick_{count}"] = statements("wick", count)
        units[f"eigen_{count}"] = statements("eigen", count)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in units.items():
            source = f"{folder}/{name}.cpp"
            with open(source, "w") as file:
                file.write(text)
            found[name] = measure([options.compiler, *flags, "-c", source, "-o", os.devnull], options.repetitions)
        job = f"{root}/examples/fashion_mnist.cpp"
        o3 = [f if f != "-O2" else "-O3" for f in flags] + ["-fopenmp", "-DNDEBUG", "-isystem", "/usr/include/stb"]
        found["main_job"] = measure([options.compiler, *o3, "-c", job, "-o", os.devnull], options.repetitions)
        found["main_job_kernels"] = measure([options.compiler, *o3, "-DWICK_PRECOMPILED_KERNELS", "-c", job, "-o", os.devnull],
                                            options.repetitions)
        if options.torch:
            source = f"{folder}/hello.cpp"
            with open(source, "w") as file:
                file.write("#include <torch/torch.h>\n#include <iostream>\nint main() { std::cout << torch::ones({2, 3}); }\n")
            include = f"{options.torch}/torch/include"
            found["libtorch"] = measure([options.compiler, "-std=c++20", "-O2", "-isystem", include, "-isystem",
                                         f"{include}/torch/csrc/api/include", "-c", source, "-o", os.devnull], 1)
    for library in ("wick", "eigen"):
        # From the first statement to the ninth: what all statements share is in the first one.
        if found[f"{library}_1"] and found[f"{library}_9"]:
            found[f"{library}_statement"] = {
                "seconds": (found[f"{library}_9"]["seconds"] - found[f"{library}_1"]["seconds"]) / 8,
                "mb": (found[f"{library}_9"]["mb"] - found[f"{library}_1"]["mb"]) / 8}
    print(json.dumps(found, indent=1))


main()
