// SPDX-License-Identifier: MIT
// What the two libraries offer each other. Only vocabulary types cross: they have the same layout whatever the flags.
#pragma once

#include <wick/core/tensor.hpp>

namespace wick {
template <class T>
class Variable;
}

#define MIXED_LIBRARY(name)                                                                   \
  namespace name {                                                                            \
  /** The instruction set that this library was compiled for. */                              \
  char const* isa();                                                                          \
  /** 0, 1, 2, ... of this shape, in a block from this library. */                            \
  wick::Tensor<float> make(wick::Dims const& shape);                                          \
  /** tanh(x * y + 1) - softmax(x, -1), computed by this library's kernels. */                \
  wick::Tensor<float> formula(wick::Tensor<float> const& x, wick::Tensor<float> const& y);    \
  /** Takes the tensor over and lets it go here. */                                           \
  void drop(wick::Tensor<float> x);                                                           \
  /** Writes into the tensor, which may be shared. */                                         \
  void write(wick::Tensor<float>& x);                                                         \
  /** sum(sigmoid(x * w)), recorded here. */                                                  \
  wick::Variable<float> record(wick::Variable<float> const& w, wick::Tensor<float> const& x); \
  /** backward, run by this library. */                                                       \
  void differentiate(wick::Variable<float> const& y);                                         \
  /** True if an error of the other library is caught as wick::Error here. */                 \
  bool catches(void (*thrower)());                                                            \
  void throw_error();                                                                         \
  /** The sum of what functions that make and print tensors give. */                          \
  double make_and_print();                                                                    \
  /** True if access to an element through a view is checked here. */                         \
  bool checks_bounds();                                                                       \
  }

MIXED_LIBRARY(plain_x86)
MIXED_LIBRARY(with_avx2)
#undef MIXED_LIBRARY
