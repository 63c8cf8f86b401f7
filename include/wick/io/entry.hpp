// SPDX-License-Identifier: MIT
// Tensors as entries of a safetensors file, and back.
#pragma once

#include <complex>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include <wick/io/safetensors.hpp>
#include <wick/tensor.hpp>

namespace wick::inline WICK_ISA {
namespace io {

/// How safetensors spells the element type T.
template <class T>
constexpr char const* safetensors_dtype() {
  if constexpr (std::is_same_v<T, bool>)
    return "BOOL";
  else if constexpr (std::is_same_v<T, float16>)
    return "F16";
  else if constexpr (std::is_same_v<T, bfloat16>)
    return "BF16";
  else if constexpr (std::is_same_v<T, float>)
    return "F32";
  else if constexpr (std::is_same_v<T, double>)
    return "F64";
  else if constexpr (std::is_same_v<T, std::complex<float>>)
    return "C64";
  else {
    static_assert(std::is_integral_v<T>, "safetensors has no name for this element type");
    constexpr char const* with_sign[] = {"I8", "I16", "I32", "I64"};
    constexpr char const* without[] = {"U8", "U16", "U32", "U64"};
    constexpr int step = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? with_sign[step] : without[step];
  }
}

/// The entry of a contiguous tensor, which must live until the file is written. Throws `Error` when it is strided.
template <class T>
TensorEntry to_entry(std::string name, Tensor<T> const& tensor) {
  if (!tensor.is_contiguous())
    fail("safetensors: tensor ", core::quoted(name), " of shape ", tensor.shape(), " is not contiguous: call contiguous() first");
  return {std::move(name),
          safetensors_dtype<T>(),
          {tensor.shape().begin(), tensor.shape().end()},
          tensor.data(),
          static_cast<std::size_t>(tensor.numel()) * sizeof(T)};
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
