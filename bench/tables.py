# SPDX-License-Identifier: MIT
"""The tables of docs/benchmarks.md."""
import re
import statistics

from harness import time_text


class Table:
    def __init__(self, of_the_machine=False):
        self.of_the_machine = of_the_machine
        self.lines = []
        self.line("work", "threads", "Wick", "peer", "ratio", "target", "reached", "of the machine")
        self.lines.append("|---" * (8 if of_the_machine else 7) + "|")

    def row(self, work, threads, ours, peer_name, peer, target, goal=None, share=""):
        """A time beside a peer's: reached when the peer takes at least `target` times as long."""
        ratio = peer / ours if ours and peer else None
        reached = "not measured" if ratio is None else "yes" if ratio >= target else "**no**"
        goal = goal or ("as fast" if target == 1 else f"{target:g}x faster")
        self.line(work, threads, time_text(ours), f"{peer_name}: {time_text(peer)}",
                  f"{ratio:.2f}" if ratio else "", goal, reached, share)

    def limit(self, work, threads, ours, text, peer, goal, reached):
        """A value with a limit of its own; the peer stands beside it."""
        self.line(work, threads, text if ours is not None else "not measured", peer, "", goal,
                  "not measured" if ours is None else "yes" if reached else "**no**")

    def line(self, work, threads, ours, peer, ratio, goal, reached, share=""):
        cells = [work, threads, ours, peer, ratio, goal, *([share] if self.of_the_machine else []), reached]
        self.lines.append("| " + " | ".join(str(c) for c in cells) + " |")


def spine_table(samples, counters, epochs, compiled):
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
    job = seconds("main_job_kernels")
    t.limit("the same, linked with `wick::kernels`", "", job, cost("main_job_kernels"), "", "25 s", bool(job and job <= 25))
    return t.lines
