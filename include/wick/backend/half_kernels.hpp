// SPDX-License-Identifier: MIT
// The kernels for elements of 16 bits, by those for float: what is read becomes float, what comes out is rounded once.
#pragma once

#include <wick/backend/cpu/gemm_half.hpp>
#include <wick/backend/cpu_kernels.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

template <Half T>
struct Kernels<T> {
  template <class F>
  static void for_each(std::int64_t n, F const& f) {
    for_each_element(n, f);
  }
  static void gemm(Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate,
                   Epilogue<T> const& epilogue) {
    cpu::gemm_half<T>(a, b, c, accumulate, epilogue);
  }
  static void gemm_batch(MatrixBatch const& batch, Matrix<T const> a, Matrix<T const> b, T* c, Epilogue<T> epilogue) {
    cpu::gemm_batch<T>(batch, a, b, c, epilogue, &gemm);
  }
  static void conv2d(Conv2dShape const& s, T const* x, T const* w, T* y, Epilogue<T> epilogue) {
    std::int64_t const n = s.batch * s.out_channels * s.out_pixels();
    Scratch<float> const sums(n);
    cpu::RoundedRows<T> rounded{y, s.out_pixels(), false, epilogue};
    Kernels<float>::conv2d(s, Wide(x, input(s)).data(), Wide(w, s.out_channels * s.filter()).data(), sums.data(), rounded.epilogue());
  }
  static void conv2d_input_gradient(Conv2dShape const& s, T const* gy, T const* w, T* gx, bool accumulate) {
    Result sums(gx, input(s), accumulate);
    Kernels<float>::conv2d_input_gradient(s, Wide(gy, output(s)).data(), Wide(w, s.out_channels * s.filter()).data(), sums.data(), false);
  }
  static void conv2d_weight_gradient(Conv2dShape const& s, T const* x, T const* gy, T* gw, bool accumulate) {
    Result sums(gw, s.out_channels * s.filter(), accumulate);
    Kernels<float>::conv2d_weight_gradient(s, Wide(x, input(s)).data(), Wide(gy, output(s)).data(), sums.data(), false);
  }
  template <class Index>
  static void max_pool2d(Pool2dShape const& s, T const* x, T* y, Index* chosen, Epilogue<T> epilogue) {
    Scratch<float> const values(output(s));
    cpu::RoundedRows<T> rounded{y, s.out_height() * s.out_width(), false, epilogue};
    Kernels<float>::max_pool2d(s, Wide(x, input(s)).data(), values.data(), chosen, rounded.epilogue());
  }
  template <class Index>
  static void max_pool2d_gradient(Pool2dShape const& s, T const* gy, Index const* chosen, T* gx, bool accumulate) {
    Result sums(gx, input(s), accumulate);
    Kernels<float>::max_pool2d_gradient(s, Wide(gy, output(s)).data(), chosen, sums.data(), false);
  }
  static void avg_pool2d(Pool2dShape const& s, T const* x, T* y) {
    Result values(y, output(s), false);
    Kernels<float>::avg_pool2d(s, Wide(x, input(s)).data(), values.data());
  }
  static void avg_pool2d_gradient(Pool2dShape const& s, T const* gy, T* gx, bool accumulate) {
    Result sums(gx, input(s), accumulate);
    Kernels<float>::avg_pool2d_gradient(s, Wide(gy, output(s)).data(), sums.data(), false);
  }
  static void gather_rows(RowsShape const& s, T const* x, std::int64_t const* index, T* y) { cpu::gather_rows<T>(s, x, index, y); }
  static void scatter_add_rows(RowsShape const& s, T const* g, std::int64_t const* index, T* x) {
    Result sums(x, s.outer * s.extent * s.inner, false);
    Kernels<float>::scatter_add_rows(s, Wide(g, s.outer * s.count * s.inner).data(), index, sums.data());
  }
  static void gather(GatherShape const& s, T const* x, std::int64_t const* index, T* y) { cpu::gather<T>(s, x, index, y); }
  static void scatter_add(GatherShape const& s, T const* g, std::int64_t const* index, T* x, std::int64_t size) {
    Result sums(x, size, false);
    Kernels<float>::scatter_add(s, Wide(g, s.lines(0) * s.line()).data(), index, sums.data(), size);
  }
  template <Scan kind>
  static void scan(LinesShape const& s, bool reverse, T const* x, T* y) {
    Result values(y, total(s), false);
    Kernels<float>::template scan<kind>(s, reverse, Wide(x, total(s)).data(), values.data());
  }
  template <bool smallest>
  static void scan_extreme(LinesShape const& s, T const* x, T* y, std::int64_t* index) {
    Result values(y, total(s), false);
    Kernels<float>::template scan_extreme<smallest>(s, Wide(x, total(s)).data(), values.data(), index);
  }
  static void recurrence(LinesShape const& s, bool reverse, T const* c, T const* x, T* y) {
    Result values(y, total(s), false);
    Kernels<float>::recurrence(s, reverse, Wide(c, total(s)).data(), Wide(x, total(s)).data(), values.data());
  }
  static void sort(LinesShape const& s, std::int64_t first, std::int64_t count, bool descending, T const* x, T* y, std::int64_t* index) {
    cpu::sort<T>(s, first, count, descending, x, y, index);
  }

 private:
  static constexpr std::int64_t part = 4096;  // elements converted at a time: they are in the first-level cache twice

  /// Elements as floats.
  class Wide {
   public:
    Wide(T const* x, std::int64_t n) : values_(n) {
      parallel_for((n + part - 1) / part, 16, [&](std::int64_t begin, std::int64_t end) {
        simd::widen(x + begin * part, std::min(end * part, n) - begin * part, values_.data() + begin * part);
      });
    }
    float const* data() const { return values_.data(); }

   private:
    Scratch<float> values_;
  };
  /// Floats that are rounded into, or added to, elements at the end of a kernel.
  class Result {
   public:
    Result(T* target, std::int64_t n, bool accumulate) : target_(target), n_(n), accumulate_(accumulate), values_(n) {}
    Result(Result const&) = delete;
    ~Result() {
      parallel_for((n_ + part - 1) / part, 16, [&](std::int64_t begin, std::int64_t end) {
        cpu::RoundedRows<T> rounded{target_, 0, accumulate_, {}};
        std::int64_t const first = begin * part;
        rounded.epilogue()(0, first, std::min(end * part, n_) - first, values_.data() + first);
      });
    }
    float* data() const { return values_.data(); }

   private:
    T* target_;
    std::int64_t n_;
    bool accumulate_;
    Scratch<float> values_;
  };

  static std::int64_t total(LinesShape const& s) { return s.lines() * s.n; }
  static std::int64_t input(Conv2dShape const& s) { return s.batch * s.in_channels * s.height * s.width; }
  static std::int64_t output(Conv2dShape const& s) { return s.batch * s.out_channels * s.out_pixels(); }
  static std::int64_t input(Pool2dShape const& s) { return s.planes * s.height * s.width; }
  static std::int64_t output(Pool2dShape const& s) { return s.planes * s.out_height() * s.out_width(); }
};

static_assert(KernelSet<Kernels<float16>, float16> && KernelSet<Kernels<bfloat16>, bfloat16>);

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
