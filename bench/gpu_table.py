# SPDX-License-Identifier: MIT
"""Wick on a GPU beside copies, cuBLASLt and PyTorch: measuring, and the table of docs/benchmarks.md."""
import os
import re
import shutil

from harness import json_object, root, run, say, time_text

programs = ("formulas", "gemm", "cnn")


def query(what):
    """What nvidia-smi says of the first GPU, or None."""
    if not shutil.which("nvidia-smi"):
        return None
    lines = (run(["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"]) or "").splitlines()
    return lines[0].strip() if lines else None


def find_nvcc():
    return os.environ.get("CUDACXX") or shutil.which("nvcc") or shutil.which("/usr/local/cuda/bin/nvcc")


def build_gpu(build):
    """The folder of the programs, or None. Programs that were built elsewhere serve where there is no nvcc."""
    nvcc, capability = find_nvcc(), query("compute_cap")
    if not capability:
        say("there is no GPU here: the rows of the GPU stay as they are")
        return None
    folder = f"{build}-gpu"
    if not nvcc and all(os.access(f"{folder}/bench/gpu/bench_gpu_{name}", os.X_OK) for name in programs):
        say("there is no nvcc here: running the programs that are in", folder)
        return folder
    if not nvcc:
        say("there is no nvcc here: the rows of the GPU stay as they are")
        return None
    say("building for the GPU in", folder)
    configured = run(["cmake", "-S", root, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DWICK_BUILD_TESTS=OFF", "-DWICK_BUILD_EXAMPLES=OFF",
                      "-DWICK_CUDA=ON", f"-DCMAKE_CUDA_COMPILER={nvcc}", f"-DCMAKE_CUDA_ARCHITECTURES={capability.replace('.', '')}"])
    if configured is None or run(["cmake", "--build", folder, "-j", str(min(8, os.cpu_count() or 1)), "--target",
                                  *[f"bench_gpu_{name}" for name in programs]]) is None:
        say("the programs for the GPU could not be built")
        return None
    return folder


def measure_gpu(results, build, python, rounds):
    folder = build_gpu(build)
    if not folder:
        return
    results.forget({"gpu"})
    results.gpu["machine"] = f"{query('name')}, driver {query('driver_version')}"
    if python:
        versions = run([python, "-c", "import torch; print(f'PyTorch {torch.__version__}, CUDA {torch.version.cuda}')"])
        results.gpu["machine"] += f"; {(versions or '').strip()}"
    for number in range(rounds):
        say(f"GPU, round {number + 1} of {rounds}")
        for name in programs:
            for program, works in json_object(run([f"{folder}/bench/gpu/bench_gpu_{name}"])).items():
                if program == "numbers":
                    results.gpu.setdefault("numbers", {}).update(works)
                    continue
                for work, seconds in works.items():
                    results.samples.add(program, f"gpu: {work}", 1, seconds)
        if python:
            for program, more in (("torch", []), ("compile", ["--compile"])):
                for work, seconds in json_object(run([python, f"{root}/bench/peers/gpu.py", *more])).items():
                    results.samples.add(program, f"gpu: {work}", 1, seconds)
        results.save()


class Table:
    """Rows that were not measured now keep what stood in the page."""

    def __init__(self, before):
        self.before = {self.key(line): line for line in before if line.startswith("| ")}
        self.lines = ["| work | Wick | peer | ratio | target | reached |", "|---|---|---|---|---|---|"]

    @staticmethod
    def key(line):
        cells = [c.strip() for c in line.split("|")]
        return (cells[1], cells[3].split(":")[0], cells[5]) if len(cells) > 6 else None

    def line(self, work, ours, peer, ratio, goal, reached):
        line = "| " + " | ".join((work, ours, peer, ratio, goal, reached)) + " |"
        self.lines.append(self.before.get(self.key(line), line) if ours == "not measured" else line)

    def row(self, work, ours, peer_name, peer, target, goal):
        ratio = peer / ours if ours and peer else None
        self.line(work, time_text(ours), f"{peer_name}: {time_text(peer)}", f"{ratio:.2f}" if ratio else "", goal,
                  "not measured" if ratio is None else "yes" if ratio >= target else "**no**")

    def limit(self, work, ours, text, goal, reached):
        self.line(work, text if ours is not None else "not measured", "", "", goal,
                  "not measured" if ours is None else "yes" if reached else "**no**")


