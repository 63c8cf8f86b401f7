# SPDX-License-Identifier: MIT
"""The expensive nodes - products, convolutions, memory, a training step - and the peers beside them."""
import re
import statistics
from dataclasses import dataclass, field

from harness import program_subject, python_subject, root
from roofline import Roof, roof_lines, short
from tables import Table

names = {"cblas": "OpenBLAS", "eigen": "Eigen", "sleef": "SLEEF", "xsimd": "xsimd", "libm": "C library", "torch": "PyTorch",
         "compile": "torch.compile", "numpy": "NumPy"}


@dataclass
class Subject:
    """A program of bench/, its scripts in bench/peers (label: further arguments), and in how many rounds it runs."""
    scripts: dict = field(default_factory=dict)
    threads: tuple = (1, 2)
    rounds: int = 5
    each_call: bool = False  # our calls are timed one by one, as the scripts time theirs


subjects = {
    "peak": Subject(),  # the roof over the others
    "gemm": Subject({"torch": ()}, rounds=3),
    "fixed": Subject(threads=(1,)),
    "conv": Subject({"torch": ()}, rounds=2),
    "math": Subject(threads=(1,), rounds=3),
    "memory": Subject({"torch": (), "numpy": ("--numpy",)}, rounds=3),
    "ordering": Subject({"torch": (), "numpy": ("--numpy",)}, each_call=True),
    "train": Subject({"torch": ()}, rounds=3),
    "cnn": Subject({"torch": (), "compile": ("--compile",)}, rounds=3),
}


def measure_subject(samples, build, python, name, numbers_of_threads):
    subject = subjects[name]
    for threads in sorted(numbers_of_threads.intersection(subject.threads)):
        program_subject(samples, build, name, threads, subject.each_call)
        for program, arguments in subject.scripts.items():
            if python:
                python_subject(samples, python, program, name, threads, *arguments)


class Ratios:
    """Ours beside the fastest peer, work by work."""

    def __init__(self, samples, table):
        self.samples, self.table, self.roof = samples, table, Roof(samples)

    def works(self, subject, threads):
        found = [w for program, w, n in self.samples.seconds if program == "wick" and n == threads and w.startswith(subject + ": ")]
        return sorted(set(found), key=found.index)

    def best(self, work, threads, fits=lambda program: True):
        """The fastest peer of those that fit: its name, seconds."""
        found = [(self.samples.median(p, work, threads), p) for p, w, n in self.samples.seconds
                 if p != "wick" and w == work and n == threads and fits(p)]
        return min(found) if found else (None, "")

    def row(self, work, threads, text, target, goal=None, fits=lambda program: True):
        seconds, peer = self.best(work, threads, fits)
        self.table.row(text, threads, self.samples.median("wick", work, threads), names.get(peer, "peers"), seconds, target, goal,
                       self.roof.text(work, threads) if self.table.of_the_machine else "")

    def summary(self, works, threads, text, median, lowest):
        """One row for many works: the median ratio and the lowest one."""
        ratios = []
        for work in works:
            seconds, peer = self.best(work, threads)
            ours = self.samples.median("wick", work, threads)
            if seconds and ours:
                ratios.append((seconds / ours, short(work), names.get(peer, peer)))
        goal = f"median {median:g}, none below {lowest:g}"
        if not ratios:
            self.table.line(text, threads, f"{len(works)} shapes" if works else "not measured", "peers: not measured", "", goal,
                            "not measured", self.roof.summary(works, threads))
            return
        ratios.sort()
        middle = statistics.median(r for r, _, _ in ratios)
        self.table.line(text, threads, f"{len(ratios)} shapes", f"fastest of {', '.join(sorted({p for _, _, p in ratios}))}",
                        f"median {middle:.2f}, lowest {ratios[0][0]:.2f} ({ratios[0][1]})", goal,
                        "yes" if middle >= median and ratios[0][0] >= lowest else "**no**", self.roof.summary(works, threads))


def readable(work):
    return "`" + work.split(": ")[1] + "`"


def gemm_rows(ratios):
    for threads in (1, 2):
        for work in ratios.works("gemm", threads):
            if "bias_relu" in work:
                ratios.row(work, threads, readable(work), 1.05)
            elif any(f"_{t}{t2}_" in work for t in "nt" for t2 in "nt"):
                continue
            else:
                small = any(f"/m:{n}/n:{n}/k:{n}" in work for n in (16, 32)) and "/m:" in work
                ratios.row(work, threads, readable(work), 1.2 if small else 0.95, None if small else "0.95 of its speed")


