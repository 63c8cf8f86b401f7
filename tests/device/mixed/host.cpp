// SPDX-License-Identifier: MIT
// The half of a program that g++ compiles: it makes, moves, holds and frees tensors of the GPU, and computes on the host.
#include <cstdio>
#include <wick/wick.hpp>

using namespace wick;

Tensor<float> on_the_device(Tensor<float> const& x, Tensor<float> const& w);  // compiled by nvcc
double gradient_on_the_device(Variable<float> const& v);

int main() {
  Tensor<float> const x = randn<float>({33, 70}), w = randn<float>({70});
  Tensor<float> const here = tanh(x * w + 1) * sigmoid(x);
  Tensor<float> a, b;
  try {
    a = x.to("cuda"), b = w.to("cuda");
  } catch (Error const& error) {
    std::printf("compiled and linked; not run: %s\n", error.what());
    return 0;
  }
  Tensor<float> held = a;  // a second handle, freed here
  Tensor<float> const y = on_the_device(held, b);
  held = Tensor<float>();
  double const difference = max(abs(y.to("cpu") - here)).item();
  std::string sentence;
  try {
    Tensor<float> const z = a * b;
  } catch (Error const& error) {
    sentence = error.what();
  }
  bool const says = sentence.find("put the formula into a .cu file") != std::string::npos;
  Variable<float> const v(a);
  double const gradient = gradient_on_the_device(v) - 2 * Tensor<float>(sum(x)).item();
  std::printf("difference %g, gradient %g, \"%s\"\n", difference, gradient, sentence.c_str());
  return difference < 1e-5 && gradient < 1e-2 && gradient > -1e-2 && says ? 0 : 1;
}
