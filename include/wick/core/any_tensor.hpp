// SPDX-License-Identifier: MIT
// A tensor whose element type is known at run time: for files, state dicts, servers, and models of mixed element types.
#pragma once

#include <ostream>
#include <string_view>
#include <type_traits>

#include <wick/core/tensor.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {

/// Says which type T is, also where it is a user's own.
template <class T>
constexpr std::string_view type_text() { return __PRETTY_FUNCTION__; }

/// Calls f(std::type_identity<T>{}) for the element type that `dtype` names. Throws Error for a user's own type.
template <class F>
decltype(auto) with_dtype(char const* operation, Dtype dtype, F const& f) {
  switch (dtype) {
    case Dtype::bool_: return f(std::type_identity<bool>{});
    case Dtype::int8: return f(std::type_identity<std::int8_t>{});
    case Dtype::int16: return f(std::type_identity<std::int16_t>{});
    case Dtype::int32: return f(std::type_identity<std::int32_t>{});
    case Dtype::int64: return f(std::type_identity<std::int64_t>{});
    case Dtype::uint8: return f(std::type_identity<std::uint8_t>{});
    case Dtype::uint16: return f(std::type_identity<std::uint16_t>{});
    case Dtype::uint32: return f(std::type_identity<std::uint32_t>{});
    case Dtype::uint64: return f(std::type_identity<std::uint64_t>{});
    case Dtype::float16: return f(std::type_identity<float16>{});
    case Dtype::bfloat16: return f(std::type_identity<bfloat16>{});
    case Dtype::float32: return f(std::type_identity<float>{});
    case Dtype::float64: return f(std::type_identity<double>{});
    case Dtype::complex64: return f(std::type_identity<std::complex<float>>{});
    case Dtype::complex128: return f(std::type_identity<std::complex<double>>{});
    case Dtype::other: break;
  }
  fail(operation, ": the elements are of a type that the program made itself; take them by as<T>()");
}

}  // namespace core

/// A value, as a Tensor is: elements of any type, shape and device. Copies share memory until one is written.
class AnyTensor {
 public:
  /// No elements: float32 of shape (0,).
  AnyTensor() : AnyTensor(Tensor<float>()) {}
  template <class T, class E>
  AnyTensor(Tensor<T, E, Heap> const& x)
      : storage_(x.storage()), data_(const_cast<base_t<T>*>(x.data())), layout_(x.layout()), dtype_(dtype_of<T>()), type_(core::type_text<T>()) {}

  Dtype dtype() const { return dtype_; }
  Dims const& shape() const { return layout_.shape; }
  Strides const& strides() const { return layout_.strides; }
  int dim() const { return layout_.rank(); }
  std::int64_t numel() const { return layout_.numel(); }
  Device device() const { return storage_.device(); }
  bool is_contiguous() const { return layout_.contiguous; }

  /// True when the elements are of type T.
  template <class T>
  bool is() const { return dtype_ == dtype_of<T>() && (dtype_ != Dtype::other || type_ == core::type_text<T>()); }
  /// The tensor, which shares its memory. Throws Error unless its elements are of type T.
  template <class T>
  Tensor<T> as() const {
    if (!is<T>()) fail("as: the tensor of shape ", shape(), " has elements of type ", dtype_, ", not ", dtype_of<T>(), "; convert it by cast<T>(x.as<...>())");
    return Tensor<T>(storage_, static_cast<base_t<T>*>(data_), layout_);
  }
  /// f(Tensor<T>) for the type that the elements have. Throws Error for a type that the program made itself.
  template <class F>
    requires std::is_invocable_v<F const&, Tensor<float>>  // a tensor is no nn::Module, which has a visit too
  decltype(auto) visit(F const& f) const {
    return core::with_dtype("visit", dtype_, [&]<class T>(std::type_identity<T>) -> decltype(auto) { return f(as<T>()); });
  }
  /// The same elements in row-major order.
  template <class Isa = IsaTag>
  AnyTensor contiguous() const {
    if (is_contiguous()) return *this;
    return visit([](auto const& x) { return AnyTensor(x.contiguous()); });
  }
  /// The same elements on another device.
  template <class Isa = IsaTag>
  AnyTensor to(Device target) const {
    if (target == device()) return *this;
    return visit([&](auto const& x) { return AnyTensor(x.to(target)); });
  }
  /// The first element, wherever it is; for reading, row by row when `is_contiguous`.
  void const* data() const { return data_; }

 private:
  Storage storage_;
  void* data_;
  Layout layout_;
  Dtype dtype_;
  std::string_view type_;
};

/// Prints the tensor as its type would be printed.
template <class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, AnyTensor const& x) {
  x.visit([&](auto const& tensor) { out << tensor; });
  return out;
}

}  // namespace wick
WICK_PRECISE_END
