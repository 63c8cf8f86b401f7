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


def statements(library, count, *header):
    return subprocess.run([sys.executable, f"{here}/statements.py", library, str(count), *header], check=True,
                          capture_output=True, text=True).stdout


def measure_nvcc(nvcc, host, repetitions, phases):
    """Files of one and of five fused statements. With `phases`, on stderr: the seconds of each program that nvcc runs."""
    found = {}
    command = [nvcc, "-std=c++20", "-O2", "-arch=sm_90", "--expt-relaxed-constexpr", "-ccbin", host, "-Xcompiler", "-march=native,-fopenmp",
               f"-I{root}/include"]
    with tempfile.TemporaryDirectory() as folder:
        for header in ("tensor", "wick"):
            for count in (1, 5):
                name = f"nvcc_{header}_{count}"
                source, table = f"{folder}/{name}.cu", f"{folder}/{name}.csv"
                with open(source, "w") as file:
                    file.write(statements("wick", count, f"wick/{header}.hpp"))
                found[name] = measure([*command, "-c", source, "-o", f"{folder}/{name}.o"], repetitions)
                if phases and compile_once([*command, "--time", table, "-c", source, "-o", f"{folder}/{name}.o"]):
                    with open(table) as file:
                        rows = [[cell.strip() for cell in line.split(",")] for line in list(file)[1:]]
                    print(name, ", ".join(f"{row[1]} {float(row[-2]) / 1000:.1f} s" for row in rows), file=sys.stderr)
            if found[f"nvcc_{header}_1"] and found[f"nvcc_{header}_5"]:
                found[f"nvcc_{header}_statement"] = {
                    unit: (found[f"nvcc_{header}_5"][unit] - found[f"nvcc_{header}_1"][unit]) / 4 for unit in ("seconds", "mb")}
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--nvcc", help="measure this compiler too, with --compiler as its host compiler")
    parser.add_argument("--only-nvcc", action="store_true", help="nothing but that")
    parser.add_argument("--phases", action="store_true", help="write on stderr how long each program that nvcc runs takes")
    parser.add_argument("--torch", help="folder that holds the torch package, for the LibTorch hello world")
    options = parser.parse_args()
    if options.only_nvcc:
        if not options.nvcc:
            parser.error("--only-nvcc needs --nvcc")
        print(json.dumps(measure_nvcc(options.nvcc, options.compiler, options.repetitions, options.phases), indent=1))
        return

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
    if options.nvcc:
        found.update(measure_nvcc(options.nvcc, options.compiler, options.repetitions, options.phases))
    print(json.dumps(found, indent=1))


main()
