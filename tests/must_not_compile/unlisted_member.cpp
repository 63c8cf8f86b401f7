// SPDX-License-Identifier: MIT
// A member that is a module and that WICK_MODULE does not name would not be trained; nor would what a struct without visit holds.
// EXPECT: WICK_MODULE\(...\) does not name a member that is a module or a variable
// EXPECT: a member that holds a module or a variable has no visit
// EXPECT: unique_ptr
#include <wick/nn/layers.hpp>

using namespace wick;

struct Residual {
  nn::Linear<> inner{4, 4};
#if defined(WICK_CONTROL)
  WICK_MODULE(inner)
#endif
};
struct Net {
  nn::Linear<> fc1{4, 8}, fc2{8, 2};
#if defined(WICK_CONTROL)
  WICK_MODULE(fc1, fc2)
#else
  WICK_MODULE(fc1)
#endif
};
struct Deep {
  Residual first;
  std::vector<Residual> others;
  int count = 0;
  WICK_MODULE(first, others)
};
struct ByPointer {
  std::unique_ptr<nn::Linear<>> inner;
#if defined(WICK_CONTROL)
  void visit(auto&& member) {
    if (inner) member("inner", *inner);
  }
#else
  WICK_MODULE(inner)
#endif
};

void control_and_case() {
  Net net;
  zero_grad(net);
  Deep deep;
  zero_grad(deep);
  ByPointer pointer;
  zero_grad(pointer);
}
