#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the compiler, with the flags of the test program, what it says of one piece of code; no code is generated.

syntax.py ... headers FOLDER   each header alone must compile without a warning
syntax.py ... case FILE        FILE must fail, and say what its EXPECT lines say

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


def compiler_command(database, compiler_id):
    """The command that compiles tests/main.cpp, less the files it names and the optimisation."""
    try:
        entries = json.loads(Path(database).read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"{database} does not exist: configure with CMAKE_EXPORT_COMPILE_COMMANDS=ON (every preset does)")
    entry = next(e for e in entries if Path(e["file"]).name == "main.cpp" and "wick_tests" in e["command"])
    command, skip = [], False
    for word in shlex.split(entry["command"]):
        if skip or word in ("-o", "-c"):
            skip = not skip  # drops the option and the word after it
        elif not word.startswith(("-O", "-g", "-fsanitize")):
            command.append(word)
    return command + ["-fsyntax-only", "-fmessage-length=0", NO_ECHO[compiler_id]], entry["directory"]


def compile_text(command, directory, text, *options):
    """Exit status and messages for `text`."""
    result = subprocess.run(command + [*options, "-x", "c++", "-"], input=text, cwd=directory, text=True,
                            capture_output=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    return result.returncode, result.stderr


def check_headers(command, directory, folder, jobs, without):
    folder = Path(folder)
    headers = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.hpp"))
    headers = [header for header in headers if not any(f"/{start}" in f"/{header}" for start in without)]

    def alone(header):  # twice: a header without a guard shows
        return header, *compile_text(command, directory, f"#include <{header}>\n#include <{header}>\n", "-Werror")

    faults = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for header, status, messages in pool.map(alone, headers):
            if status != 0:
                faults += 1
                print(f"--- {header} does not compile on its own:\n" + "\n".join(messages.splitlines()[:20]))
    print(f"{len(headers)} headers, {faults} of them do not compile on their own")
    return faults > 0 or not headers


def check_case(command, directory, file):
    text = Path(file).read_text(encoding="utf-8")
    expected = EXPECT.findall(text)
    if not expected:
        print(f"{file}: has no line '// EXPECT: regular expression'")
        return True
    here = f"-I{Path(file).resolve().parent}"
    status, messages = compile_text(command, directory, text, here, "-DWICK_CONTROL")
    if status != 0:
        print(f"{file}: with WICK_CONTROL it must compile, but:\n{messages}")
        return True
    status, messages = compile_text(command, directory, text, here, *shlex.split(" ".join(FLAGS.findall(text))))
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
    command, directory = compiler_command(arguments.commands, arguments.compiler_id)
    if arguments.what == "headers":
        return check_headers(command, directory, arguments.path, arguments.jobs, arguments.without)
    return check_case(command, directory, arguments.path)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