def add_both_gradients(samples):
    """PyTorch's backward pass of a convolution is one call for both gradients; ours are two, which take their sum."""
    for program, work, threads in list(samples.seconds):
        other = work.replace("input_gradient/", "weight_gradient/")
        if program == "wick" and other != work and (program, other, threads) in samples.seconds:
            both = work.replace("input_gradient/", "both_gradients/")
            samples.seconds[program, both, threads] = [sum(samples.median(program, w, threads) for w in (work, other))]
            if (work, threads) in samples.amounts:
                unit, amount = samples.amounts[work, threads]
                samples.amounts[both, threads] = (unit, 2 * amount)


def conv_rows(ratios):
    add_both_gradients(ratios.samples)
    for threads in (1, 2):
        works = ratios.works("conv", threads)
        for batch in (1, 16):
            for kind, median in (("forward", 1.1), ("both_gradients", 1.2), ("input_gradient", 1.2), ("weight_gradient", 1.2)):
                here = [w for w in works if f" {kind}/c" in w and w.endswith(f"_n{batch}")]
                ratios.summary(here, threads, f"conv2d {kind.replace('_', ' ')}, the layers of ResNet-50, batch {batch}", median, 0.8)
        for work in works:
            if work.endswith("_n128") and "both" not in work:
                ratios.row(work, threads, readable(work), 1.1 if "forward" in work else 1.2)


def math_errors():
    """Of docs/math_error.md: the largest error by (function, type, program)."""
    columns = ("wick", "eigen", "sleef", "", "xsimd", "libm")  # the program of SLEEF's second column is not run
    errors = {}
    with open(f"{root}/docs/math_error.md") as file:
        for name, kind, cells in re.findall(r"^\| `(\w+)` (float|double) \|(.*)\|$", file.read(), re.MULTILINE):
            for program, cell in zip(columns, cells.split("|")):
                found = re.search(r"\((.*)\)", cell)
                if found:
                    errors[name, kind, program] = float("inf") if found.group(1) == "wrong" else float(found.group(1))
    return errors


def ordering_table(samples):
    """Every work of bench/ordering.cpp: few, and too different for a median."""
    t = Table()
    ratios = Ratios(samples, t)
    for threads in (1, 2):
        for work in ratios.works("ordering", threads):
            ratios.row(work, threads, readable(work), 1)
    return t.lines


def kernel_table(samples, epochs):
    t = Table(of_the_machine=True)
    ratios = Ratios(samples, t)
    gemm_rows(ratios)
    ratios.summary([w for w in ratios.works("fixed", 1) if "product" in w], 1, "products of `Fixed` matrices, 2x2 to 8x8", 1, 1)
    ratios.summary([w for w in ratios.works("fixed", 1) if "inverse" in w], 1, "inverses of `Fixed` matrices, 3x3 and 4x4", 1, 1)
    conv_rows(ratios)
    for threads in (1, 2):
        ratios.row("cnn: training_step", threads, "one training step of the CNN, batch 128", 1.5)
        for batch, target in ((1, 2), (128, 1.3)):
            for program, goal in (("torch", target), ("compile", 1)):
                ratios.row(f"cnn: inference/{batch}", threads, f"inference of the CNN, batch {batch}", goal, fits=program.__eq__)
    for threads in (1, 2):
        ratios.row("train: adamw", threads, "AdamW, 10M parameters in 200 tensors", 1)
        ratios.row("train: loader/0", threads, "the loader alone, no workers", 50)
        ratios.row("train: loader/2", threads, "the loader alone, 2 workers", 50)
    errors = math_errors()
    for name in ("exp", "log", "sin", "tanh", "erf", "pow"):
        for kind in ("float", "double"):
            ratios.row(f"math: {name}_{kind}", 1, f"`{name}` of 1M numbers, {kind}; peers no less exact", 1,
                       fits=lambda peer: errors.get((name, kind, peer), 0) <= 1.02 * errors.get((name, kind, "wick"), 0))
    for threads in (1, 2):
        works = ratios.works("memory", threads)
        for prefix, text in (("sum", "`sum`"), ("max/", "`max`"), ("mean", "`mean`"), ("var", "`var`"), ("transpose", "transpose"), ("cat", "`cat`"),
                             ("gather", "gather"), ("arg", "`argmax`"), ("max_pool", "max pooling"), ("avg_pool", "average pooling")):
            here = [w for w in works if w.split(": ")[1].startswith(prefix)]
            if here:
                ratios.summary(here, threads, f"{text}, every axis and shape of `bench/memory.cpp`", 1, 1)
    middle = lambda name: statistics.median(epochs[name]) if epochs.get(name) else None  # noqa: E731
    t.row("one epoch of the main job, wall time of the whole command", 2, middle("wick_wall"), "PyTorch", middle("torch_wall"), 2)
    ours, peer = middle("wick_mb"), middle("torch_mb")
    t.limit("peak resident size of the main job", 2, ours, f"{ours:.0f} MB" if ours else "", f"PyTorch: {peer:.0f} MB" if peer else "", "a quarter",
            bool(ours and peer and ours <= peer / 4))
    return t.lines + roof_lines(samples)
