#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_symbols.py NM OBJECT NEEDED WORD...: fails when a symbol of OBJECT contains one of the words, or none NEEDED."""
import subprocess
import sys


def main():
    nm, path, needed, *words = sys.argv[1:]
    listing = subprocess.run([nm, "--demangle", path], check=True, capture_output=True, text=True).stdout
    symbols = [line for line in listing.splitlines() if line.strip()]
    if not any(needed in line for line in symbols):
        print(f"{path}: no symbol names {needed}: is this the right file?")
        return 1
    found = [line for line in symbols if any(word in line for word in words)]
    print(f"{len(symbols)} symbols, {len(found)} of them name {' or '.join(words)}")
    print("\n".join(found[:20]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
