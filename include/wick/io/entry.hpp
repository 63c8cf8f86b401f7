// SPDX-License-Identifier: MIT
// Tensors as entries of a safetensors file, and back.
#pragma once

#include <complex>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include <wick/core/any_tensor.hpp>
#include <wick/io/safetensors.hpp>
#include <wick/tensor.hpp>

namespace wick::inline WICK_ISA {
namespace io {

/// How safetensors spells an element type; null for one that it has no name for.
constexpr char const* safetensors_name(Dtype dtype) {
  constexpr char const* names[] = {"BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F16", "BF16", "F32", "F64", "C64", nullptr, nullptr};
  return names[static_cast<int>(dtype)];
}
template <class T>
constexpr char const* safetensors_dtype() {
  static_assert(safetensors_name(dtype_of<T>()) != nullptr, "safetensors has no name for this element type");
  return safetensors_name(dtype_of<T>());
}

/// The entry of a contiguous tensor, which must live until the file is written. Throws `Error` when it is strided, or of a type that
/// safetensors has no name for.
WICK_COLD inline TensorEntry to_entry(std::string name, AnyTensor const& tensor) {
  char const* const dtype = safetensors_name(tensor.dtype());
  if (!dtype) fail("safetensors: tensor ", core::quoted(name), " has elements of type ", tensor.dtype(), ", for which the format has no name");
  if (!tensor.is_contiguous())
    fail("safetensors: tensor ", core::quoted(name), " of shape ", tensor.shape(), " is not contiguous: call contiguous() first");
  std::size_t const bytes = static_cast<std::size_t>(tensor.numel()) * element_bytes(dtype);
  return {std::move(name), dtype, {tensor.shape().begin(), tensor.shape().end()}, tensor.data(), bytes};
}

/// The tensor of an entry, copied. Throws `Error` when the entry's type is not T or its rank is over 8.
template <class T>
Tensor<T> from_entry(TensorEntry const& entry) {
  if (entry.dtype != safetensors_dtype<T>())
    fail("safetensors: tensor ", core::quoted(entry.name), " has dtype ", entry.dtype, ", expected ", safetensors_dtype<T>());
  if (entry.shape.size() > static_cast<std::size_t>(max_rank))
    fail("safetensors: tensor ", core::quoted(entry.name), " has ", entry.shape.size(), " dimensions, at most ", max_rank, " fit");
  Dims shape;
  for (std::int64_t const extent : entry.shape) shape.push_back(extent);
  Tensor<T> tensor(Tensor<T>::uninitialized, shape);
  if constexpr (std::is_same_v<T, bool>) {
    // Any other byte than 0 and 1 is no bool: comparing makes it one.
    auto* out = tensor.data();
    auto const* in = static_cast<unsigned char const*>(entry.data);
    for (std::size_t i = 0; i < entry.bytes; ++i) out[i] = in[i] != 0;
  } else if (entry.bytes > 0) {
    std::memcpy(tensor.data(), entry.data, entry.bytes);
  }
  return tensor;
}

}  // namespace io
}  // namespace wick::inline WICK_ISA
