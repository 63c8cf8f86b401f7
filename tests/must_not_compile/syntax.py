#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the compiler, with the flags of the test program, what it says of one piece of code; no code is generated.

syntax.py ... headers FOLDER   each header alone must compile without a warning
syntax.py ... case FILE        FILE must fail, and say what its EXPECT lines say

Headers that include each other are compiled together, the innermost first: an outer one sees nothing there that it does not
bring along itself, so they compile if and only if each does alone. That is a quarter of the compilations.

A case holds one or more lines `// EXPECT: regular expression`; each must match a line of the compiler's output. With
-DWICK_CONTROL the same file must compile: so a case cannot fail for a reason of its own. Options in a line `// FLAGS: ...`
are for the compilation that must fail.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

EXPECT = re.compile(r"^\s*// EXPECT: (.+?)\s*$", re.M)
FLAGS = re.compile(r"^\s*// FLAGS: (.+?)\s*$", re.M)


# The echo of source lines is off: a pattern could match the case's own text.
NO_ECHO = {"GNU": "-fno-diagnostics-show-caret", "Clang": "-fno-caret-diagnostics",
           "AppleClang": "-fno-caret-diagnostics"}


def compiler_command(database, compiler_id, precompiled=False):
    """The command that compiles tests/main.cpp, less the files it names and the optimisation; or the one of a file of the
    tests that reads the precompiled header, where there is one: that fits only together with every option it was made with."""
    try:
        entries = json.loads(Path(database).read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"{database} does not exist: configure with CMAKE_EXPORT_COMPILE_COMMANDS=ON (every preset does)")
    entry = next(e for e in entries if Path(e["file"]).name == "main.cpp" and "wick_test_main.dir" in e["command"])
    readers = [e for e in entries if all(part in e["command"] for part in ("wick_tests.dir", "cmake_pch.hxx", "_test.cpp"))]
    precompiled = precompiled and bool(readers)
    if precompiled:
        entry = readers[0]
    command, skip = [], False
    for word in shlex.split(entry["command"]):
        if skip or word in ("-o", "-c"):
            skip = not skip  # drops the option and the word after it
        elif precompiled or not word.startswith(("-O", "-g", "-fsanitize")):
            command.append(word)
    return command + ["-fsyntax-only", "-fmessage-length=0", NO_ECHO[compiler_id]], entry["directory"]


def compile_text(command, directory, text, *options):
    """Exit status and messages for `text`."""
    result = subprocess.run(command + [*options, "-x", "c++", "-"], input=text, cwd=directory, text=True,
                            capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    return result.returncode, result.stderr


def includes_of(text):
    """What a header includes whatever is defined."""
    depth, found = 0, []
    for word, rest in re.findall(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|endif|include)\b[ \t]*(.*)", text, re.M):
        depth += {"endif": -1, "include": 0}.get(word, 1)
        if word == "include" and depth == 0 and (named := re.match(r"<([^>]+)>", rest)):
            found.append(named[1])
    return found


def chains(includes):
    """The headers in as few rows as can be, each of which includes, directly or not, the one before it in its row."""
    inner = {}

    def inner_of(header):
        if header not in inner:
            inner[header] = {}  # the keys are in order of first appearance, so every run makes the same rows
            for name in includes[header]:
                if name in includes:
                    inner[header] |= {name: None} | inner_of(name)
        return inner[header]

    outer = {}  # the next header of a row: a largest matching

    def place(header, tried):
        for name in inner_of(header):
            if name not in tried:
                tried.add(name)
                if name not in outer or place(outer[name], tried):
                    outer[name] = header
                    return True
        return False

    for header in includes:
        place(header, set())
    rows = []
    for header in sorted(set(includes) - set(outer.values())):
        rows.append([header])
        while rows[-1][-1] in outer:
            rows[-1].append(outer[rows[-1][-1]])
    return rows


def check_headers(command, directory, folder, jobs, without):
    folder = Path(folder)
    headers = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.hpp"))
    headers = [header for header in headers if not any(f"/{start}" in f"/{header}" for start in without)]
    rows = chains({header: includes_of((folder / header).read_text(encoding="utf-8")) for header in headers})

    def compiles(row):  # each twice: a header without a guard shows
        text = "".join(f"#include <{header}>\n" * 2 for header in row)
        return compile_text(command, directory, text, "-Werror")

    faults = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        broken = [row for row, (status, _) in zip(rows, pool.map(compiles, rows)) if status != 0]
        alone = [[header] for row in broken for header in row]
        for (header,), (status, messages) in zip(alone, pool.map(compiles, alone)):
            if status != 0:
                faults += 1
                print(f"--- {header} does not compile on its own:\n" + "\n".join(messages.splitlines()[:20]))
    print(f"{len(headers)} headers, {faults} of them do not compile on their own")
    return bool(broken) or not headers


def check_case(database, compiler_id, file):
    text = Path(file).read_text(encoding="utf-8")
    expected = EXPECT.findall(text)
    if not expected:
        print(f"{file}: has no line '// EXPECT: regular expression'")
        return True
    flags = shlex.split(" ".join(FLAGS.findall(text)))
    command, directory = compiler_command(database, compiler_id, precompiled=not flags)
    here = f"-I{Path(file).resolve().parent}"
    status, messages = compile_text(command, directory, text, here, "-DWICK_CONTROL")
    if status != 0:
        print(f"{file}: with WICK_CONTROL it must compile, but:\n{messages}")
        return True
    status, messages = compile_text(command, directory, text, here, *flags)
    if status == 0:
        print(f"{file}: compiles, and must not")
        return True
    absent = [pattern for pattern in expected if not re.search(pattern, messages)]
    for pattern in absent:
        print(f"{file}: the compiler's output does not match '{pattern}':\n" + messages)
    if not absent:
        print(f"{file}: rejected with the message that it must have")
    return bool(absent)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", required=True)
    parser.add_argument("--compiler-id", required=True, choices=NO_ECHO)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("what", choices=["headers", "case"])
    parser.add_argument("path")
    parser.add_argument("--without", action="append", default=[], help="what the names of headers to leave out begin with: what they need is not on this machine")
    arguments = parser.parse_args()
    if arguments.what == "case":
        return check_case(arguments.commands, arguments.compiler_id, arguments.path)
    command, directory = compiler_command(arguments.commands, arguments.compiler_id)
    return check_headers(command, directory, arguments.path, arguments.jobs, arguments.without)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
