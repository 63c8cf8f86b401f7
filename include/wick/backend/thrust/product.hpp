// SPDX-License-Identifier: MIT
// Products of matrices on devices, by tiles in shared memory. The operands may be anything that has rows: matrices, or the
// patches of images, so convolutions are products too (implicit GEMM).
#pragma once

#include <wick/backend/thrust/fold.hpp>
#include <wick/base/math.hpp>
#include <wick/calls/gemm.hpp>
#include <wick/ops/activation.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// c = a b by tiles. `a` has `rows` lines of `depth` elements, `b` has `columns` lines of `depth` elements, each operand
/// giving `line(entry, i)`, what a thread keeps of a line, and `at(line, k)`; `along_depth` says which neighbours lie side by
/// side in memory. The depth may be cut into `parts`. put(entry, part, row, column, sum) takes the results.
template <class C, class A, class B, class Put>
struct ProductBlock {
  static constexpr int threads = 256, tile = 64, deep = 16, side = 16, each = 4;
  struct Shared {
    C a[deep][tile + 1], b[deep][tile + 1];
  };
  struct State {
    typename A::Line a[each];
    typename B::Line b[each];
    C sum[each][each];
  };
  A a;
  B b;
  Put put;
  std::int64_t rows, columns, depth, parts, length;

  std::int64_t row_tiles() const { return (rows + tile - 1) / tile; }
  std::int64_t column_tiles() const { return (columns + tile - 1) / tile; }

  template <class Block>
  constexpr void operator()(Block const& block, Shared& shared, std::int64_t index) const {
    std::int64_t const across = (columns + tile - 1) / tile, down = (rows + tile - 1) / tile;
    std::int64_t const part = index % parts, column = index / parts % across * tile, row = index / parts / across % down * tile;
    std::int64_t const entry = index / parts / across / down, begin = part * length, end = begin + length < depth ? begin + length : depth;
    typename Block::template Local<State> states;
    block.each([&](int t) constexpr {
      State& state = states[t];
      unrolled<each>([&](auto r) constexpr {
        state.a[r] = a.line(entry, row + line_of(a.along_depth, t, r), rows);
        state.b[r] = b.line(entry, column + line_of(b.along_depth, t, r), columns);
        unrolled<each>([&](auto c) constexpr { state.sum[r][c] = C(0); });
      });
    });
    for (std::int64_t first = begin; first < end; first += deep) {
      block.each([&](int t) constexpr {
        State const& state = states[t];
        unrolled<each>([&](auto r) constexpr {
          int const ka = depth_of(a.along_depth, t, r), kb = depth_of(b.along_depth, t, r);
          shared.a[ka][line_of(a.along_depth, t, r)] = first + ka < end ? static_cast<C>(a.at(state.a[r], first + ka)) : C(0);
          shared.b[kb][line_of(b.along_depth, t, r)] = first + kb < end ? static_cast<C>(b.at(state.b[r], first + kb)) : C(0);
        });
      });
      block.each([&](int t) constexpr {
        State& state = states[t];
        int const y = t / side, x = t % side;
        for (int k = 0; k < deep; ++k)
          unrolled<each>([&](auto r) constexpr {
            C const left = shared.a[k][y + side * r];
            unrolled<each>([&](auto c) constexpr { state.sum[r][c] = state.sum[r][c] + left * shared.b[k][x + side * c]; });
          });
      });
    }
    block.each([&](int t) constexpr {
      State const& state = states[t];
      unrolled<each>([&](auto r) constexpr {
        unrolled<each>([&](auto c) constexpr {
          std::int64_t const i = row + t / side + side * r, j = column + t % side + side * c;
          if (i < rows && j < columns) put(entry, part, i, j, state.sum[r][c]);
        });
      });
    });
  }

 private:
  // The elements that a thread brings to shared memory: neighbouring threads take what lies side by side.
  static constexpr int line_of(bool along_depth, int t, int r) { return along_depth ? t / deep + side * r : t % tile; }
  static constexpr int depth_of(bool along_depth, int t, int r) { return along_depth ? t % deep : t / tile + each * r; }
};

/// Runs a product for `entries` independent problems, whose depth is cut into `parts`.
template <class C, class A, class B, class Put>
void run_product(Device device, A const& a, B const& b, Put const& put, std::int64_t entries, std::int64_t rows, std::int64_t columns,
                 std::int64_t depth, std::int64_t parts = 1) {
  ProductBlock<C, A, B, Put> const work{a, b, put, rows, columns, depth, parts, (depth + parts - 1) / parts};
  for_each_block(device, entries * work.row_tiles() * work.column_tiles() * parts, work);
}

/// The lines of a matrix, one for each entry of a batch: line i begins at i * line_stride, its elements lie `stride` apart.
template <class T>
struct MatrixLines {
  struct Line {
    T const* data;  ///< null outside of the matrix
  };
  T const* data;
  std::int64_t line_stride, stride;
  bool along_depth;
  MatrixBatch batch{};
  bool second = false;  ///< which of the batch's operands this is

  constexpr Line line(std::int64_t entry, std::int64_t i, std::int64_t lines) const {
    if (i >= lines) return {nullptr};
    T const* from = data + i * line_stride;
    for (int d = batch.dims - 1; d >= 0; entry /= batch.extent[d], --d)
      from += entry % batch.extent[d] * (second ? batch.b_stride[d] : batch.a_stride[d]);
    return {from};
  }
  constexpr compute_t<T> at(Line const& line, std::int64_t k) const { return line.data ? compute_t<T>(line.data[k * stride]) : compute_t<T>(0); }
};
/// A finished element of column, or output channel, `column`.
template <class T>
constexpr compute_t<T> finished(KnownEpilogue<T> const& epilogue, compute_t<T> value, std::int64_t column) {
  if (epilogue.bias) value = static_cast<compute_t<T>>(value + epilogue.bias[column]);
  switch (epilogue.activation) {
    case Activation::relu: return math::maximum(value, compute_t<T>(0));
    case Activation::gelu_tanh:
      if constexpr (!std::is_integral_v<T>) return apply<GeluTanh>(value);
      else return value;
    case Activation::none: break;
  }
  return value;
}
/// The sums of a product, put into row-major matrices that lie one after another.
template <class T>
struct PutMatrix {
  T* c;
  std::int64_t rows, row_stride;
  bool accumulate;
  KnownEpilogue<T> epilogue;
  constexpr void operator()(std::int64_t entry, std::int64_t, std::int64_t i, std::int64_t j, compute_t<T> sum) const {
    T& to = c[(entry * rows + i) * row_stride + j];
    to = static_cast<T>(finished<T>(epilogue, accumulate ? to + sum : sum, j));
  }
};

/// Parts of sums, joined in a fixed tree.
template <class T>
struct SumParts {
  using Result = compute_t<T>;
  using Frame = ArrayFrame<Result>;
  Result const* part;
  std::int64_t size, parts;  ///< sums of a part, and how many parts there are
  T* out;
  bool accumulate;

  constexpr Result identity() const { return Result(0); }
  constexpr Result combine(Result const& a, Result const& b) const { return a + b; }
  constexpr std::int64_t start(std::int64_t result) const { return result; }
  constexpr void read(Frame& frame, std::int64_t result, std::int64_t pack) const { frame.read(part + result, pack * Frame::V, parts, size); }
  constexpr Result at(Frame const& frame) const { return frame.value[frame.k]; }
  constexpr void put(std::int64_t result, Result const& total) const { out[result] = static_cast<T>(accumulate ? out[result] + total : total); }
};

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
