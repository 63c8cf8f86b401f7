// SPDX-License-Identifier: MIT
// Neighbouring positions that a thread computes together: it reads and writes 16 bytes at once where they lie side by side.
#pragma once

#include <array>

#include <wick/backend/thrust/position.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace backend::thrust_ {

/// False when a formula's operands are compound numbers, which lie in planes.
template <class S>
inline constexpr bool plain_slots = true;
template <class T>
inline constexpr bool plain_slots<Leaf<T>> = ElementTraits<T>::planes == 1;
template <class T>
inline constexpr bool plain_slots<Number<T>> = ElementTraits<T>::planes == 1;
template <class Op, class... Args>
inline constexpr bool plain_slots<Apply<Op, Args...>> = (plain_slots<Args> && ...);

/// Bytes of the elements of N slots, first those of S, then others of `Element`, and how many neighbours a thread takes:
/// 16 bytes of the largest of these and of `Also`. 0 bytes: numbers; -1: generated elements.
template <class S, int N, class Element, class Also = Element>
struct SlotSizes {
  static constexpr auto bytes = [] {
    std::array<int, static_cast<std::size_t>(N) + 1> size{};
    for (int s = 0; s < N; ++s) {
      auto const i = static_cast<std::size_t>(s);
      if (s >= S::slot_count) size[i] = static_cast<int>(sizeof(Element));
      else if (SlotType const& type = slot_types<S, void>[i]; !type.number) size[i] = type.computed ? -1 : type.element_size;
    }
    size[static_cast<std::size_t>(N)] = static_cast<int>(sizeof(Also));
    return size;
  }();
  static constexpr int V = [] {
    int largest = 1;
    for (int size : bytes) largest = size > largest ? size : largest;
    return largest > 16 ? 1 : 16 / largest;
  }();
};

/// Copies `count` elements of `bytes` as one access to memory. They go element by element through registers: a GPU has none
/// for single bytes.
template <int bytes, int count>
constexpr void copy_chunk(void* to, void const* from) {
  using Unit = std::conditional_t<bytes == 1, std::uint8_t,
                                  std::conditional_t<bytes == 2, std::uint16_t, std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>>;
  constexpr int unit = static_cast<int>(sizeof(Unit));
  static_assert(bytes % unit == 0);
  struct [[gnu::may_alias]] alignas(bytes * count) Chunk {
    Unit part[bytes / unit * count];
  };
  *static_cast<Chunk*>(to) = *static_cast<Chunk const*>(from);
}

/// Writes `bytes` as one access to memory of the device.
template <int bytes>
constexpr void write_chunk(void* to, void const* from) {
#if defined(__CUDA_ARCH__)
  // Said in PTX: nvcc does not always join the parts of an assignment.
  if constexpr (bytes == 16 || bytes == 8) {
    auto const* const part = static_cast<unsigned const*>(from);
    std::size_t const place = __cvta_generic_to_global(to);
    if constexpr (bytes == 16) asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(place), "r"(part[0]), "r"(part[1]), "r"(part[2]), "r"(part[3]) : "memory");
    else asm volatile("st.global.v2.u32 [%0], {%1, %2};" ::"l"(place), "r"(part[0]), "r"(part[1]) : "memory");
    return;
  }
#endif
  copy_chunk<bytes, 1>(to, from);
}

/// How many packs of V cover `extent` positions.
template <int V>
constexpr std::int64_t packs_of(std::int64_t extent) {
  return (extent + V - 1) / V;
}

/// The first `count` slots.
template <int count>
struct FirstSlots {
  static constexpr bool contains(int slot) { return slot < count; }
};

/// Reads the slots at V neighbouring positions along a dimension of a loop, fewer where it ends. `whole`: there are V
/// everywhere, and all slots are wide.
template <int N, class Sizes, bool whole = false>
struct PackFrame {
  using lane = void;
  static constexpr int V = Sizes::V;
  DeviceLoop<N> const* loop;
  int axis;                            ///< the dimension
  int valid;                           ///< positions that there are; after these, the last of them is read again
  int k;                               ///< the position that is evaluated
  std::int64_t first;                  ///< the first position's place along the dimension
  std::int64_t offset[N > 0 ? N : 1];  ///< of place 0
  alignas(16) mutable unsigned char raw[N > 0 ? N : 1][16];

