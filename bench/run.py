#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Wick's benchmarks beside their peers and writes the tables of docs/benchmarks.md.

    python3 bench/run.py --setup DIR              makes a virtual environment with PyTorch and JAX in DIR, then measures
    python3 bench/run.py --venv DIR               uses one that is there; without either, only what needs no Python is
                                                  measured
    python3 bench/run.py --venv DIR --only epoch  the main job beside PyTorch's, with a summary
    python3 bench/run.py --venv DIR --only ordering
                                                  prefixes, differences and sorting: a table of their own
    python3 bench/run.py --venv DIR --only gpu    the rows of the GPU, on a machine that has one and nvcc

Ours and the peers' programs run alternately, several times; the tables hold medians of all rounds."""
import argparse
import glob
import json
import os
import sys
import venv

from epoch import epoch_summary, measure_epochs
from gpu_table import find_nvcc, gpu_table, measure_gpu
from harness import Samples, build_libtorch, build_ours, google_benchmark, json_object, machine, python_peer, root, run, say
from kernels import kernel_table, measure_subject, ordering_table, subjects
from tables import spine_table

parts_of_spine = ("speed", "small", "epoch", "compile")


def marks(page, name):
    begin, end = f"<!-- {name}: written by bench/run.py -->", f"<!-- end of {name} -->"
    if begin not in page or end not in page:
        sys.exit(f"bench: the page lacks the lines {begin} and {end}")
    return begin, end


def part_of(page, name):
    """What stands between the marks of this name."""
    begin, end = marks(page, name)
    return page[page.index(begin) + len(begin): page.index(end)]


def replace_part(page, name, lines):
    """The page with what stands between the marks of this name replaced."""
    begin, end = marks(page, name)
    return page[: page.index(begin)] + "\n".join([begin, "", *lines, "", end]) + page[page.index(end) + len(end):]


class Results:
    """All that was measured, now or in earlier runs; a file keeps it."""

    def __init__(self, path):
        self.path, self.samples, self.counters, self.epochs, self.compiled, self.gpu = path, Samples(), {}, {}, {}, {}
        if not os.path.exists(path):
            return
        try:
            with open(path) as file:
                kept = json.load(file)
            for program, work, threads, seconds in kept["samples"]:
                self.samples.add(program, work, threads, seconds)
            self.samples.amounts = {(work, threads): amount for work, threads, amount in kept.get("amounts", [])}
            self.counters, self.epochs, self.compiled = kept["counters"], kept["epochs"], kept["compiled"]
            self.gpu = kept.get("gpu", {})
        except (OSError, ValueError, KeyError, TypeError) as problem:
            sys.exit(f"bench: {path} does not hold results of bench/run.py ({problem})")

    @staticmethod
    def part(program, work):
        return work.split(": ")[0] if ": " in work else "small" if program in ("small", "libtorch") else "speed"

    def forget(self, parts):
        """What is measured anew: a peer that fails this time must not stand there with an earlier time."""
        for key in [k for k in self.samples.seconds if self.part(*k[:2]) in parts]:
            del self.samples.seconds[key]
        for part, values in (("small", self.counters), ("epoch", self.epochs), ("compile", self.compiled), ("gpu", self.gpu)):
            if part in parts:
                values.clear()

    def has(self):
        """The parts that there are numbers of."""
        found = {self.part(program, work) for program, work, _ in self.samples.seconds}
        return found | ({"epoch"} if self.epochs else set()) | ({"compile"} if self.compiled else set())

    def save(self):
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path, "w") as file:
            json.dump({"samples": [[*key, seconds] for key, seconds in self.samples.seconds.items()],
                       "amounts": [[*key, amount] for key, amount in self.samples.amounts.items()],
                       "counters": self.counters, "epochs": self.epochs, "compiled": self.compiled,
                       "gpu": self.gpu}, file)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", metavar="DIR", help="make a virtual environment with PyTorch and JAX here")
    parser.add_argument("--venv", metavar="DIR", help="use this virtual environment")
    parser.add_argument("--build", metavar="DIR", default=f"{root}/build/bench",
                        help="where Wick's programs are built (default: build/bench)")
    parser.add_argument("--rounds", type=int, default=5, help="at most so many rounds (default: %(default)s)")
    parser.add_argument("--threads", default="1,2", help="comma-separated: with how many threads to measure the kernels, of those "
                        "that their tables have (default: %(default)s)")
    parser.add_argument("--only", metavar="PARTS", default=",".join((*parts_of_spine, "kernels", "gpu")),
                        help="comma-separated parts (default: %(default)s); of the kernels also one: " + ", ".join(subjects))
    parser.add_argument("--results", metavar="FILE", help="JSON file that keeps what was measured: parts that are not measured now "
                        "are read from it (default: results.json in the build folder)")
    parser.add_argument("--output", metavar="FILE", help="the page with the tables (default: docs/benchmarks.md)")
    options = parser.parse_args()

    parts = set(options.only.split(","))
    names = (*parts_of_spine, "kernels", "gpu", *subjects)
    unknown = sorted(parts.difference(names))
    if unknown:
        parser.error(f"--only: there is no part {' and no part '.join(repr(n) for n in unknown)}; there are {', '.join(names)}")
    if options.rounds < 1:
        parser.error("--rounds: at least one")
    options.parts = (parts - {"kernels"}) | (set(subjects) if "kernels" in parts else set())

    if not all(number in ("1", "2") for number in options.threads.split(",")):
        parser.error(f"--threads: {options.threads!r}; the tables have rows for 1 and 2")
    options.threads = {int(number) for number in options.threads.split(",")}

    folder = options.setup or options.venv
    options.python = os.path.abspath(f"{folder}/bin/python") if folder else None
    if options.venv and not options.setup and not os.path.exists(options.python):
        parser.error(f"--venv: there is no {options.python}; --setup {options.venv} makes such an environment")
    options.build = os.path.abspath(options.build)
    # A page of which most rows say "not measured" helps nobody: only who names a file gets one.
    options.write_partly = bool(options.results or options.output)
    options.results = options.results or f"{options.build}/results.json"
    options.output = options.output or f"{root}/docs/benchmarks.md"
    if not os.path.exists(options.output):
        parser.error(f"--output: there is no {options.output}; the tables go into a copy of docs/benchmarks.md")
    return options


