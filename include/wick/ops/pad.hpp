// SPDX-License-Identifier: MIT
// Padding: a border of a number, of reflections, of the edge or of the other end around a tensor.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include <wick/ops/gather.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {

/// Options of `pad`.
struct PadOptions {
  char const* mode = "constant";  ///< "constant", "reflect", "replicate" or "circular"
  double value = 0;               ///< of the border, with "constant"
};

namespace detail {

template <class X>
auto pad_formula(X const& x, core::Selection const& from, core::Selection const& to, double value, Dims const& shape);
template <class X>
auto pick_all(X const& x, std::vector<Tensor<std::int64_t>> const& index);
template <class G>
auto add_all(G const& g, std::vector<Tensor<std::int64_t>> const& index, Dims const& shape);

// Longer borders than this do not fit into any memory, and their sums not into 64 bits.
inline constexpr std::int64_t longest_border = std::int64_t{1} << 60;

// A region of x in a region of a tensor full of a number.
struct PadOp {
  static constexpr char const* name = "pad";
  static constexpr bool needs_inputs = false;
  core::Selection from, to;
  double value;
  Dims source;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x) const {
    compute_into<T>(y, 0, Layout{shape}, Scalar<T>{static_cast<compute_t<T>>(value)}, x.device());
    core::Region const region = to.of(Layout{shape});
    compute_into<T>(y + region.offset, 0, region.layout, x.share(from.of(x.layout())), x.device());
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(pad_formula(g, to, from, 0, source)); }
  auto tangent(auto const& y, auto const&, auto const& dx) const { return pad_formula(std::get<0>(dx), from, to, 0, y.shape()); }
};

// y[i][j] = x[index[0][i]][index[1][j]], dimension by dimension; an empty index takes a dimension as it is.
struct PickAllOp {
  static constexpr char const* name = "pad";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  std::vector<Tensor<std::int64_t>> index;
  Dims from;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& x) const {
    Tensor<T> now = x.contiguous();
    for (int d = 0; d < from.size(); ++d) {
      auto const& at = index[static_cast<std::size_t>(d)];
      if (at.numel() == 0) continue;
      Dims to = now.shape();
      to[d] = at.numel();
      bool const last = to == shape;
      Tensor<T> next;
      if (!last) next = Tensor<T>(Tensor<T>::uninitialized, to, x.device());
      run_call(name, x.device(), backend::GatherRows<T>{rows_shape(now.shape(), at.numel(), d), std::as_const(now).data(), at.data(), last ? y : next.data()}, now, at);
      if (last) return;
      now = std::move(next);
    }
    compute_into<T>(y, 0, Layout{shape}, now, x.device());
  }
  auto adjoint(auto const& g, auto const&, auto const&) const { return std::tuple(add_all(g, index, from)); }
};
// Its transpose.
struct AddAllOp {
  static constexpr char const* name = "pad_transpose";
  using multilinear = void;
  static constexpr bool needs_inputs = false;
  std::vector<Tensor<std::int64_t>> index;
  template <class T>
  void compute(T* y, Dims const& shape, Tensor<T> const& g) const {
    Tensor<T> now = g.contiguous();
    for (int d = shape.size() - 1; d >= 0; --d) {
      auto const& at = index[static_cast<std::size_t>(d)];
      if (at.numel() == 0) continue;
      Dims to = now.shape();
      to[d] = shape[d];
      Tensor<T> next(Tensor<T>::uninitialized, to, g.device());
      run_call(name, g.device(), backend::ScatterAddRows<T>{rows_shape(to, at.numel(), d), std::as_const(now).data(), at.data(), next.data()}, now, at);
      now = std::move(next);
    }
    compute_into<T>(y, 0, Layout{shape}, now, g.device());
  }
  auto adjoint(auto const& gg, auto const&, auto const&) const { return std::tuple(pick_all(gg, index)); }
};

template <class X>
auto pad_formula(X const& x, core::Selection const& from, core::Selection const& to, double value, Dims const& shape) {
  return kernel<value_t<X>>(PadOp{from, to, value, x.shape()}, shape, x);
}
template <class X>
auto pick_all(X const& x, std::vector<Tensor<std::int64_t>> const& index) {
  Dims shape = x.shape();
  for (int d = 0; d < shape.size(); ++d)
    if (index[static_cast<std::size_t>(d)].numel() > 0) shape[d] = index[static_cast<std::size_t>(d)].numel();
  return kernel<value_t<X>>(PickAllOp{index, x.shape()}, shape, x);
}
template <class G>
auto add_all(G const& g, std::vector<Tensor<std::int64_t>> const& index, Dims const& shape) {
  return kernel<value_t<G>>(AddAllOp{index}, shape, g);
}

