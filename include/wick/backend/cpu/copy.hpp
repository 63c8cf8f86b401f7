// SPDX-License-Identifier: MIT
// Copies of elements between any two layouts: rows, strided lines and tiles of transposes. Elements are words of 1, 2, 4
// or 8 bytes, so that one copy serves all types of a size.
#pragma once

#include <algorithm>
#include <cstring>

#include <wick/backend/cpu/threads.hpp>
#include <wick/backend/cpu/transpose.hpp>
#include <wick/base/bytes.hpp>
#include <wick/expr/program.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::cpu {

// A piece of work that is worth a thread, in bytes.
inline constexpr std::int64_t copy_grain = std::int64_t{1} << 17;
// What is larger does not stay in a cache: it is written past it, which saves reading the lines that are overwritten.
inline constexpr std::int64_t stream_bytes = std::int64_t{24} << 20;
// Rows of the source in a tile of a transpose; its columns are a line of the cache.
inline constexpr std::int64_t turned_rows = 256;
template <class Word>
inline constexpr std::int64_t turned_columns = static_cast<std::int64_t>(64 / sizeof(Word));

/// Copies `bytes` bytes. Inlined: the rows of a loop have one length, and their branches are predicted.
WICK_INLINE void copy_row(char* to, char const* from, std::int64_t bytes) {
  if (bytes > 512) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  } else if (bytes > 64) {
    for (std::int64_t i = 0; i < bytes - 64; i += 64) {
      char block[64];
      std::memcpy(block, from + i, 64);
      std::memcpy(to + i, block, 64);
    }
    char last[64];
    std::memcpy(last, from + bytes - 64, 64);
    std::memcpy(to + bytes - 64, last, 64);
  } else if (bytes >= 32) {
    copy_ends<32>(to, from, bytes);
  } else if (bytes >= 16) {
    copy_ends<16>(to, from, bytes);
  } else if (bytes >= 8) {
    copy_ends<8>(to, from, bytes);
  } else if (bytes >= 4) {
    copy_ends<4>(to, from, bytes);
  } else {
    for (std::int64_t i = 0; i < bytes; ++i) to[i] = from[i];
  }
}

/// Copies `bytes` bytes past the caches, where the processor can do so.
inline void stream_row(char* to, char const* from, std::int64_t bytes) {
#if defined(__AVX__)
  std::int64_t const head = std::min<std::int64_t>(bytes, -reinterpret_cast<std::intptr_t>(to) & 63);
  if (head) copy_row(to, from, head);
  std::int64_t i = head;
  for (; i + 64 <= bytes; i += 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#else
    __m256i const low = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from + i));
    __m256i const high = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(from + i + 32));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i), low);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i + 32), high);
#endif
  }
  if (i < bytes) copy_row(to + i, from + i, bytes - i);
#else
  copy_row(to, from, bytes);
#endif
}
/// Makes what was streamed visible to other threads.
inline void finish_stream() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

/// to[i * to_stride] = from[i * stride]. The usual strides are constants: those loops become shuffles.
template <class Word>
void copy_line(Word* to, std::int64_t to_stride, Word const* from, std::int64_t stride, std::int64_t n) {
  auto const with = [&](auto step) WICK_LAMBDA_INLINE {
    for (std::int64_t i = 0; i < n; ++i) move_word(to + i, from + i * step);
  };
  if (to_stride != 1) {
    for (std::int64_t i = 0; i < n; ++i) move_word(to + i * to_stride, from + i * stride);
    return;
  }
  switch (stride) {
    case 0: return with(std::integral_constant<std::int64_t, 0>{});
    case 1: return copy_row(reinterpret_cast<char*>(to), reinterpret_cast<char const*>(from), n * static_cast<std::int64_t>(sizeof(Word)));
    case -1: return with(std::integral_constant<std::int64_t, -1>{});
    case 2: return with(std::integral_constant<std::int64_t, 2>{});
    case 3: return with(std::integral_constant<std::int64_t, 3>{});
    default: return with(stride);
  }
}

/// The same past the caches, for to_stride 1.
template <class Word>
void stream_line(Word* to, Word const* from, std::int64_t stride, std::int64_t n) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(Word)), block = 4096 / size;
  alignas(64) Word line[std::size_t{block}];
  for (std::int64_t i = 0; i < n; i += block) {
    std::int64_t const length = std::min(block, n - i);
    copy_line(line, 1, from + i * stride, stride, length);
    stream_row(reinterpret_cast<char*>(to + i), reinterpret_cast<char const*>(line), length * size);
  }
}

/// Two dimensions of a copy: `outer` lines (or source columns, in a transpose) of `inner` elements.
struct CopyPlane {
  std::int64_t inner, to_outer, to_inner, from_outer, from_inner;  // strides in elements
  bool turned, streams;
};

