# SPDX-License-Identifier: MIT
"""Running Wick's benchmarks and their peers, and what they measured."""
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
peers_in_program = ("cblas", "eigen", "sleef", "xsimd", "libm", "openmp")


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def run(command, **more):
    """Standard output of a command, or None when it fails (which is said)."""
    try:
        result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    except OSError as problem:
        say("failed:", *command, f"\n{problem}")
        return None
    if result.returncode != 0:
        say("failed:", *command, "\n" + "\n".join((result.stderr or result.stdout).splitlines()[-5:]))
        return None
    return result.stdout


def run_measured(command, folder):
    """Standard output, seconds of wall time and peak resident megabytes of a command."""
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen([str(c) for c in command], cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if status != 0:
            errors.seek(0)
            say("failed:", *command, "\n" + "\n".join(errors.read().splitlines()[-5:]))
            text = None
    return text, wall, usage.ru_maxrss / 1024


def json_object(text):
    """What a script of ours wrote, empty when it failed."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        say("not a JSON object:", text[:200])
        return {}


class Samples:
    """Seconds by (program, work, threads); by (work, threads) the unit of our rate and how much of it a round does."""

    def __init__(self):
        self.seconds = {}
        self.amounts = {}

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


def program_subject(samples, build, name, threads, each_call=False):
    """Runs one program of bench/ whose names end in /threads:N; a name that begins with a peer's counts for that peer."""
    # Several short rounds of which the median counts, as the peers' do, not the mean of a long one; or rounds of one call,
    # where the peers' are: what interrupts some calls raises a mean, but no median.
    rounds = ("1e-9", 15) if each_call else ("0.02", 5)
    text = run([f"{build}/bench/bench_{name}", f"--benchmark_filter=threads:{threads}(/real_time)?$", f"--benchmark_min_time={rounds[0]}",
                f"--benchmark_repetitions={rounds[1]}", "--benchmark_format=json"])
    if text is None:
        return
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
    for entry in json.loads(text)["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        work = re.sub(r"/threads:\d+(/real_time)?$", "", entry["name"])
        program = "wick"
        for peer in peers_in_program:
            if work.startswith(peer + "_"):
                program, work = peer, work[len(peer) + 1:]
        seconds = entry["real_time"] * unit[entry["time_unit"]]
        samples.add(program, f"{name}: {work}", threads, [seconds])
        for rate in ("flop/s", "bytes/s"):
            if program == "wick" and rate in entry:
                samples.amounts[f"{name}: {work}", threads] = (rate, entry[rate] * seconds)


def python_subject(samples, python, program, name, threads, *more):
    """The same work in bench/peers/NAME.py."""
    for work, seconds in json_object(run([python, f"{root}/bench/peers/{name}.py", threads, *more])).items():
        samples.add(program, f"{name}: {work}", threads, seconds)


def python_peer(samples, python, program, name, threads, *more):
    for work, seconds in json_object(run([python, f"{root}/bench/peers/{name}.py", threads, *more])).items():
        samples.add(program, work, threads, seconds)


def build_ours(build, targets):
    say("building in", build)
    if (run(["cmake", "-S", root, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DWICK_BUILD_TESTS=OFF"]) is None
            or run(["cmake", "--build", build, "--target", *targets]) is None):
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


def machine(python):
    with open("/proc/cpuinfo") as file:
        text = file.read()
    model = re.search(r"model name\s*: (.*)", text)
    sets = [s for s in ("avx512f", "avx2", "fma") if re.search(rf"\b{s}\b", text)]
    compiler = (run(["g++", "--version"]) or "unknown compiler").splitlines()[0]
    versions = ""
    if python:
        versions = run([python, "-c", "import torch, jax; print(f'PyTorch {torch.__version__}, JAX {jax.__version__}')"])
    return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, {', '.join(sets)}; {compiler}, "
            f"`-O3 -DNDEBUG -march=native -fopenmp`; peers: Eigen 3.4 with the same flags"
            + (f", {versions.strip()}" if versions else "") + ".")
