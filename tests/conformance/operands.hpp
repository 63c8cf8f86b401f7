// SPDX-License-Identifier: MIT
// From values to tensors and back.
#pragma once

#include <wick/tensor.hpp>

#include "values.hpp"

WICK_PRECISE_BEGIN  // also with -ffast-math a test means what it says

namespace conformance {

/// Where the engine is tested.
inline wick::Device tested_device() {
#if defined(WICK_TEST_DEVICE)
  return WICK_TEST_DEVICE;
#else
  return {};
#endif
}

/// A tensor whose elements lie as the placement says.
template <class T>
wick::Tensor<T> make(Input const& input, wick::Device where = {}) {
  wick::Tensor<T> block(wick::Tensor<T>::uninitialized, Dims(input.placement.size));
  T* const data = block.data();
  for (std::int64_t i = 0; i < input.placement.size; ++i) data[i] = T(1);
  std::vector<std::int64_t> const at = offsets(input.placement);
  for (std::size_t i = 0; i < at.size(); ++i) data[at[i]] = static_cast<T>(input.values.data[i]);
  block = block.to(where);
  return {block.storage(), const_cast<T*>(std::as_const(block).data()) + input.placement.offset, input.placement.layout};
}
/// A row-major tensor of these values.
template <class T>
wick::Tensor<T> make(Values const& values) {
  wick::Tensor<T> x(wick::Tensor<T>::uninitialized, values.shape);
  T* const data = x.data();
  for (std::size_t i = 0; i < values.data.size(); ++i) data[i] = static_cast<T>(values.data[i]);
  return x;
}

/// The elements of a tensor, read without any formula.
template <class T>
Values values_of(wick::Tensor<T> const& x) {
  if (!(x.device() == wick::Device())) return values_of(x.to("cpu"));
  Values v{x.shape(), {}, wick::dtype_of<T>()};
  T const* const data = x.data();
  for (std::int64_t const at : offsets({"", x.layout(), 0, 0})) v.data.push_back(static_cast<double>(data[at]));
  return v;
}

/// The value of a formula, element by element through its definition.
template <class F>
Values defined_values(F const& formula) {
  Values v{formula.shape(), {}, wick::dtype_of<wick::value_t<F>>()};
  Dims at;
  at.resize(v.shape.size());  // all 0
  for (std::int64_t left = v.shape.numel(); left > 0; --left) {
    v.data.push_back(static_cast<double>(static_cast<wick::value_t<F>>(wick::detail::element(formula, at))));
    for (int d = at.size() - 1; d >= 0; --d) {
      if (++at[d] < v.shape[d]) break;
      at[d] = 0;
    }
  }
  return v;
}

}  // namespace conformance
WICK_PRECISE_END
