#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the text of the headers: who includes whom, how long a file is, what stands on top of it.

check_layers.py [include folder]    exit status 1 and a list when a rule is broken
check_layers.py --self-test         plants each fault in a scratch tree and expects it to be found
"""
import re
import sys
import tempfile
from pathlib import Path

# A file may include its own folder and lower numbers; folders with the same number do not see each other.
LAYERS = {"base": 0, "core": 1, "calls": 2, "expr": 3, "ops": 4, "backend": 5, "autograd": 6, "nn": 7, "optim": 8, "data": 8,
          "train": 9, "io": 10, "jit": 10, "attr": 10, "serve": 10, "distributed": 10, "zoo": 10}
UMBRELLAS = {"wick.hpp", "tensor.hpp"}  # they include everything, and nothing below may include them
MAX_LINES = 500
SPDX = "// SPDX-License-Identifier: MIT"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
# xsimd's spelling changes between its releases: one file knows it.
XSIMD = re.compile(r"\bxsimd::|<xsimd/")
XSIMD_HOME = "base/batch.hpp"
# Code that computes is compiled alike whatever the user's floating-point flags are (base/config.hpp says how).
PRECISE_FOLDERS = {"base", "core", "calls", "expr", "ops", "backend", "autograd", "nn", "optim"}
PRECISE_ELSEWHERE = {"base/config.hpp"}  # defines the two words


def without_comments(text):
    """The code with comments blanked, so that a rule is not broken by a sentence about it. Lines keep their numbers."""
    def blank(match):
        return "\n" * match.group(0).count("\n")
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)


def check_include(where, own, style, path, root):
    """The fault of one include, or None. `own` is the including file's path below include/wick."""
    if style == '"':
        return f'{where}: #include "{path}": Wick\'s headers are included as <wick/...>'
    if not path.startswith("wick/"):
        return None
    target = path[len("wick/"):]
    if not (root / "wick" / target).is_file():
        return f"{where}: <{path}> does not exist"
    if own in UMBRELLAS:
        return None
    if target == "tensor.hpp" and LAYERS.get(own.split("/")[0], 0) >= LAYERS["optim"]:
        return None  # above the networks, the light core is one thing
    if target in UMBRELLAS:
        return f"{where}: a part includes the whole, <{path}>"
    mine, theirs = own.split("/")[0], target.split("/")[0]
    if mine == theirs or mine not in LAYERS or theirs not in LAYERS or LAYERS[theirs] < LAYERS[mine]:
        return None
    kind = "a folder of the same layer" if LAYERS[theirs] == LAYERS[mine] else "a higher layer"
    return f"{where}: {mine} ({LAYERS[mine]}) includes {theirs} ({LAYERS[theirs]}), {kind}: <{path}>"


def check_file(file, root):
    own = file.relative_to(root / "wick").as_posix()
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    folder = own.split("/")[0]
    if own not in UMBRELLAS and ("/" not in own or folder not in LAYERS):
        yield f"{own}: '{folder}' has no layer number"
    if len(lines) > MAX_LINES:
        yield f"{own}: {len(lines)} lines, at most {MAX_LINES}"
    if not lines or lines[0] != SPDX:
        yield f"{own}:1: the first line is not '{SPDX}'"
    code = without_comments(text).splitlines()
    first = next((line.strip() for line in code if line.strip()), "")
    if first != "#pragma once":
        yield f"{own}: the first line of code is not '#pragma once'"
    if folder in PRECISE_FOLDERS and own not in PRECISE_ELSEWHERE and any(line.startswith("namespace ") for line in code):
        begin = next((i for i, line in enumerate(code) if line == "WICK_PRECISE_BEGIN"), len(code))
        if any(line.startswith("namespace ") for line in code[:begin]) or "WICK_PRECISE_END" not in lines[-3:]:
            yield f"{own}: its code does not stand between the lines WICK_PRECISE_BEGIN and WICK_PRECISE_END"
    for number, line in enumerate(code, 1):
        where = f"{own}:{number}"
        include = INCLUDE.match(line)
        if include:
            fault = check_include(where, own, include[1], include[2], root)
            if fault:
                yield fault
        if own != XSIMD_HOME and XSIMD.search(line):
            yield f"{where}: names xsimd; only {XSIMD_HOME} may"


def check(root):
    return [fault for file in sorted((root / "wick").rglob("*.hpp")) for fault in check_file(file, root)]


def self_test():
    top = SPDX + "\n// A file.\n#pragma once\n"
    good = {"base/a.hpp": top, "core/b.hpp": top + "#include <vector>\n#include <wick/base/a.hpp>\n",
            "core/c.hpp": top + "#include <wick/core/b.hpp>\n// xsimd::batch, #include <wick/nn/x.hpp>\n",
            "base/batch.hpp": top + "#include <xsimd/xsimd.hpp>\n", "data/d.hpp": top,
            "tensor.hpp": top + "#include <wick/core/c.hpp>\n", "wick.hpp": top + "#include <wick/tensor.hpp>\n"}
    bad = {  # file, its text, what must be said of it
        "upwards": ("base/x.hpp", top + "#include <wick/core/b.hpp>\n", "base (0) includes core (1), a higher layer"),
        "sideways": ("optim/x.hpp", top + "#include <wick/data/d.hpp>\n", "optim (8) includes data (8), a folder of"),
        "umbrella": ("nn/x.hpp", top + "#include <wick/tensor.hpp>\n", "a part includes the whole"),
        "quotes": ("core/x.hpp", top + '#include "b.hpp"\n', "included as <wick/...>"),
        "absent": ("core/x.hpp", top + "#include <wick/base/none.hpp>\n", "does not exist"),
        "long": ("core/x.hpp", top + "\n" * MAX_LINES, "503 lines"),
        "licence": ("core/x.hpp", "#pragma once\n", "the first line is not"),
        "guard": ("core/x.hpp", SPDX + "\n#include <vector>\n#pragma once\n", "not '#pragma once'"),
        "folder": ("stuff/x.hpp", top, "'stuff' has no layer number"),
        "loose": ("x.hpp", top, "'x.hpp' has no layer number"),
        "xsimd": ("core/x.hpp", top + "using b = xsimd::batch<float>;\n", "only base/batch.hpp may"),
        "flags": ("core/x.hpp", top + "WICK_PRECISE_BEGIN\nnamespace wick {}\n", "does not stand between the lines"),
    }
    failures = []
    for name, (file, text, expected) in {"nothing": ("core/x.hpp", top, None), **bad}.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, content in {**good, file: text}.items():
                (root / "wick" / path).parent.mkdir(parents=True, exist_ok=True)
                (root / "wick" / path).write_text(content, encoding="utf-8")
            faults = check(root)
        if (expected is None and faults) or (expected is not None and (len(faults) != 1 or expected not in faults[0])):
            failures.append(f"{name}: expected {expected!r}, found {faults}")
    return failures


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        faults = self_test()
    else:
        root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2] / "include"
        if not (root / "wick").is_dir():
            sys.exit(f"{root}/wick is not a folder")
        faults = check(root)
    print("\n".join(faults) if faults else "layers: nothing to complain about")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