  /// Reads the first `slot_count` slots, from `place` along `dimension` on, beginning where `start` is; -1 is no dimension: at
  /// `start` alone.
  template <int slot_count>
  constexpr void read(PositionFrame<N> const& start, int dimension, std::int64_t place) {
    read_those<FirstSlots<slot_count>>(start, dimension, place);
  }
  /// Reads the slots s with Slots::contains(s) in this way.
  template <class Slots>
  constexpr void read_those(PositionFrame<N> const& start, int dimension, std::int64_t place) {
    loop = start.loop, axis = dimension < 0 ? 0 : dimension, first = place;
    if constexpr (whole) {
      valid = V;
    } else {
      std::int64_t const left = dimension < 0 ? 1 : loop->extent[axis] - first;
      valid = left < V ? static_cast<int>(left) : V;
    }
    unrolled<N>([&](auto s) constexpr { offset[s] = start.offset[s]; });
    unrolled<N>([&](auto s) constexpr {
      if constexpr (Slots::contains(s)) fetch<s>();
    });
  }
  /// Where the first position lies in a slot.
  constexpr std::int64_t begin(int slot) const { return offset[slot] + first * loop->slot[slot].stride[axis]; }
  /// Writes the values to slot I, whose elements are T.
  template <int I, class T>
  constexpr void write(T const (&value)[V]) const {
    DeviceSlot const& slot = loop->slot[I];
    auto* const to = static_cast<T*>(const_cast<void*>(slot.data)) + offset[I];
    store(to, first, slot.stride[axis], slot.wide, value);
  }
  /// Writes the values to memory whose elements are `stride` apart, from number `place` on; `wide` when 16 bytes at once
  /// will do.
  template <class T>
  constexpr void store(T* to, std::int64_t place, std::int64_t stride, bool wide, T const (&value)[V]) const {
    if (whole || (wide && valid == V)) {
      alignas(V * sizeof(T)) T all[V];
      WICK_UNROLLED for (int e = 0; e < V; ++e) all[e] = value[e];
      write_chunk<V * static_cast<int>(sizeof(T))>(to + place, all);
    } else {
      WICK_UNROLLED for (int e = 0; e < V; ++e)
        if (e < valid) to[(place + e) * stride] = value[e];
    }
  }

  template <class T, int I>
  constexpr compute_t<T> load() const {
    return *reinterpret_cast<T const*>(raw[I] + k * static_cast<int>(sizeof(T)));
  }
  template <class T, int I>
  constexpr compute_t<T> number() const {
    return *reinterpret_cast<compute_t<T> const*>(loop->slot[I].number);
  }
  template <class G, int I>
  constexpr auto generated() const {
    auto const& source = *reinterpret_cast<typename G::Source const*>(loop->slot[I].number);
    std::int64_t const stride = loop->slot[I].stride[axis], start = begin(I), at = start + k * stride;
    // A block of random words serves four neighbours.
    auto& words = *reinterpret_cast<std::array<std::uint32_t, 4>*>(raw[I]);
    bool const together = stride == 1 && start % (V < 4 ? V : 4) == 0;
    if (k % 4 == 0 || !together) words = G::words(source, at / 4);
    return static_cast<compute_t<typename G::value_type>>(G::element(source, words, at));
  }

 private:
  template <int I>
  constexpr void fetch() {
    constexpr int size = Sizes::bytes[static_cast<std::size_t>(I)];
    if constexpr (size > 0) {
      DeviceSlot const& slot = loop->slot[I];
      auto const* const from = static_cast<unsigned char const*>(slot.data) + offset[I] * size;
      if (whole || (slot.wide && valid == V)) {
        copy_chunk<size, V>(raw[I], from + first * size);
      } else {
        std::int64_t const stride = slot.stride[axis] * size;
        WICK_UNROLLED for (int e = 0; e < V; ++e) copy_chunk<size, 1>(raw[I] + e * size, from + (first + (e < valid ? e : valid - 1)) * stride);
      }
    } else if constexpr (size < 0) {
      *reinterpret_cast<std::array<std::uint32_t, 4>*>(raw[I]) = {};
    }
  }
};

