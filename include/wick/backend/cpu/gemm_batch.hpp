// SPDX-License-Identifier: MIT
// Many products of one shape: threads take whole products while these are small, and share each one when they are large.
#pragma once

#include <wick/backend/cpu/gemm_half.hpp>
#if defined(WICK_USE_CBLAS)
#include <wick/backend/cpu/gemm_cblas.hpp>
#endif

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// c_i = a_i b_i for every index i of the batch, by `product`, which has the parameters of `gemm`; c is contiguous. The
/// epilogue's rows count on from product to product.
template <class T, class Product>
void gemm_batch(MatrixBatch const& batch, Matrix<T const> a, Matrix<T const> b, T* c, Epilogue<T> const& epilogue,
                Product const& product) {
  std::int64_t const size = a.rows * b.columns;
  struct Shifted {
    Epilogue<T> const* epilogue;
    std::int64_t rows;
    static void run(void* context, std::int64_t row, std::int64_t column, std::int64_t n, T* values) {
      auto const& self = *static_cast<Shifted*>(context);
      (*self.epilogue)(row + self.rows, column, n, values);
    }
  };
  auto const square = find_square_products(a, b);
  int const last = batch.dims - 1;
  // Where product i finds its operands.
  auto const move = [&](std::int64_t i, Matrix<T const>& here_a, Matrix<T const>& here_b) {
    for (int d = last; d >= 0; i /= batch.extent[d], --d) {
      here_a.data += i % batch.extent[d] * batch.a_stride[d];
      here_b.data += i % batch.extent[d] * batch.b_stride[d];
    }
  };
  auto const multiply = [&](std::int64_t begin, std::int64_t end) {
    std::int64_t together = 1;
    for (std::int64_t i = begin; i < end; i += together) {
      Matrix<T const> here_a = a, here_b = b;
      move(i, here_a, here_b);
      if (square) {  // as many as are evenly spaced; few enough that the epilogue finds them in the cache
        std::int64_t const most = epilogue.run ? 16384 / (size * static_cast<std::int64_t>(sizeof(T))) : end;
        together = last < 0 ? 1 : std::min({end - i, batch.extent[last] - i % batch.extent[last], most});
        square({here_a.data, last < 0 ? 0 : batch.a_stride[last], here_b.data, last < 0 ? 0 : batch.b_stride[last], c + i * size, together, a.rows});
        if (epilogue.run)
          for (std::int64_t row = 0; row < together * a.rows; ++row)
            epilogue(i * a.rows + row, 0, b.columns, c + i * size + row * b.columns);
        continue;
      }
      Shifted shifted{&epilogue, i * a.rows};
      Epilogue<T> const here = epilogue.run && i > 0 ? Epilogue<T>{&Shifted::run, &shifted} : epilogue;
      product(here_a, here_b, Matrix<T>{c + i * size, a.rows, b.columns, b.columns, 1}, false, here);
    }
  };
  std::int64_t const count = batch.count(), work = size * std::max<std::int64_t>(1, a.columns);
  if (work >= 8 * gemm_grain || count == 1) multiply(0, count);
  else parallel_for(count, std::max<std::int64_t>(1, gemm_grain / std::max<std::int64_t>(1, work)), multiply);
}

}  // namespace backend::cpu

namespace backend {
template <class T>
void run(Cpu, Gemm<T> const& call) {
  auto const product = [](Matrix<T const> const& a, Matrix<T const> const& b, Matrix<T> const& c, bool accumulate, Epilogue<T> const& epilogue) {
    if constexpr (Half<T>) return cpu::gemm_half<T>(a, b, c, accumulate, epilogue);
#if defined(WICK_USE_CBLAS)
    else if constexpr (Lane<T>) return cpu::gemm_cblas<T>(a, b, c, accumulate, epilogue);
#endif
    else return cpu::gemm<T>(a, b, c, accumulate, epilogue);
  };
  bool const dense = call.c.column_stride == 1 && call.c.row_stride == call.c.columns;
  if (!dense) product(call.a, call.b, call.c, false, call.epilogue);
  else cpu::gemm_batch<T>(call.batch, call.a, call.b, call.c.data, call.epilogue, product);
}
}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
