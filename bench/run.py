#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Wick's benchmarks beside their peers and writes the tables of docs/benchmarks.md.

    python3 bench/run.py --setup DIR      makes a virtual environment with PyTorch and JAX in DIR, then measures
    python3 bench/run.py --venv DIR       uses one that is there; without either, only what needs no Python is measured

Ours and the peers' programs run alternately, several times; the tables hold medians of all rounds."""
import argparse
import glob
import json
import os
import re
import sys
import venv

from harness import Samples, build_libtorch, build_ours, google_benchmark, machine, python_peer, root, run, run_measured, say
from kernels import kernel_table, measure_subject, subjects
from tables import spine_table


def replace_part(page, name, lines):
    """The page with what stands between the marks of this name replaced."""
    begin, end = f"<!-- {name}: written by bench/run.py -->", f"<!-- end of {name} -->"
    if begin not in page or end not in page:
        sys.exit(f"bench: the page lacks the lines {begin} and {end}")
    return page[: page.index(begin)] + "\n".join([begin, "", *lines, "", end]) + page[page.index(end) + len(end):]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", metavar="DIR", help="make a virtual environment with PyTorch and JAX here")
    parser.add_argument("--venv", metavar="DIR", help="use this virtual environment")
    parser.add_argument("--build", default=f"{root}/build/bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="speed,small,epoch,compile,kernels",
                        help="comma-separated parts (default: %(default)s); of the kernels also one: " + ", ".join(subjects))
    parser.add_argument("--results", help="JSON file that keeps the samples: parts measured another time are read from it")
    parser.add_argument("--output", default=f"{root}/docs/benchmarks.md")
    options = parser.parse_args()
    parts = set(options.only.split(","))
    chosen = [name for name in subjects if "kernels" in parts or name in parts]

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
        part = work.split(": ")[0] if ": " in work else "speed" if program in speed_programs else "small"
        if part not in parts and part not in chosen:
            samples.add(program, work, threads, seconds)

    programs = (["fused", "rows"] if "speed" in parts else []) + (["small"] if "small" in parts else []) + chosen
    if programs or "epoch" in parts:
        build_ours(options.build, programs)
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
        for name in chosen:
            if number < subjects[name].rounds:
                measure_subject(samples, options.build, python, name)
    if "epoch" in parts:
        epochs.clear()
        for number in range(min(3, options.rounds)):
            text, wall, mb = run_measured([f"{options.build}/examples/fashion_mnist", "--threads", 2, "--epochs", 1], options.build)
            found = re.search(r"([0-9.]+) seconds", text or "")
            if found:
                for name, value in (("wick", float(found.group(1))), ("wick_wall", wall), ("wick_mb", mb)):
                    epochs.setdefault(name, []).append(value)
            text, wall, mb = run_measured([python, f"{root}/bench/peers/train_cnn.py", "--threads", 2], root) if python else ("", 0, 0)
            if text:
                for name, value in (("torch", json.loads(text)["epoch"][0]), ("torch_wall", wall), ("torch_mb", mb)):
                    epochs.setdefault(name, []).append(value)
    if "compile" in parts:
        say("compile times")
        command = [sys.executable, f"{root}/bench/compile_time/measure.py"] + (["--torch", site] if site else [])
        compiled.clear()
        compiled.update(json.loads(run(command) or "{}"))

    if options.results:
        with open(options.results, "w") as file:
            json.dump({"samples": [[*key, seconds] for key, seconds in samples.seconds.items()], "counters": counters,
                       "epochs": epochs, "compiled": compiled}, file)
    with open(options.output) as file:
        page = file.read()
    page = replace_part(page, "the table", [machine(options.build, python), "", *spine_table(samples, counters, epochs, compiled)])
    page = replace_part(page, "the kernels", kernel_table(samples, epochs))
    with open(options.output, "w") as file:
        file.write(page)
    say("wrote", options.output)


main()
