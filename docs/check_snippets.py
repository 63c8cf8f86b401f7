#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the documentation says what the code does.

Blocks:    every ```cpp block of README.md and docs/*.md carries a name (```cpp NAME) and equals the lines between
           "// [begin NAME]" and "// [end NAME]" in one of examples/*.cpp, without their common indentation.
Tables:    in docs/from_pytorch.md every `code` of a table's second column stands in examples/from_pytorch.cpp.
Links:     every relative link, and every path in `code` that begins with a folder of the repository, leads to a file.
Programs:  with --programs DIR, each built example prints what the "// -> text" comments of its source say, and
           docs/operators.md and docs/kernels.md are what operator_table and kernel_table print.

Exit status 1 and a diff when something differs. --write brings the documents up to date instead.
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("include/", "wick/", "tests/", "examples/", "docs/", "bench/", "cmake/")
TABLES = {"docs/operators.md": "operator_table", "docs/kernels.md": "kernel_table"}
problems = []


def problem(text):
    problems.append(text)


def diff(name, have, want):
    lines = difflib.unified_diff(have.splitlines(), want.splitlines(), f"{name} (as it is)", f"{name} (as it should be)", lineterm="")
    problem("\n".join(lines))


def documents():
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def snippets():
    """All named parts of the examples."""
    found = {}
    for source in sorted((ROOT / "examples").glob("*.cpp")):
        name, lines = None, []
        for line in source.read_text().splitlines():
            marker = re.fullmatch(r"\s*// \[(begin|end) (\w+)\]", line)
            if not marker:
                if name:
                    lines.append(line)
                continue
            if marker[1] == "begin":
                if name:
                    problem(f"{source.name}: snippet '{marker[2]}' begins inside '{name}'")
                name, lines = marker[2], []
            else:
                if name != marker[2]:
                    problem(f"{source.name}: snippet '{marker[2]}' ends without a beginning")
                if marker[2] in found:
                    problem(f"{source.name}: there are two snippets '{marker[2]}'")
                found[marker[2]] = textwrap.dedent("\n".join(lines)) + "\n"
                name = None
        if name:
            problem(f"{source.name}: snippet '{name}' has no end")
    return found


def check_blocks(write):
    parts = snippets()
    used = set()
    for document in documents():
        if not document.exists():
            problem(f"{document.relative_to(ROOT)} is missing")
            continue
        text = document.read_text()

        def replaced(block):
            info, body = block[1].split(), block[2]
            where = f"{document.relative_to(ROOT)}, line {text[:block.start()].count(chr(10)) + 1}"
            if len(info) != 2:
                problem(f"{where}: a cpp block without a name; write ```cpp NAME, with NAME a snippet of examples/")
                return block[0]
            if info[1] not in parts:
                problem(f"{where}: no file of examples/ has a snippet '{info[1]}'")
                return block[0]
            used.add(info[1])
            want = parts[info[1]]
            if body != want and not write:
                diff(f"{where}: {info[1]}", body, want)
            return f"```{block[1]}\n{want}```"

        new = re.sub(r"^```(cpp[^\n]*)\n(.*?)^```", replaced, text, flags=re.M | re.S)
        if write and new != text:
            document.write_text(new)
            print(f"written: {document.relative_to(ROOT)}")
    for name in sorted(set(parts) - used):
        problem(f"no document shows the snippet '{name}'")


def check_tables():
    document = ROOT / "docs/from_pytorch.md"
    if not document.exists():
        return
    squeezed = re.sub(r"\s+", "", (ROOT / "examples/from_pytorch.cpp").read_text())
    for number, line in enumerate(document.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) < 4 or set(cells[1]) <= set("-: "):
            continue
        for code in re.findall(r"`([^`]+)`", cells[2]):
            if re.sub(r"\s+", "", code.replace("\\|", "|")) not in squeezed:
                problem(f"docs/from_pytorch.md, line {number}: `{code}` does not stand in examples/from_pytorch.cpp")


def check_links():
    for document in documents():
        if not document.exists():
            continue
        text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not (document.parent / target).exists():
                problem(f"{document.relative_to(ROOT)}: the link {target} leads nowhere")
        for path in re.findall(r"`([\w./-]+\.(?:hpp|cpp|py|sh|md|txt))`", text):
            if path.startswith(FOLDERS):
                full = "include/" + path if path.startswith("wick/") else path
                if not (ROOT / full).exists():
                    problem(f"{document.relative_to(ROOT)}: there is no file {path}")


def output_of(program):
    return subprocess.run([program], capture_output=True, text=True, timeout=300, check=True).stdout


def check_programs(folder, write):
    for source in sorted((ROOT / "examples").glob("*.cpp")):
        want = re.findall(r"// -> (.*)", source.read_text())
        program = folder / source.stem
        if not want:
            continue
        have = [line.strip() for line in output_of(program).splitlines()]
        # Lines that depend on the machine carry no comment; the others come in the order of the source.
        lines = iter(have)
        if not all(text.strip() in lines for text in want):
            diff(f"{source.name}: what it prints", "\n".join(want), "\n".join(have))
    for name, program in TABLES.items():
        if not (folder / program).exists():
            print(f"{name} is not checked: {program} was not built")
            continue
        table = ROOT / name
        want = output_of(folder / program)
        have = table.read_text() if table.exists() else ""
        if have != want and write:
            table.write_text(want)
            print(f"written: {name}")
        elif have != want:
            diff(name, have, want)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="update the documents")
    parser.add_argument("--programs", type=pathlib.Path, metavar="DIR", help="folder of the built examples")
    options = parser.parse_args()
    if options.programs:
        check_programs(options.programs.resolve(), options.write)
    check_blocks(options.write)
    check_tables()
    check_links()
    for text in problems:
        print(text, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} problems; python3 docs/check_snippets.py --write updates code blocks, with --programs "
                 "also the tables.")
    print("The documents agree with the code.")


if __name__ == "__main__":
    main()
