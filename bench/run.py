#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Wick's benchmarks beside their peers and writes the table of docs/benchmarks.md.

    python3 bench/run.py --setup DIR      makes a virtual environment with PyTorch and JAX in DIR, then measures
    python3 bench/run.py --venv DIR       uses one that is there; without either, only what needs no Python is measured

Ours and the peers' programs run alternately, several times; the table holds medians of all rounds."""
import argparse
import glob
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import venv

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
begin, end = "<!-- table: written by bench/run.py -->", "<!-- end of the table -->"


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def run(command, **more):
    """Standard output of a command, or None when it fails (which is said)."""
    result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if result.returncode != 0:
        say("failed:", *command, "\n" + "\n".join((result.stderr or result.stdout).splitlines()[-5:]))
        return None
    return result.stdout


class Samples:
    """Seconds by (program, work, threads)."""

    def __init__(self):
        self.seconds = {}

    def add(self, program, work, threads, values):
        self.seconds.setdefault((program, work, threads), []).extend(values)

    def median(self, program, work, threads):
        values = self.seconds.get((program, work, threads))
        return statistics.median(values) if values else None


def google_benchmark(samples, counters, build, name, pattern="."):
    text = run([f"{build}/bench/bench_{name}", f"--benchmark_filter={pattern}", "--benchmark_repetitions=3",
                "--benchmark_min_time=0.2", "--benchmark_format=json"])
    if text is None:
        return
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    for entry in json.loads(text)["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        work = entry["name"].split("/")[0]
        found = re.search(r"threads:(\d+)", entry["name"])
        threads = int(found.group(1)) if found else 1
        samples.add("wick", work, threads, [entry["real_time"] * unit[entry["time_unit"]]])
        if "requests" in entry:
            counters[work] = (entry["requests"], entry["allocations"])


def python_peer(samples, python, program, name, threads, *more):
    text = run([python, f"{root}/bench/peers/{name}.py", threads, *more])
    if text is None:
        return
    for work, seconds in json.loads(text).items():
        samples.add(program, work, threads, seconds)


def build_ours(build):
    say("building in", build)
    ok = run(["cmake", "-S", root, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DWICK_BUILD_TESTS=OFF"])
    ok = ok and run(["cmake", "--build", build, "--target", "bench_fused", "bench_rows", "bench_small", "fashion_mnist"])
    if not ok:
        sys.exit("bench: the build failed")


def build_libtorch(site, build):
    program = f"{build}/libtorch_small"
    torch = f"{site}/torch"
    say("building bench/peers/libtorch.cpp")
    ok = run(["g++", "-std=c++20", "-O3", "-DNDEBUG", "-march=native", "-isystem", f"{torch}/include", "-isystem",
              f"{torch}/include/torch/csrc/api/include", f"{root}/bench/peers/libtorch.cpp", "-o", program,
              f"-L{torch}/lib", f"-Wl,-rpath,{torch}/lib", "-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10"])
    return program if ok is not None else None


def time_text(seconds):
    if seconds is None:
        return "not measured"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


class Table:
    def __init__(self):
        self.lines = ["| work | threads | Wick | peer | ratio | target | reached |", "|---|---|---|---|---|---|---|"]

    def row(self, work, threads, ours, peer_name, peer, target, goal=None):
        """A time beside a peer's: reached when the peer takes at least `target` times as long."""
        ratio = peer / ours if ours and peer else None
        reached = "not measured" if ratio is None else "yes" if ratio >= target else "**no**"
        goal = goal or ("as fast" if target == 1 else f"{target:g}x faster")
        self.line(work, threads, time_text(ours), f"{peer_name}: {time_text(peer)}",
                  f"{ratio:.2f}" if ratio else "", goal, reached)

    def limit(self, work, threads, ours, text, peer, goal, reached):
        """A value with a limit of its own; the peer stands beside it."""
        self.line(work, threads, text if ours is not None else "not measured", peer, "", goal,
                  "not measured" if ours is None else "yes" if reached else "**no**")

    def line(self, *cells):
        self.lines.append("| " + " | ".join(str(c) for c in cells) + " |")


def machine(build, python):
    with open("/proc/cpuinfo") as file:
        text = file.read()
    model = re.search(r"model name\s*: (.*)", text)
    sets = [s for s in ("avx512f", "avx2", "fma") if re.search(rf"\b{s}\b", text)]
    compiler = run(["g++", "--version"]).splitlines()[0]
    versions = ""
    if python:
        versions = run([python, "-c", "import torch, jax; print(f'PyTorch {torch.__version__}, JAX {jax.__version__}')"])
    return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, {', '.join(sets)}; {compiler}, "
            f"`-O3 -DNDEBUG -march=native -fopenmp`; peers: Eigen 3.4 with the same flags"
            + (f", {versions.strip()}" if versions else "") + ".")


def make_table(samples, counters, epochs, compiled):
    t = Table()
    wick = lambda work, threads: samples.median("wick", work, threads)  # noqa: E731
    peer = samples.median
    chain = "`tanh(x*w+b)*sigmoid(x)+exp(w*b)`, 4M floats, forward"
    for n in (1, 2):
        t.row(chain, n, wick("chain_forward", n), "PyTorch eager", peer("torch", "chain_forward", n), 7)
    for n in (1, 2):
        for name, program in (("torch.compile", "compile"), ("JAX jit", "jax")):
            t.row("the same", n, wick("chain_forward", n), name, peer(program, "chain_forward", n), 1, "faster")
    t.row("the same", 1, wick("chain_forward", 1), "Eigen array expression", wick("eigen_chain_forward", 1), 1)
    for n in (1, 2):
        for name, program, target in (("PyTorch eager", "torch", 5), ("torch.compile", "compile", 2), ("JAX jit", "jax", 2.5)):
            t.row("the same, summed, forward and backward into x, w, b", n, wick("chain_backward", n), name,
                  peer(program, "chain_backward", n), target)
    for n in (1, 2):
        t.row("`x*w+b`, 4M floats, into an existing tensor", n, wick("multiply_add", n), "memcpy of as many bytes",
              wick("copy", n), 0.9, "0.9 of its bandwidth")
    for work, name, target in (("softmax", "torch.softmax", 1.3), ("layer_norm", "layer_norm of PyTorch", 1.5)):
        for n in (1, 2):
            t.row(f"{work.replace('_', ' ')} of 4096x1024, as a formula", n, wick(work, n), name,
                  peer("torch", work, n), target)
    for work, formula in (("multiply_add", "y = x*w+b"), ("tanh_multiply_add", "y = tanh(x*w+b)"),
                          ("chain", "y = tanh(x*w+b)*sigmoid(x)+exp(w*b)")):
        ours = samples.median("small", work, 1)
        requests, allocations = counters.get(work, (0, 0))
        headline = work == "multiply_add"
        t.limit(f"`{formula}`, 8 floats, into an existing tensor", 1, ours,
                f"{time_text(ours)}, {requests:g} blocks asked of the pool, {allocations:g} of the system",
                f"LibTorch: {time_text(peer('libtorch', work, 1))}", "50 ns, no allocation" if headline else "",
                ours is not None and ours <= 50e-9 and allocations == 0 and requests == 0)
        if not headline:
            t.lines[-1] = re.sub(r"\| [^|]* \|$", "|  |", t.lines[-1])
    ours = samples.median("small", "backward_round", 1)
    requests, allocations = counters.get("backward_round", (0, 0))
    t.limit("`backward(sum(tanh(x*w+w)))`, 8 floats, whole round", 1, ours,
            f"{time_text(ours)}, {requests:g} blocks recycled by the pool, {allocations:g} of the system",
            f"LibTorch: {time_text(peer('libtorch', 'backward_round', 1))}", "300 ns, no allocation",
            ours is not None and ours <= 300e-9 and allocations == 0)
    median = lambda v: statistics.median(v) if v else None  # noqa: E731
    t.row("one epoch of the main job", 2, median(epochs.get("wick")), "PyTorch, DataLoader with 2 workers",
          median(epochs.get("torch")), 1)

    def seconds(name):
        return (compiled.get(name) or {}).get("seconds")

    def cost(name):
        entry = compiled.get(name)
        return f"{entry['seconds']:.2f} s, {entry['mb']:.0f} MB" if entry else "not measured"

    tensor, xsimd = seconds("tensor"), seconds("xsimd")
    t.limit("compiling `#include <wick/tensor.hpp>`, -O2", "", tensor, cost("tensor"), f"`xsimd/xsimd.hpp`: {cost('xsimd')}",
            "1.5 times as long at most", bool(tensor and xsimd and tensor <= 1.5 * xsimd))
    one = seconds("wick_statement")
    t.limit("compiling each further fused statement, -O2", "", one, f"{one:.2f} s" if one is not None else "",
            f"Eigen: {seconds('eigen_statement'):.2f} s" if seconds("eigen_statement") is not None else "not measured",
            "0.25 s", one is not None and one <= 0.25)
    whole = compiled.get("wick")
    t.limit("compiling `#include <wick/wick.hpp>`, -O2", "", seconds("wick"), cost("wick"), "",
            "8 s, 700 MB", bool(whole and whole["seconds"] <= 8 and whole["mb"] <= 700))
    t.limit("compiling the main job, -O3", "", seconds("main_job"), cost("main_job"),
            f"LibTorch hello world, -O2: {cost('libtorch')}", "25 s", bool(seconds("main_job") and seconds("main_job") <= 25))
    return t.lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", metavar="DIR", help="make a virtual environment with PyTorch and JAX here")
    parser.add_argument("--venv", metavar="DIR", help="use this virtual environment")
    parser.add_argument("--build", default=f"{root}/build/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="speed,small,epoch,compile", help="comma-separated parts (default: %(default)s)")
    parser.add_argument("--results", help="JSON file that keeps the samples: parts measured another time are read from it")
    parser.add_argument("--output", default=f"{root}/docs/benchmarks.md")
    options = parser.parse_args()
    parts = set(options.only.split(","))

    folder = options.setup or options.venv
    if options.setup:
        say("installing PyTorch and JAX in", options.setup)
        venv.create(options.setup, with_pip=True)
        if run([f"{options.setup}/bin/pip", "install", "torch", "jax", "numpy"]) is None:
            sys.exit("bench: the peers could not be installed")
    python = f"{folder}/bin/python" if folder else None
    site = next(iter(glob.glob(f"{folder}/lib/python3*/site-packages")), None) if folder else None

    kept = {"samples": [], "counters": {}, "epochs": {}, "compiled": {}}
    if options.results and os.path.exists(options.results):
        with open(options.results) as file:
            kept = json.load(file)
    samples, counters, epochs, compiled = Samples(), kept["counters"], kept["epochs"], kept["compiled"]
    speed_programs = {"wick", "torch", "compile", "jax"}
    for program, work, threads, seconds in kept["samples"]:
        if ("speed" if program in speed_programs else "small") not in parts:
            samples.add(program, work, threads, seconds)

    if parts & {"speed", "small", "epoch"}:
        build_ours(options.build)
    libtorch = build_libtorch(site, options.build) if site and "small" in parts else None
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}, load {os.getloadavg()[0]:.2f}")
        if "small" in parts:
            here = Samples()
            google_benchmark(here, counters, options.build, "small")
            for (_, work, threads), seconds in here.seconds.items():
                samples.add("small", work, threads, seconds)
            text = run([libtorch]) if libtorch else None
            for work, seconds in json.loads(text or "{}").items():
                samples.add("libtorch", work, 1, seconds)
        if "speed" in parts:
            for threads in (1, 2):
                google_benchmark(samples, {}, options.build, "fused", f"threads:{threads}/")
                google_benchmark(samples, {}, options.build, "rows", f"^(softmax|layer_norm)/threads:{threads}/")
                if python:
                    python_peer(samples, python, "torch", "torch_ops", threads)
                    python_peer(samples, python, "compile", "torch_ops", threads, "--compile")
                    python_peer(samples, python, "jax", "jax_ops", threads)
    if "epoch" in parts:
        epochs.clear()
        for number in range(min(3, options.rounds)):
            text = run([f"{options.build}/examples/fashion_mnist", "--threads", 2, "--epochs", 1], cwd=options.build)
            found = re.search(r"([0-9.]+) seconds", text or "")
            if found:
                epochs.setdefault("wick", []).append(float(found.group(1)))
            text = run([python, f"{root}/bench/peers/train_cnn.py", "--threads", 2]) if python else None
            if text:
                epochs.setdefault("torch", []).extend(json.loads(text)["epoch"])
    if "compile" in parts:
        say("compile times")
        command = [sys.executable, f"{root}/bench/compile_time/measure.py"] + (["--torch", site] if site else [])
        compiled.clear()
        compiled.update(json.loads(run(command) or "{}"))

    if options.results:
        with open(options.results, "w") as file:
            json.dump({"samples": [[*key, seconds] for key, seconds in samples.seconds.items()], "counters": counters,
                       "epochs": epochs, "compiled": compiled}, file)
    lines = [begin, "", machine(options.build, python), "", *make_table(samples, counters, epochs, compiled), "", end]
    with open(options.output) as file:
        page = file.read()
    if begin not in page or end not in page:
        sys.exit(f"bench: {options.output} lacks the lines {begin} and {end}")
    page = page[: page.index(begin)] + "\n".join(lines) + page[page.index(end) + len(end):]
    with open(options.output, "w") as file:
        file.write(page)
    say("wrote", options.output)


main()
