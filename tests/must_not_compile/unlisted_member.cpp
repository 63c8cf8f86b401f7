// SPDX-License-Identifier: MIT
// A member that is a module and that WICK_MODULE does not name would not be trained.
// EXPECT: WICK_MODULE\(...\) does not name a member that is a module or a variable
#include <wick/nn/layers.hpp>

using namespace wick;

struct Net {
  nn::Linear<> fc1{4, 8}, fc2{8, 2};
#if defined(WICK_CONTROL)
  WICK_MODULE(fc1, fc2)
#else
  WICK_MODULE(fc1)
#endif
};

void control_and_case() {
  Net net;
  zero_grad(net);
}
