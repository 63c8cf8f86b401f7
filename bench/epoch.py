# SPDX-License-Identifier: MIT
"""The main job beside the same job in PyTorch, each as the command that a user would type."""
import re
import statistics

from harness import json_object, root, run_measured, say


def measure_epochs(build, python, rounds):
    """Of each round and program, by name: seconds of the epoch and of the whole command, peak MB, per cent right."""
    epochs = {}

    def add(program, epoch, wall, mb, accuracy):
        for name, value in ((program, epoch), (program + "_wall", wall), (program + "_mb", mb), (program + "_accuracy", accuracy)):
            epochs.setdefault(name, []).append(value)

    for number in range(rounds):
        say(f"the main job, round {number + 1} of {rounds}")
        text, wall, mb = run_measured([f"{build}/examples/fashion_mnist", "--threads", 2, "--epochs", 1], build)
        found = re.search(r"([0-9.]+) seconds.*test accuracy ([0-9.]+) %", text or "")
        if found:
            add("wick", float(found.group(1)), wall, mb, float(found.group(2)))
        if python:
            text, wall, mb = run_measured([python, f"{root}/bench/peers/train_cnn.py", "--threads", 2], root)
            found = json_object(text)
            if found:
                add("torch", found["epoch"][0], wall, mb, 100 * found["accuracy"])
    return epochs


def epoch_summary(epochs):
    """The medians side by side, for a terminal."""
    rounds = len(epochs.get("wick", ()))
    lines = [f"One epoch of the main job on 2 threads, median of {rounds} round{'s' if rounds != 1 else ''}", "",
             f"{'':20}{'Wick':>14}{'PyTorch':>14}{'PyTorch/Wick':>14}"]
    for text, name, unit, digits in (("whole command", "_wall", "s", 1), ("training alone", "", "s", 1),
                                     ("peak memory", "_mb", "MB", 0), ("test accuracy", "_accuracy", "%", 2)):
        values = [statistics.median(epochs[p + name]) if epochs.get(p + name) else None for p in ("wick", "torch")]
        cells = [f"{v:.{digits}f} {unit}" if v is not None else "not measured" for v in values]
        ratio = f"{values[1] / values[0]:.2f}" if all(values) and unit != "%" else ""
        lines.append(f"{text:20}{cells[0]:>14}{cells[1]:>14}{ratio:>14}".rstrip())
    return "\n".join(lines)