def gpu_table(results, page):
    """Lines for the page. `page` is what stands there."""
    samples, numbers, before = results.samples, results.gpu.get("numbers", {}), page.splitlines()
    t = Table(before)
    median = lambda program, work: samples.median(program, f"gpu: {work}", 1)  # noqa: E731
    copy, faster = "device-to-device copy of as many bytes", lambda x: f"{x:g}x faster"  # noqa: E731

    def row(work, name, program, peer_name, target, goal, peer_work=None):
        t.row(work, median("wick", name), peer_name, median(program, peer_work or name), target, goal)

    multiply_add, chain = "`x*w+b`, 64M floats, forward", "`tanh(x*w+b)*sigmoid(x)+exp(w*b)`, 64M floats, forward"
    row(multiply_add, "multiply_add", "copy", copy, 0.9, "0.90 of its bandwidth")
    row(multiply_add, "multiply_add", "compile", "torch.compile", 1, "as fast")
    row(chain, "chain_forward", "copy", copy, 0.9, "0.90 of its bandwidth", "multiply_add")
    row(chain, "chain_forward", "compile", "torch.compile", 1, "as fast")
    row(chain, "chain_forward", "torch", "PyTorch eager", 4, faster(4))
    row("the chain's backward, three gradients", "chain_backward", "copy", copy, 0.85, "0.85 of its bandwidth")
    row("the chain's backward, three gradients", "chain_backward", "compile", "torch.compile", 1, "as fast")
    for work, name, peer in (("softmax", "softmax", "torch.softmax"), ("layer norm", "layer_norm", "layer_norm of PyTorch")):
        row(f"{work} of 16384x4096, as a formula", name, "copy", copy, 0.85, "0.85 of its bandwidth", "rows")
        row(f"{work} of 16384x4096, as a formula", name, "torch", peer, 1, "as fast")
    for work, name in (("all", "sum_all"), ("rows", "sum_rows"), ("columns", "sum_columns")):
        row(f"sum of 16384x4096 over {work}", name, "copy", copy, 0.9, "0.90 of its bandwidth", "sums")
        row(f"sum of 16384x4096 over {work}", name, "torch", "torch.sum", 1, "as fast")
    for kind in ("float", "tf32", "float16", "bfloat16"):
        work = f"`gelu_tanh(linear(x, w) + b)`, 4096x4096x4096, {'float, TF32 allowed' if kind == 'tf32' else kind}"
        row(work, f"gemm_{kind}", "cublaslt", "cuBLASLt called by hand", 0.97, "0.97 of its speed")
        row(work, f"gemm_{kind}", "torch", "PyTorch linear and gelu", 1.05, faster(1.05))
    ours, launches = median("wick", "small"), numbers.get("launches of small")
    t.limit("`y = x*w+b`, 8 floats, into an existing tensor, no graph", ours, f"{time_text(ours)}, launches: {launches or 0:g}",
            "exactly 1 launch, under 5 µs", bool(ours and ours < 5e-6 and launches == 1))
    row("the same", "small", "torch", "PyTorch eager", 3, faster(3))
    step = "a training step of the CNN, batch 128, as a CUDA graph"
    ours, gap = median("wick", "cnn_step_graph"), numbers.get("longest gap of cnn_step_graph")
    kernels = numbers.get("kernels of cnn_step_graph") or 0
    t.limit(step, ours, f"{time_text(ours)}, {kernels:g} kernels, longest gap {time_text(gap)}", "under 0.6 ms, no gap over 3 µs",
            bool(ours and gap is not None and ours < 0.6e-3 and gap <= 3e-6))
    row(step, "cnn_step_graph", "torch", "PyTorch eager", 3, faster(3), "cnn_step")
    row(step, "cnn_step_graph", "compile", 'torch.compile(mode="reduce-overhead")', 1.2, faster(1.2), "cnn_step")

    def seconds(name):
        return (results.compiled.get(name) or {}).get("seconds")

    def cost(name):
        entry = results.compiled.get(name)
        return f"{entry['seconds']:.1f} s, {entry['mb']:.0f} MB" if entry else "not measured"

    for header in ("tensor", "wick"):
        ours = seconds(f"nvcc_{header}_1")
        t.limit(f"nvcc, a file with one fused statement, `wick/{header}.hpp`", ours, cost(f"nvcc_{header}_1"), "25 s",
                bool(ours and ours < 25))
        ours = seconds(f"nvcc_{header}_statement")
        t.limit(f"nvcc, each further statement, `wick/{header}.hpp`", ours, f"{ours or 0:.2f} s", "2 s", bool(ours is not None and ours < 2))
    place = results.gpu.get("machine")
    old = next((line for line in before if re.match(r"Measured on|Nothing here", line)), "Nothing here has been measured on a GPU yet.")
    return [f"Measured on {place}." if place else old, "", *t.lines]