def set_up(folder):
    say("installing PyTorch and JAX in", folder)
    venv.create(folder, with_pip=True)
    if run([f"{folder}/bin/pip", "install", "torch", "torchvision", "jax", "numpy"]) is None:
        sys.exit("bench: the peers could not be installed")


def measure_small(results, build, libtorch):
    here = Samples()
    google_benchmark(here, results.counters, build, "small")
    for (_, work, threads), seconds in here.seconds.items():
        results.samples.add("small", work, threads, seconds)
    for work, seconds in json_object(run([libtorch]) if libtorch else None).items():
        results.samples.add("libtorch", work, 1, seconds)


def measure_speed(samples, build, python):
    for threads in (1, 2):
        google_benchmark(samples, {}, build, "fused", f"threads:{threads}/")
        google_benchmark(samples, {}, build, "rows", f"^(softmax|layer_norm)/threads:{threads}/")
        if python:
            python_peer(samples, python, "torch", "torch_ops", threads)
            python_peer(samples, python, "compile", "torch_ops", threads, "--compile")
            python_peer(samples, python, "jax", "jax_ops", threads)


def measure(options, results):
    parts, build, python = options.parts, options.build, options.python
    chosen = [name for name in subjects if name in parts]
    programs = (["fused", "rows"] if "speed" in parts else []) + (["small"] if "small" in parts else []) + chosen
    targets = [f"bench_{name}" for name in programs] + (["fashion_mnist"] if "epoch" in parts else [])
    if targets:
        build_ours(build, targets)
    site = next(iter(glob.glob(f"{os.path.dirname(python)}/../lib/python3*/site-packages")), None) if python else None
    libtorch = build_libtorch(site, build) if site and "small" in parts else None
    results.forget(parts - {"gpu"})  # which is kept where there is no GPU
    for number in range(options.rounds if programs else 0):
        say(f"round {number + 1} of {options.rounds}, load {os.getloadavg()[0]:.2f}")
        if "small" in parts:
            measure_small(results, build, libtorch)
        if "speed" in parts:
            measure_speed(results.samples, build, python)
        for name in chosen:
            if number < subjects[name].rounds:
                measure_subject(results.samples, build, python, name, options.threads)
        results.save()
    if "epoch" in parts:
        results.epochs.update(measure_epochs(build, python, min(3, options.rounds)))
    if "gpu" in parts:
        measure_gpu(results, build, python, min(3, options.rounds))
    if "compile" in parts:
        say("compile times")
        command = [sys.executable, f"{root}/bench/compile_time/measure.py"] + (["--torch", site] if site else [])
        command += ["--nvcc", find_nvcc()] if find_nvcc() else []
        results.compiled.update(json_object(run(command)))
    results.save()


def write_page(options, results):
    with open(options.output) as file:
        page = file.read()
    measured = results.has()
    if "ordering" in measured:
        page = replace_part(page, "the ordering", [machine(options.python), "", *ordering_table(results.samples)])
    missing = {*parts_of_spine, *subjects} - {"ordering"} - options.parts - measured
    if missing and not (options.write_partly and options.parts - {"gpu", "ordering"}):
        say(f"left the tables of the CPU as they are: nothing in {options.results} about {', '.join(sorted(missing))}")
    else:
        page = replace_part(page, "the table", [machine(options.python), "", *spine_table(results.samples, results.counters, results.epochs,
                                                                                          results.compiled)])
        page = replace_part(page, "the kernels", kernel_table(results.samples, results.epochs))
    page = replace_part(page, "the GPU", gpu_table(results, part_of(page, "the GPU")))
    with open(options.output, "w") as file:
        file.write(page)
    say("wrote", options.output)


def main():
    options = read_options()
    if options.setup:
        set_up(options.setup)
    results = Results(options.results)
    measure(options, results)
    write_page(options, results)
    if "epoch" in options.parts:
        print(epoch_summary(results.epochs))


main()
