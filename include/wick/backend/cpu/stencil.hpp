// SPDX-License-Identifier: MIT
// The gradient of an array from a formula that is linear in regions of it, such as a finite difference: the adjoint of a
// stencil with constant weights is a stencil of the seed. Each element is computed once and stored once, where the general
// loop adds the terms of each region one after another.
#pragma once

#include <limits>

#include <wick/backend/cpu/line.hpp>
#include <wick/backend/cpu/threads.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

/// What the targets in one array add up to. The array's lines along the innermost dimension are numbered like the loop's,
/// but there are more of them: term t adds `weight[t]` times the seed's line i to the array's line i + shift[t].
struct Stencil {
  int terms = 0;
  double weight[few_slots];
  std::int64_t shift[few_slots][max_rank];
  std::int64_t low[max_rank], high[max_rank];  // of the shifts
  char* origin;                                // the element of shift 0 and position 0
  Whole const* whole;
};
inline constexpr int most_stencils = 4;
inline constexpr std::int64_t stencil_columns = 4096;  // of a line, that one thread takes
inline constexpr std::int64_t stencil_grain = 32768;   // products that are worth a thread

/// What the kernel makes of a seed of ones. False when a weight is no normal number: such products depend on their order.
template <class T>
bool find_weights(Program const& program, Loop const& loop, double* weights) {
  alignas(64) char splats[few_slots][64], sums[few_slots][64];
  alignas(64) char const zeros[64] = {};
  std::int64_t const stay[few_slots] = {};
  void const *in[few_slots], *from[few_slots];
  void* out[few_slots];
  T const one = 1;
  for (int s = 0; s < program.inputs; ++s) {
    splat(splats[s], s == program.seed ? &one : loop.slot_data[s].data, program.in_types[s].kernel_size, program.lanes);
    in[s] = splats[s];
  }
  for (int o = 0; o < program.outputs; ++o) out[o] = sums[o], from[o] = zeros;
  program.kernel({in, stay, out, stay, program.lanes, from, stay});
  for (int o = 0; o < program.outputs; ++o) {
    T weight;
    std::memcpy(&weight, sums[o], sizeof(T));
    T const size = weight < 0 ? -weight : weight;
    if (!(size >= std::numeric_limits<T>::min() && size <= std::numeric_limits<T>::max())) return false;
    weights[o] = static_cast<double>(weight);
  }
  return true;
}

/// Finds how the targets in array `number` are shifted against one another. False when lines of the array could overlap.
inline bool find_shifts(Program const& program, Loop const& loop, int number, double const* weights, Stencil& stencil) {
  int const inner = loop.rank - 1, size = program.lane_size;
  SlotData const* const targets = loop.slot_data + program.inputs;
  SlotData const* first = nullptr;
  stencil.whole = loop.wholes + number;
  for (int o = 0; o < program.outputs; ++o) {
    if (targets[o].whole != number) continue;
    if (!first) first = targets + o;
    for (int d = 0; d < loop.rank; ++d)
      if (targets[o].stride[d] <= 0 || targets[o].stride[d] != first->stride[d]) return false;
    std::int64_t rest = (static_cast<char const*>(targets[o].data) - static_cast<char const*>(first->data)) / size;
    std::int64_t shift[max_rank];
    for (int d = 0; d < inner; ++d) {
      std::int64_t const stride = first->stride[d], half = stride / 2;
      shift[d] = (rest < 0 ? rest - half : rest + half) / stride;
      rest -= shift[d] * stride;
    }
    shift[inner] = rest;
    int same = 0;
    while (same < stencil.terms && !std::equal(shift, shift + loop.rank, stencil.shift[same])) ++same;
    if (same < stencil.terms) {
      stencil.weight[same] += weights[o];
      continue;
    }
    for (int d = 0; d < loop.rank; ++d) {
      stencil.low[d] = std::min(same ? stencil.low[d] : 0, shift[d]);
      stencil.high[d] = std::max(same ? stencil.high[d] : 0, shift[d]);
    }
    std::copy_n(shift, loop.rank, stencil.shift[same]);
    stencil.weight[stencil.terms++] = weights[o];
  }
  if (!first || first->stride[inner] != 1) return false;
  stencil.origin = static_cast<char*>(const_cast<void*>(first->data));
  std::int64_t reach = loop.extent[inner] + stencil.high[inner] - stencil.low[inner];
  for (int d = inner - 1; d >= 0; --d) {
    if (reach > first->stride[d]) return false;
    reach += (loop.extent[d] + stencil.high[d] - stencil.low[d] - 1) * first->stride[d];
  }
  return true;
}

/// out[i] = or += the sum of weight[t] * from[t][i].
template <class T>
void weighted_sum(T* out, T const* const* from, T const* weight, int terms, std::int64_t n, bool blank) {
  std::int64_t i = 0;
  constexpr std::int64_t width = lanes<T>;
  auto const take = [&]<int count>(std::integral_constant<int, count>) {
    Batch<T> sum[std::size_t{count}];
    for (int k = 0; k < count; ++k) sum[k] = blank ? Batch<T>(T(0)) : simd::load(out + i + k * width);
    for (int t = 0; t < terms; ++t) {
      Batch<T> const w(weight[t]);
      for (int k = 0; k < count; ++k) sum[k] = sum[k] + w * simd::load(from[t] + i + k * width);
    }
    for (int k = 0; k < count; ++k) simd::store(out + i + k * width, sum[k]);
    i += count * width;
  };
  while (i + 4 * width <= n) take(std::integral_constant<int, 4>());
  while (i + width <= n) take(std::integral_constant<int, 1>());
  for (; i < n; ++i) {
    T sum = blank ? T(0) : out[i];
    for (int t = 0; t < terms; ++t) sum += weight[t] * from[t][i];
    out[i] = sum;
  }
}

