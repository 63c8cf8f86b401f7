// SPDX-License-Identifier: MIT
// Writes docs/kernels.md: which backend runs which call.
#include <iostream>
#include <wick/backend/cpu/calls.hpp>
#include <wick/tensor.hpp>
using namespace wick;
using backend::Accelerator, backend::Cpu, backend::Runs, backend::Scan;

namespace {

template <class Call, class Half>
void row() {
  constexpr bool widened = requires(Half const& call, backend::Widened<float16>& floats) { call.rebound(floats); };
  std::cout << "| `" << Call::name << "` | " << (Runs<Cpu, Call> ? "yes" : "no") << " | "
            << (widened ? "as float" : Runs<Cpu, Half> ? "own kernel" : "no") << " | " << (Runs<Accelerator, Call> ? "yes" : "no") << " |\n";
}
template <template <class> class Call>
void row() {
  row<Call<float>, Call<float16>>();
}
template <class T>
using Cumsum = backend::ScanLines<Scan::sum, T>;
template <class T>
using Cumprod = backend::ScanLines<Scan::prod, T>;
template <class T>
using Logcumsumexp = backend::ScanLines<Scan::logsumexp, T>;
template <class T>
using Cummax = backend::ScanExtreme<false, T>;
template <class T>
using Cummin = backend::ScanExtreme<true, T>;
template <class T>
using Argmax = backend::ArgExtreme<false, T>;
template <class T>
using Argmin = backend::ArgExtreme<true, T>;

}  // namespace

int main() {
  std::cout << R"(# Kernels

Written by `examples/kernel_table.cpp` from the overloads of `run`; do not edit.

Formulas, reductions and rows run everywhere. Kernels are calls (`wick/calls`); this is what the backends take. Where a device lacks one,
the operation throws an error that says so.

| call | CPU | its 16-bit elements | devices |
|---|---|---|---|
)";
  row<backend::Gemm>();
  row<backend::Conv2d>(), row<backend::Conv2dInputGradient>(), row<backend::Conv2dWeightGradient>();
  row<backend::MaxPool2d>(), row<backend::MaxPool2dGradient>(), row<backend::AvgPool2d>(), row<backend::AvgPool2dGradient>();
  row<backend::GatherRows>(), row<backend::ScatterAddRows>(), row<backend::Gather>(), row<backend::ScatterAdd>();
  row<Cumsum>(), row<Cumprod>(), row<Logcumsumexp>(), row<Cummax>(), row<Cummin>(), row<backend::Recurrence>();
  row<backend::Sort>(), row<Argmax>(), row<Argmin>();
  row<backend::SolveTriangular>();
}