/// Lines [begin, end) of a plane.
template <class Word>
void copy_plane(CopyPlane const& p, Word* to, Word const* from, std::int64_t begin, std::int64_t end) {
  auto const size = static_cast<std::int64_t>(sizeof(Word));
  if (!p.turned) {
    bool const rows = p.to_inner == 1 && p.from_inner == 1;
    for (std::int64_t o = begin; o < end; ++o) {
      Word* const target = to + o * p.to_outer;
      Word const* const source = from + o * p.from_outer;
      if (!rows && p.streams && p.to_inner == 1) stream_line(target, source, p.from_inner, p.inner);
      else if (!rows) copy_line(target, p.to_inner, source, p.from_inner, p.inner);
      else if (p.streams && p.inner * size >= 1024) stream_row(reinterpret_cast<char*>(target), reinterpret_cast<char const*>(source), p.inner * size);
      else copy_row(reinterpret_cast<char*>(target), reinterpret_cast<char const*>(source), p.inner * size);
    }
    return;
  }
  // Along a source line the elements lie side by side, perhaps backwards.
  bool const backwards = p.from_outer < 0;
  constexpr std::int64_t most = turned_columns<Word>;
  alignas(64) Word tile[std::size_t{turned_rows * most}];
  for (std::int64_t i = 0; i < p.inner; i += turned_rows) {
    std::int64_t const rows = std::min(turned_rows, p.inner - i);
    for (std::int64_t j = begin; j < end; j += most) {
      std::int64_t const columns = std::min(most, end - j);
      Word const* const source = from + i * p.from_inner + (backwards ? -(j + columns - 1) : j);
      if (!p.streams) {
        Word* const target = to + i + (backwards ? j + columns - 1 : j) * p.to_outer;
        transpose(source, p.from_inner, target, backwards ? -p.to_outer : p.to_outer, rows, columns);
        continue;
      }
      transpose(source, p.from_inner, tile, turned_rows, rows, columns);
      for (std::int64_t c = 0; c < columns; ++c) {
        std::int64_t const at = backwards ? j + columns - 1 - c : j + c;
        stream_row(reinterpret_cast<char*>(to + at * p.to_outer + i), reinterpret_cast<char const*>(tile + c * turned_rows), rows * size);
      }
    }
  }
}

/// Runs a copy whose loop is simplified: slot 0 is read, slot 1 is written.
template <class Word>
void copy_loop(Loop const& loop) {
  SlotData const &source = loop.slot_data[0], &target = loop.slot_data[1];
  auto const size = static_cast<std::int64_t>(sizeof(Word));
  int const inner = loop.rank - 1;
  std::int64_t const total = loop.total(), n = loop.extent[inner];
  auto* const to = static_cast<Word*>(const_cast<void*>(target.data));
  auto const* const from = static_cast<Word const*>(source.data);
  if (total == 0) return;

  CopyPlane plane{n, 0, target.stride[inner], 0, source.stride[inner], false, total * size >= stream_bytes};
  if (loop.rank == 1) {
    std::int64_t const unit = 4096;
    parallel_for((n + unit - 1) / unit, copy_grain / (unit * size) + 1, [&](std::int64_t begin, std::int64_t end) {
      CopyPlane piece = plane;
      piece.inner = std::min(n, end * unit) - begin * unit;
      copy_plane(piece, to + begin * unit * plane.to_inner, from + begin * unit * plane.from_inner, 0, 1);
      if (plane.streams) finish_stream();
    });
    return;
  }
  // A transpose: another dimension is the one along which source elements lie side by side.
  int outer = inner - 1;
  if (n >= 4 && plane.to_inner == 1 && (source.stride[inner] < -3 || source.stride[inner] > 3))
    for (int d = inner - 1; d >= 0; --d)
      if ((source.stride[d] == 1 || source.stride[d] == -1) && loop.extent[d] >= 4) plane.turned = true, outer = d;
  plane.to_outer = target.stride[outer], plane.from_outer = source.stride[outer];
  if (plane.turned && n < 16) plane.streams = false;

  std::int64_t const lines = loop.extent[outer], unit = plane.turned ? turned_columns<Word> : 1;
  std::int64_t const units = (lines + unit - 1) / unit, planes = total / (lines * n);
  std::int64_t const work = std::max<std::int64_t>(1, std::min(unit, lines) * n * size);
  parallel_for(planes * units, copy_grain / work + 1, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      std::int64_t const first = begin % units, last = std::min(units, first + end - begin);
      std::int64_t to_offset = 0, from_offset = 0, rest = begin / units;
      for (int d = inner - 1; d >= 0; --d) {
        if (d == outer) continue;
        std::int64_t const at = rest % loop.extent[d];
        rest /= loop.extent[d];
        to_offset += at * target.stride[d], from_offset += at * source.stride[d];
      }
      copy_plane(plane, to + to_offset, from + from_offset, first * unit, std::min(lines, last * unit));
      begin += last - first;
    }
    if (plane.streams) finish_stream();
  });
}

template <class Isa>
void launch_copy(Loop const& loop, int element_size) {
  switch (element_size) {
    case 1: return copy_loop<std::uint8_t>(loop);
    case 2: return copy_loop<std::uint16_t>(loop);
    case 4: return copy_loop<std::uint32_t>(loop);
    default: return copy_loop<std::uint64_t>(loop);
  }
}

}  // namespace backend::cpu
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
