#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count_results.py REPORT: counts a JUnit report of CTest; prints `N passed, N failed` as its last line.

An entry that is a doctest program counts as its test cases, any other entry as one. An entry that failed counts at
least one failure, whatever it printed (a crash after the last test case, a sanitizer's report at exit).
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SUMMARY = re.compile(r"\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed")
COLOUR = re.compile("\x1b\\[[0-9;]*m")


def count(report):
    passed, failed, skipped, broken = 0, 0, [], []
    for entry in ElementTree.parse(report).getroot().iter("testcase"):
        name = entry.get("name")
        reason = entry.find("skipped")
        if reason is not None and reason.get("message", "").startswith("SKIP_"):
            skipped.append(name)
            continue
        good = entry.get("status") == "run"
        cases = SUMMARY.findall(COLOUR.sub("", entry.findtext("system-out") or ""))
        good_cases = sum(int(case[0]) for case in cases) if cases else int(good)
        bad_cases = sum(int(case[1]) for case in cases)
        passed += good_cases
        failed += bad_cases if good else max(bad_cases, 1)
        if not good:
            broken.append(name)
    return passed, failed, skipped, broken


def main():
    try:
        passed, failed, skipped, broken = count(sys.argv[1])
    except (OSError, ElementTree.ParseError) as error:
        print(f"No test report: {error}", file=sys.stderr)
        passed, failed, skipped, broken = 0, 1, [], ["ctest"]
    if skipped:
        print("Skipped, not counted: " + ", ".join(skipped))
    if broken:
        print("Failed: " + ", ".join(broken))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
