// SPDX-License-Identifier: MIT
// What a backend offers: the kernels behind matmul, convolution, pooling, gather, scans and sorting, on raw memory.
#pragma once

#include <concepts>
#include <wick/expr/kernel_contract.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend {

/// A set of kernels for elements of type T. `accumulate` adds to what the target holds. A device's kernels take a
/// KnownEpilogue (`Epilogue::known`) in gemm, gemm_batch and conv2d, and no other epilogue.
template <class K, class T>
concept KernelSet = requires(K const& kernels, Matrix<T const> a, Matrix<T> c, MatrixBatch batch, Epilogue<T> epilogue, Conv2dShape conv,
                             Pool2dShape pool, RowsShape rows, GatherShape picks, LinesShape lines, T const* in, T* out,
                             std::uint8_t* chosen, std::int64_t const* index, std::int64_t* places) {
  kernels.gemm(a, a, c, false, epilogue);
  kernels.gemm_batch(batch, a, a, out, epilogue);
  kernels.conv2d(conv, in, in, out, epilogue);
  kernels.conv2d_input_gradient(conv, in, in, out, false);
  kernels.conv2d_weight_gradient(conv, in, in, out, false);
  kernels.max_pool2d(pool, in, out, chosen, epilogue);
  kernels.max_pool2d_gradient(pool, in, chosen, out, false);
  kernels.avg_pool2d(pool, in, out);
  kernels.avg_pool2d_gradient(pool, in, out, false);
  kernels.gather_rows(rows, in, index, out);
  kernels.scatter_add_rows(rows, in, index, out);
  kernels.gather(picks, in, index, out);
  kernels.scatter_add(picks, in, index, out, std::int64_t{});
  kernels.template scan<Scan::sum>(lines, false, in, out);            // reverse: from the end of each line
  kernels.template scan_extreme<false>(lines, in, out, places);       // largest (smallest) so far, and where it is
  kernels.recurrence(lines, false, in, in, out);                      // y[i] = x[i] + c[i] y[i - 1]
  kernels.sort(lines, std::int64_t{}, std::int64_t{}, false, in, out, places);  // places [first, first + count) of each sorted line
};

}  // namespace backend
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