template <class T>
WICK_NOINLINE void run_stencil(Loop const& loop, Stencil const& stencil, SlotData const& target, SlotData const& seed) {
  int const inner = loop.rank - 1;
  std::int64_t const n = loop.extent[inner], first_column = stencil.low[inner], last_column = stencil.high[inner] + n;
  std::int64_t const blocks = (last_column - first_column + stencil_columns - 1) / stencil_columns;
  std::int64_t lines = 1;
  for (int d = 0; d < inner; ++d) lines *= loop.extent[d] + stencil.high[d] - stencil.low[d];
  bool const blank = stencil.whole->blank;
  T* const end = reinterpret_cast<T*>(static_cast<char*>(stencil.whole->data) + stencil.whole->bytes);
  auto const line_at = [&](std::int64_t number, std::int64_t* position) {
    T* line = reinterpret_cast<T*>(stencil.origin);
    for (int d = inner - 1; d >= 0; --d) {
      std::int64_t const count = loop.extent[d] + stencil.high[d] - stencil.low[d];
      position[d] = number % count + stencil.low[d];
      number /= count;
      line += position[d] * target.stride[d];
    }
    return line;
  };
  std::int64_t const work = std::min(last_column - first_column, stencil_columns) * (stencil.terms + 1);
  parallel_for(lines * blocks, stencil_grain / work + 1, [&](std::int64_t begin, std::int64_t limit) {
    std::int64_t position[max_rank], unused[max_rank];
    for (std::int64_t piece = begin; piece < limit; ++piece) {
      // The elements from `clear` to `next` are this piece's; those that no term reaches are zero.
      std::int64_t const low = first_column + piece % blocks * stencil_columns, high = std::min(low + stencil_columns, last_column);
      T* const line = line_at(piece / blocks, position);
      T* clear = piece == 0 ? static_cast<T*>(stencil.whole->data) : line + low;
      T const* from[few_slots];
      T weight[few_slots];
      std::int64_t shift[few_slots], some = high, all = low, all_end = high, some_end = low;  // columns that terms reach
      int terms = 0;
      for (int t = 0; t < stencil.terms; ++t) {
        auto const* at = static_cast<T const*>(seed.data);
        bool there = true;
        for (int d = 0; d < inner; ++d) {
          std::int64_t const i = position[d] - stencil.shift[t][d];
          there &= i >= 0 && i < loop.extent[d];
          at += i * seed.stride[d];
        }
        if (!there) continue;
        std::int64_t const column = stencil.shift[t][inner];
        from[terms] = at, shift[terms] = column, weight[terms++] = static_cast<T>(stencil.weight[t]);
        some = std::min(some, column), all = std::max(all, column);
        all_end = std::min(all_end, column + n), some_end = std::max(some_end, column + n);
      }
      some = std::max(some, low), some_end = std::min(some_end, high);
      if (terms > 0 && some < some_end) {
        if (blank) clear = std::fill_n(clear, line + some - clear, T(0)) + (some_end - some);
        auto const edge = [&](std::int64_t column, std::int64_t to) {
          for (; column < to; ++column) {
            T sum = blank ? T(0) : line[column];
            for (int t = 0; t < terms; ++t)
              if (column >= shift[t] && column < shift[t] + n) sum += weight[t] * from[t][column - shift[t]];
            line[column] = sum;
          }
        };
        if (all < all_end) {
          edge(some, all);
          for (int t = 0; t < terms; ++t) from[t] += all - shift[t];
          weighted_sum(line + all, from, weight, terms, all_end - all, blank);
          for (int t = 0; t < terms; ++t) from[t] -= all - shift[t];
          edge(all_end, some_end);
        } else {
          edge(some, some_end);
        }
      }
      if (!blank) continue;
      T* const next = piece + 1 == lines * blocks ? end : high < last_column ? line + high : line_at(piece / blocks + 1, unused) + first_column;
      std::fill_n(clear, next - clear, T(0));
    }
  });
}

/// Runs a backward kernel all of whose targets are parts of arrays, if it does nothing but weight the seed.
WICK_NOINLINE inline bool run_stencils(Program const& program, Loop const& loop) {
  int const inner = loop.rank - 1;
  if (program.seed < 0 || !program.direct || !program.reads_from || loop.whole_count > most_stencils || loop.total() == 0) return false;
  if (loop.slot_data[program.seed].stride[inner] != 1) return false;
  for (int s = 0; s < program.inputs; ++s)
    for (int d = 0; d < loop.rank && s != program.seed && !program.in_types[s].number; ++d)
      if (loop.slot_data[s].stride[d] != 0) return false;
  for (int o = 0; o < program.outputs; ++o)
    if (!loop.slot_data[program.inputs + o].shared) return false;
  bool const is_double = program.lane_size == sizeof(double);
  double weights[few_slots];
  if (!(is_double ? find_weights<double>(program, loop, weights) : find_weights<float>(program, loop, weights))) return false;
  Stencil stencils[most_stencils];
  for (int k = 0; k < loop.whole_count; ++k)
    if (!find_shifts(program, loop, k, weights, stencils[k])) return false;
  for (int k = 0; k < loop.whole_count; ++k) {
    int o = program.inputs;
    while (loop.slot_data[o].whole != k) ++o;
    auto const& seed = loop.slot_data[program.seed];
    is_double ? run_stencil<double>(loop, stencils[k], loop.slot_data[o], seed) : run_stencil<float>(loop, stencils[k], loop.slot_data[o], seed);
  }
  return true;
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
