// SPDX-License-Identifier: MIT
// Calls for elements of 16 bits, by the kernels for float: what is read becomes float, what comes out is rounded once.
#pragma once

#include <optional>

#include <wick/backend/cpu/gemm_half.hpp>
#include <wick/calls/call.hpp>
#include <wick/core/scratch.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// The arrays of a call as floats: those that it reads are converted, those that it writes are rounded when this ends.
template <Half T>
class Widened {
 public:
  using type = float;

  Widened() = default;
  Widened(Widened const&) = delete;
  ~Widened() {
    if (target_) each_part(size_, [&](std::int64_t first, std::int64_t n) { simd::narrow(result_->data() + first, n, target_ + first); });
  }

  float const* reads(T const* x, std::int64_t n) {
    float* const to = (inputs_[count_].emplace(n)).data();
    ++count_;
    each_part(n, [&](std::int64_t first, std::int64_t part) { simd::widen(x + first, part, to + first); });
    return to;
  }
  float* writes(T* y, std::int64_t n) {
    target_ = y, size_ = n;
    return result_.emplace(n).data();
  }
  /// The call hands each finished row, `row` elements long, to its epilogue: there they are rounded, and `next` sees them.
  float* writes_rows(T* y, std::int64_t n, std::int64_t row, Epilogue<T> const& next) {
    rows_ = {y, row, false, next};
    return result_.emplace(n).data();
  }
  Epilogue<float> epilogue() { return rows_.epilogue(); }

 private:
  template <class F>
  static void each_part(std::int64_t n, F const& f) {
    constexpr std::int64_t part = 4096;  // elements converted at a time: they are in the first-level cache twice
    parallel_for((n + part - 1) / part, 16, [&](std::int64_t begin, std::int64_t end) {
      f(begin * part, std::min(end * part, n) - begin * part);
    });
  }

  std::optional<Scratch<float>> inputs_[2], result_;
  int count_ = 0;
  T* target_ = nullptr;
  std::int64_t size_ = 0;
  cpu::RoundedRows<T> rows_{};
};

template <class Call>
  requires Half<typename Call::element> && requires(Call const& call, Widened<typename Call::element>& floats) { call.rebound(floats); }
void run(Cpu, Call const& call) {
  Widened<typename Call::element> floats;
  run(Cpu{}, call.rebound(floats));
}

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