/// Where the elements along a dimension of `n`, with a border of `before` and `after`, come from.
inline Tensor<std::int64_t> border_index(std::string_view mode, Dims const& shape, int d, std::int64_t before, std::int64_t after) {
  std::int64_t const n = shape[d], most = mode == "reflect" ? n - 1 : n;
  if (before < 0 || after < 0) fail("pad: mode \"", mode, "\" takes no negative padding, such as ", std::min(before, after), " of dimension ", d);
  if (n == 0 || (mode != "replicate" && (before > most || after > most)))
    fail("pad: mode \"", mode, "\" cannot pad dimension ", d, " of shape ", shape, " by ", before, " and ", after,
         mode == "reflect" ? "; a border is shorter than the dimension" : "; a border is at most as long as the dimension");
  Tensor<std::int64_t> index(Tensor<std::int64_t>::uninitialized, Dims(n + before + after));
  for (std::int64_t i = 0; i < index.numel(); ++i) {
    std::int64_t const at = i - before;
    index.data()[i] = mode == "replicate" ? std::clamp<std::int64_t>(at, 0, n - 1)
                      : mode == "reflect" ? (at < 0 ? -at : at < n ? at : 2 * (n - 1) - at)
                                          : (at + n) % n;
  }
  return index;
}

}  // namespace detail

namespace detail {
template <Formula X>
auto pad(X const& f, std::span<std::int64_t const> padding, PadOptions options) {
  Dims const from = f.shape();
  std::string_view const mode = options.mode;
  int const rank = from.size(), count = static_cast<int>(padding.size() / 2);
  if (padding.size() % 2) fail("pad: ", padding.size(), " numbers; two belong to each dimension, those of the last one first");
  if (count > rank) fail("pad: borders of ", count, " dimensions for a tensor of shape ", from);
  auto const border = [&](int d, int side) { return rank - 1 - d < count ? padding[static_cast<std::size_t>(2 * (rank - 1 - d) + side)] : 0; };
  if (mode == "constant") {
    Dims to = from;
    core::Selection source, target;
    for (int d = 0; d < rank; ++d) {
      std::int64_t const before = border(d, 0), after = border(d, 1);
      if (before > longest_border || after > longest_border)
        fail("pad: a border of ", before, " and ", after, " at dimension ", d, " of shape ", from, " is too large");
      if (before < -from[d] || after < -from[d] || from[d] + before + after < 0)
        fail("pad: a border of ", before, " and ", after, " leaves nothing of dimension ", d, " of shape ", from);
      to[d] = from[d] + before + after;
      std::int64_t const kept = std::max<std::int64_t>(0, from[d] + std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0));
      source.start.push_back(std::max<std::int64_t>(0, -before)), target.start.push_back(std::max<std::int64_t>(0, before));
      source.keep(d, kept, 1), target.keep(d, kept, 1);
    }
    return pad_formula(f, source, target, options.value, to);
  }
  if (mode != "reflect" && mode != "replicate" && mode != "circular")
    fail("pad: mode \"", mode, "\" is none of \"constant\", \"reflect\", \"replicate\", \"circular\"");
  std::vector<Tensor<std::int64_t>> index(static_cast<std::size_t>(rank));
  for (int d = 0; d < rank; ++d)
    if (border(d, 0) != 0 || border(d, 1) != 0)
      index[static_cast<std::size_t>(d)] = border_index(mode, from, d, border(d, 0), border(d, 1)).to(device_of(f));
  return pick_all(f, index);
}
}  // namespace detail

/// A border around x (torch.nn.functional.pad). `padding` is flat, the last dimension first: {left, right, top, bottom}. A
/// negative number cuts off, with mode "constant". Throws Error for an odd number of paddings, for those of more dimensions
/// than x has, and for a border that its mode cannot fill.
template <Formula X>
auto pad(X const& x, std::initializer_list<std::int64_t> padding, PadOptions options = {}) {
  return detail::pad(operand(x), std::span(padding.begin(), padding.size()), options);
}
template <Formula X>
auto pad(X const& x, std::vector<std::int64_t> const& padding, PadOptions options = {}) {
  return detail::pad(operand(x), std::span(padding), options);
}

}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
