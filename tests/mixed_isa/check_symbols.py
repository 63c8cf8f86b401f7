#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_symbols.py OBJDUMP OBJECT: OBJECT was compiled for AVX2. Looks at the functions of Wick that the linker may take from
any object file under this name, because no instruction set stands in it. None may compute with floating numbers in AVX's
instructions, nor refer to a function whose name holds an instruction set: a program for every x86-64 could get this copy."""
import re
import subprocess
import sys

SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) \S+\s+[0-9a-f]+\s+(?:\.hidden )?(_ZN?K?\S*4wick\S*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(\S+)>:$")
REFERENCE = re.compile(r"\sR_X86_64_\w+\s+(\S+?)(?:[-+]0x[0-9a-f]+)?$")
COMPUTES = re.compile(r"\tv(?:f?n?madd|fmsub|add|sub|mul|div|sqrt|max|min|cmp|u?comi|cvt|round)\w*[sp][sd]\w*\s")
TAGGED = re.compile(r"_v3|IsaTag")
# What a message is made of: reached only where an Error is thrown.
MESSAGE = re.compile(r"^_ZN4wick4failI")


def main():
    objdump, path = sys.argv[1:]
    listing = subprocess.run([objdump, "--syms", "--disassemble", "--reloc", "--no-show-raw-insn", "--wide", path],
                             check=True, capture_output=True, text=True).stdout
    merged, tagged, faults, inside = set(), 0, {}, None
    for line in listing.splitlines():
        if symbol := SYMBOL.match(line):
            if "w" in symbol[1] or "u" in symbol[1]:
                tagged += bool(TAGGED.search(symbol[2]))
                if not TAGGED.search(symbol[2]) and not MESSAGE.match(symbol[2]):
                    merged.add(symbol[2])
        elif function := FUNCTION.match(line):
            inside = function[1]
        elif inside in merged:
            reference = REFERENCE.search(line)
            if reference and TAGGED.search(reference[1]):
                faults[inside] = "refers to " + reference[1]
            elif COMPUTES.search(line):
                faults.setdefault(inside, "computes:" + line.split(":", 1)[1])
    print(f"{tagged} functions with an instruction set in their names, {len(merged)} without, {len(faults)} of these at fault")
    for name, what in faults.items():
        print(f"{name} {what}")
    return 1 if faults or not merged or not tagged else 0


if __name__ == "__main__":
    sys.exit(main())
