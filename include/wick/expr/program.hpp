// SPDX-License-Identifier: MIT
// What a backend is asked to run: a kernel compiled for a formula's structure, without the formula's type. Everything
// around the kernel (loops, broadcasting, tails, threads) is compiled once, not once a formula.
#pragma once

#include <cstring>

#include <wick/base/simd_half.hpp>
#include <wick/core/broadcast.hpp>
#include <wick/core/storage.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// What a kernel gets for one run along the innermost dimension. Slots are `in` (read) and `out` (written).
struct KernelArguments {
  void const* const* in;
  std::int64_t const* in_step;  ///< SIMD: all ones, or 0 for a slot that stays; else the distance in elements. Maps with SIMD: null where none stays
  void* const* out;
  std::int64_t const* out_step;
  std::int64_t n;  ///< positions; with SIMD a multiple of the lanes (of a row of a map: no fewer than the lanes)
  // What accumulating targets held before, for kernels that ask: a gradient's first term is stored, not added.
  void const* const* from = nullptr;
  std::int64_t const* from_step = nullptr;
  // Rows for kernels that take them, accumulated into the same line or reduced to an element each, and the distances between
  // them. Of a map: the distance for all operands, then those for its targets.
  std::int64_t rows = 1;
  std::int64_t const* row_step = nullptr;
  // Row kernels see the whole row: what is left after the last full register lies in these buffers. `Program::reduce` has
  // none: to it, `tail` are the positions that follow the first n.
  void const* const* tail_in = nullptr;
  void* const* tail_out = nullptr;
  int tail = 0;
  void* scratch = nullptr;
  bool across = false;  ///< a register holds one position of as many rows as it has lanes; there is no tail
};
using Kernel = void (*)(KernelArguments const&);

/// How a slot's elements in memory become elements of the kernel's type, and back. Non-null functions are called when
/// the elements do not lie as the kernel wants them.
struct SlotType {
  int element_size;    ///< in memory, bytes
  int kernel_size;     ///< bytes of an element as the kernel reads it
  bool direct;         ///< the kernel reads this type
  bool number = false; ///< one value, at the slot's address
  void (*fetch)(void const* data, std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) = nullptr;
  bool movable = false;  ///< elements in memory that may be copied as bytes
  void (*describe)(void const* object, void* out) = nullptr;  ///< of computed elements: what they are computed from, 32 bytes at most
  bool computed = false;                                      ///< elements that lie nowhere; `describe` is given
};
/// An output slot: written, or accumulated into with an associative operation.
struct TargetType {
  int element_size;
  int kernel_size;
  bool direct;
  bool accumulates = false;
  void (*put)(void const* values, void* data, std::int64_t offset, std::int64_t stride, std::int64_t n) = nullptr;
  void (*fetch)(void const* data, std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) = nullptr;
  void (*identity)(void* values, std::int64_t n) = nullptr;                         ///< fills with the neutral element
  void (*merge)(void* into, void const* values, std::int64_t n) = nullptr;          ///< into[i] = into[i] op values[i]
  void (*fold)(void* into, void const* values, std::int64_t n) = nullptr;           ///< *into = *into op values[0..n), fixed tree
};

/// A slot's elements: where, and with which distances along the loop's dimensions.
struct SlotData {
  void const* data;
  void const* from = nullptr;  ///< of an accumulating target: where the contents lie that it adds to, if not in data yet
  bool fresh = false;   ///< an accumulating target whose old contents do not count
  bool shared = false;  ///< an accumulating target that may overlap others: its terms are added when the kernel is done
  std::uint8_t whole = 0;  ///< of a shared target: the number of the array that it is a part of
  std::int64_t stride[max_rank];
};

/// A dense array of which shared targets are parts.
struct Whole {
  void* data;
  std::int64_t bytes;
  bool blank;  ///< its contents do not count: the launch makes them zero
};

/// A slot of a loop of one dimension whose elements follow one another, or stay.
struct LineSlot {
  void const* data;
  bool moves;
  bool fresh = false;  ///< an accumulating target whose old contents do not count
  void const* from = nullptr;  ///< of an accumulating target: where the contents lie that it adds to, if not in data yet
};

/// Most operands (slots) one formula may have.
inline constexpr int max_slots = 64;
/// Formulas with no more slots than these run with small buffers, which stay in L1 beside their operands.
inline constexpr int few_slots = 16;

/// Everything compiled for one structure.
struct Program {
  int inputs = 0, outputs = 1;
  int lanes = 1;             ///< positions a step of the kernel covers
  int lane_size = 0;         ///< bytes of an element in the kernel's registers (SIMD)
  SlotType const* in_types = nullptr;
  TargetType const* out_types = nullptr;
  Kernel kernel = nullptr;
  Kernel reduce = nullptr;   ///< for targets that stay in place: reduces rows, each with its tail, to an element
  bool direct = false;       ///< few slots, each of the kernel's own type
  int seed = -1;             ///< of a backward kernel: the input that its targets are linear in
  bool reads_from = false;   ///< the kernel adds to `from`, so that fresh targets need not be filled first
  bool takes_rows = false;   ///< the kernel accumulates several rows at once
  bool whole_rows = false;   ///< the kernel wants a row at once, and handles its tail
  int row_buffers = 0;       ///< rows of scratch a row kernel needs, in elements of lane_size
  int cost = 1;              ///< rough cost of an element, in loads
};