/// Reads the slots at one position, where they are compound numbers.
template <int N>
struct SingleFrame : PositionFrame<N> {
  static constexpr int V = 1;
  int valid, k;
  template <int slot_count>
  constexpr void read(PositionFrame<N> const& start, int dimension, std::int64_t first) {
    static_cast<PositionFrame<N>&>(*this) = start;
    valid = 1;
    if (dimension >= 0) this->advance(dimension, first);
  }
};

/// Neighbours of a plain array, or elements that lie `stride` apart.
template <class T>
struct ArrayFrame {
  static constexpr int V = sizeof(T) > 16 ? 1 : 16 / static_cast<int>(sizeof(T));
  alignas(16) T value[V];
  int valid, k;

  static constexpr bool wide(T const* at, std::int64_t stride) { return stride == 1 && reinterpret_cast<std::uintptr_t>(at) % (V * sizeof(T)) == 0; }
  /// Reads the V elements from number `first` on, of `count`.
  constexpr void read(T const* from, std::int64_t first, std::int64_t count, std::int64_t stride = 1) {
    std::int64_t const left = count - first;
    valid = left < V ? static_cast<int>(left) : V;
    from += first * stride;
    if (valid == V && wide(from, stride)) {
      copy_chunk<static_cast<int>(sizeof(T)), V>(value, from);
    } else {
      WICK_UNROLLED for (int e = 0; e < V; ++e) value[e] = from[(e < valid ? e : valid - 1) * stride];
    }
  }
  /// Writes the elements that were read, in their place.
  constexpr void write(T* to, std::int64_t first) const {
    to += first;
    if (valid == V && wide(to, 1)) {
      write_chunk<V * static_cast<int>(sizeof(T))>(to, value);
    } else {
      WICK_UNROLLED for (int e = 0; e < V; ++e)
        if (e < valid) to[e] = value[e];
    }
  }
};

/// True when V neighbours along `axis` that begin at a multiple of V may be read at once, `bytes` each.
template <int V, int N>
bool is_wide(DeviceLoop<N> const& loop, void const* data, std::int64_t const* stride, int axis, int bytes) {
  if (stride[axis] != 1 || reinterpret_cast<std::uintptr_t>(data) % static_cast<std::uintptr_t>(V * bytes)) return false;
  for (int d = 0; d < loop.rank; ++d)
    if (d != axis && loop.extent[d] > 1 && stride[d] % V) return false;
  return true;
}
/// Marks the slots of a loop that may be read and written 16 bytes at once along `axis`; none for -1.
template <class Sizes, int N>
DeviceLoop<N> with_wide_slots(DeviceLoop<N> loop, int axis) {
  for (int s = 0; s < N && axis >= 0; ++s) {
    int const bytes = Sizes::bytes[static_cast<std::size_t>(s)];
    if (bytes > 0) loop.slot[s].wide = is_wide<Sizes::V>(loop, loop.slot[s].data, loop.slot[s].stride, axis, bytes);
  }
  return loop;
}
/// True when all packs of V positions along `axis` are full and their slots wide.
template <class Sizes, int N>
bool is_whole(DeviceLoop<N> const& loop, int axis) {
  bool whole = loop.extent[axis] % Sizes::V == 0;
  for (int s = 0; s < N; ++s) whole &= Sizes::bytes[static_cast<std::size_t>(s)] <= 0 || loop.slot[s].wide;
  return whole;
}

/// Calls use(frame) for the packs first, first + step, ... before `end`, each read by read(frame, pack): U at a time, so
/// that as many reads are on their way.
template <int U, class Frame, class Read, class Use>
constexpr void each_pack(std::int64_t first, std::int64_t end, std::int64_t step, Read const& read, Use const& use) {
  for (std::int64_t pack = first; pack < end; pack += U * step) {
    Frame frame[U];
    WICK_UNROLLED for (int u = 0; u < U; ++u)
      if (pack + u * step < end) read(frame[u], pack + u * step);
    WICK_UNROLLED for (int u = 0; u < U; ++u)
      if (pack + u * step < end) use(frame[u]);
  }
}

}  // namespace backend::thrust_
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
