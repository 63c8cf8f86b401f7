# SPDX-License-Identifier: MIT
"""What a kernel reaches of what the machine can do: bench/peak.cpp measures the roof, each program counts its work."""
import statistics

units = {"flop/s": "GF/s", "bytes/s": "GB/s"}
# Work of bench/memory.cpp that reads far more than it writes; all other work of memory is compared with a copy.
reductions = ("sum", "max/", "mean", "var", "any", "arg")


class Roof:
    """The shares of works, as cells of the table: "94 % of 118 GF/s", or nothing where a count is missing."""

    def __init__(self, samples):
        self.samples = samples

    def rate(self, work, threads, choose=statistics.median):
        """Flop or bytes a second, of the median round or of another."""
        _, amount = self.samples.amounts.get((work, threads), (None, None))
        values = self.samples.seconds.get(("wick", work, threads))
        return amount / choose(values) if amount and values else None

    def limit(self, work, threads):
        """The machine's best round of what limits the work."""
        unit, _ = self.samples.amounts.get((work, threads), (None, None))
        if unit == "flop/s":
            peak = "fma_double" if "double" in work else "fma_float"
        else:
            reads = work.startswith("memory: ") and work.split(": ")[1].startswith(reductions)
            peak = "read" if reads else "copy"
        return self.rate("peak: " + peak, threads, min)

    def limit_text(self, work, threads):
        return f"{self.limit(work, threads) / 1e9:.3g} {units[self.samples.amounts[work, threads][0]]}"

    def share(self, work, threads):
        ours, limit = self.rate(work, threads), self.limit(work, threads)
        return ours / limit if ours and limit else None

    def text(self, work, threads):
        share = self.share(work, threads)
        return f"{100 * share:.0f} % of {self.limit_text(work, threads)}" if share else ""

    def summary(self, works, threads):
        """One cell for many works: the median share and the lowest."""
        shares = sorted((share, work) for work in works if (share := self.share(work, threads)))
        if not shares:
            return ""
        lowest, where = shares[0]
        limits = sorted({self.limit_text(work, threads) for _, work in shares})
        return (f"median {100 * statistics.median(s for s, _ in shares):.0f} %, lowest {100 * lowest:.0f} % ({short(where)}) "
                f"of {' or '.join(limits)}")


def short(work):
    """A work's name without its subject and what a summary's row says already."""
    return work.split(": ")[1].split("/", 1)[-1]


def roof_lines(samples):
    """The machine's own numbers and how to read the column, below the table."""
    roof = Roof(samples)
    found = []
    for threads in (1, 2):
        rates = [roof.rate("peak: " + name, threads, min) for name in ("fma_float", "fma_double", "copy", "read")]
        if all(rates):
            single, double, copy, read = (f"{rate / 1e9:.3g}" for rate in rates)
            found.append(f"on {threads} thread{'s' if threads > 1 else ''} {single} GF/s of `float` and {double} of `double`, "
                         f"{copy} GB/s copying and {read} reading")
    if not found:
        return []
    return ["", "*Of the machine*: the kernel's flop/s or bytes/s over the machine's, which `bench/peak.cpp` measures: "
            f"{'; '.join(found)}. Each operand and each result counts once, a convolution as its direct sum. Above 100 %: the "
            "operands lie in the caches, where the machine's number is that of memory, or the convolution saves products "
            "(Winograd). Empty: neither is counted, as for functions of numbers in a cache."]
