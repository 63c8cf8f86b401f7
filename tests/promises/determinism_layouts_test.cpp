// SPDX-License-Identifier: MIT
// P6 over odd extents and strided operands: no cut between threads falls where a register or a block ends.
#include "bits.hpp"

using namespace bits;

TEST_CASE("odd extents and strided operands have the same bits for any number of threads") {
  Tensor<float> const cube = noise({37, 129, 53}, 1), turned = cube.permute({2, 0, 1}), line = noise({1000007}, 2);
  check("sums over each axis", [&]() -> Results { return {sum(cube, {0}), sum(cube, {1}), sum(cube, {2})}; });
  check("sums of turned operands", [&]() -> Results { return {sum(turned, {0}), sum(turned, {1}), sum(turned, {2})}; });
  check("sums over two axes", [&]() -> Results {
    return {sum(cube * 2 + 1, {0, 1}), sum(cube * 2 + 1, {1, 2}), sum(cube * 2 + 1, {0, 2})};
  });
  check("strided lines", [&]() -> Results {
    return {sum(line(Slice({}, {}, 3))), mean(line(Slice({}, {}, -1))), tanh(line(Slice({}, {}, -2)))};
  });
  check("rows", [&]() -> Results {
    return {softmax(cube, 0), softmax(cube, 1), softmax(cube, 2), layer_norm(turned), softmax(tanh(turned) * 2, 1)};
  });
}