/// Whether a program's slots are few and of its kernel's own type.
constexpr bool has_direct_slots(Program const& program) {
  bool direct = program.inputs + program.outputs <= few_slots;
  for (int s = 0; s < program.inputs; ++s) direct = direct && program.in_types[s].direct;
  for (int o = 0; o < program.outputs; ++o) direct = direct && program.out_types[o].direct;
  return direct;
}

/// The loops that assigning a formula runs.
/// `lines` are contiguous along the innermost dimension alone, such as the interior of an array.
enum class Plan : std::uint8_t { none, contiguous, lines, inner_broadcast, strided, row, reduce, kernel };

constexpr char const* name(Plan plan) {
  constexpr char const* names[] = {"none", "contiguous", "lines", "inner_broadcast", "strided", "row", "reduce", "kernel"};
  return names[static_cast<int>(plan)];
}

/// A loop nest: extents from outer to inner, and the slots' strides along them (inputs first, then outputs).
struct Loop {
  int rank = 0;
  std::int64_t extent[max_rank];
  SlotData* slot_data = nullptr;
  int count = 0;
  Whole* wholes = nullptr;
  int whole_count = 0;

  std::int64_t total() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= extent[d];
    return n;
  }
};

// Templates, so that a header that calls them stands on its own: the definitions come with the backend.
namespace backend::cpu {
/// Runs `program` over `loop` (defined by the backend).
template <class Isa = IsaTag>
void launch(Program const& program, Loop& loop);
/// The same of a map with one target, elements of 1, 2, 4 or 8 bytes that may be copied as words, whose operands may lie in the
/// target in any way (defined by the backend).
template <class Isa = IsaTag>
void launch_overlapping(Program const& program, Loop& loop);
/// Runs `program`, a map all of whose slots are direct, over `n` positions; slots that are no numbers are dense.
template <class Isa = IsaTag>
WICK_INLINE void launch_dense(Program const& program, void const* const* in, void* const* out, std::int64_t n);
/// True when `run_line` may run `program` over `n` positions: not worth a second thread, and no slot needs a buffer.
template <class Isa = IsaTag>
bool is_short_line(Program const& program, std::int64_t n);
/// Runs `program` along `n` positions of slots that lie one after another or, inputs and accumulating targets, stay.
template <class Isa = IsaTag>
WICK_NOINLINE void run_line(Program const& program, LineSlot const* slot_data, std::int64_t n);
/// Copies slot 0 of a simplified loop to slot 1, elements of 1, 2, 4 or 8 bytes (defined by the backend).
template <class Isa = IsaTag>
void launch_copy(Loop const& loop, int element_size);
/// Runs `program` over `n` positions along dimension 0 of the slots, from these offsets (defined by the backend).
template <class Isa = IsaTag>
void run_segment(Program const& program, SlotData const* slot_data, std::int64_t const* offset, std::int64_t n);
}  // namespace backend::cpu

template <class From, class To>
void fetch_elements(void const* data, std::int64_t offset, std::int64_t stride, std::int64_t n, void* out) {
  auto const* from = static_cast<From const*>(data) + offset;
  auto* to = static_cast<To*>(out);
  if (stride == 1)
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
  else
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i * stride]);
}
template <class From, class To>
void put_elements(void const* values, void* data, std::int64_t offset, std::int64_t stride, std::int64_t n) {
  auto const* from = static_cast<From const*>(values);
  auto* to = static_cast<To*>(data) + offset;
  if constexpr (std::is_same_v<To, bool>)
    for (std::int64_t i = 0; i < n; ++i) to[i * stride] = from[i] != From(0);
  else if (stride == 1)
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
  else
    for (std::int64_t i = 0; i < n; ++i) to[i * stride] = static_cast<To>(from[i]);
}

/// What a kernel with lanes of type L reads where elements of type T lie, and what it writes: registers of 16-bit numbers
/// become registers of floats as they are loaded, and are rounded as they are stored.
template <class T, class L>
using kernel_element_t = std::conditional_t<Half<T> && std::is_same_v<L, float>, T, L>;

/// Input slot of elements T for a kernel with lanes of type L (void: element by element).
template <class T, class L>
constexpr SlotType slot_type(bool number = false) {
  if constexpr (std::is_void_v<L>) {
    return {sizeof(T), sizeof(T), true, number, nullptr, std::is_trivially_copyable_v<T>};
  } else {
    using K = kernel_element_t<T, L>;
    return {sizeof(T), sizeof(K), std::is_same_v<T, K>, number, &fetch_elements<T, K>, std::is_trivially_copyable_v<T>};
  }
}
/// Output slot of elements T that is only written.
template <class T, class L>
constexpr TargetType target_type() {
  if constexpr (std::is_void_v<L>) {
    return {sizeof(T), sizeof(T), true};
  } else {
    using K = kernel_element_t<T, L>;
    return {sizeof(T), sizeof(K), std::is_same_v<T, K>, false, &put_elements<K, T>};
  }
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
