// SPDX-License-Identifier: MIT
// Many products of one shape: threads take whole products while these are small, and share each one when they are large.
#pragma once

#include <wick/backend/cpu/gemm.hpp>

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
  auto const multiply = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Matrix<T const> here_a = a, here_b = b;
      std::int64_t index = i;
      for (int d = batch.dims - 1; d >= 0; index /= batch.extent[d], --d) {
        here_a.data += index % batch.extent[d] * batch.a_stride[d];
        here_b.data += index % batch.extent[d] * batch.b_stride[d];
      }
      Shifted shifted{&epilogue, i * a.rows};
      Epilogue<T> const here = epilogue.run ? Epilogue<T>{&Shifted::run, &shifted} : Epilogue<T>{};
      product(here_a, here_b, Matrix<T>{c + i * size, a.rows, b.columns, b.columns, 1}, false, here);
    }
  };
  std::int64_t const count = batch.count(), work = size * std::max<std::int64_t>(1, a.columns);
  if (work >= 8 * gemm_grain || count == 1) multiply(0, count);
  else parallel_for(count, std::max<std::int64_t>(1, gemm_grain / std::max<std::int64_t>(1, work)), multiply);
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
