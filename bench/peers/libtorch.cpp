// SPDX-License-Identifier: MIT
// The work of bench/small.cpp with LibTorch from C++. Built by bench/run.py against the headers of the PyTorch wheel,
// not by CMake. Writes one JSON object: seconds of one round, several times.
#include <torch/torch.h>

#include <chrono>
#include <cstdio>

template <class Round>
void measure(char const* name, Round const& round, bool last = false) {
  constexpr int rounds = 2000;
  for (int i = 0; i < rounds; ++i) round();
  std::printf("\"%s\": [", name);
  for (int repetition = 0; repetition < 9; ++repetition) {
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < rounds; ++i) round();
    std::chrono::duration<double> const time = std::chrono::steady_clock::now() - start;
    std::printf("%s%.4g", repetition ? ", " : "", time.count() / rounds);
  }
  std::printf("]%s", last ? "}\n" : ", ");
}

int main() {
  torch::set_num_threads(1);
  auto const x = torch::randn({8}), w = torch::randn({8}), b = torch::randn({8});
  auto y = torch::zeros({8});
  std::printf("{");
  {
    torch::NoGradGuard const guard;
    measure("multiply_add", [&] { torch::addcmul_out(y, b, x, w); });
    measure("tanh_multiply_add", [&] { y = torch::tanh(x * w + b); });
    measure("chain", [&] { y = torch::tanh(x * w + b) * torch::sigmoid(x) + torch::exp(w * b); });
  }
  auto const vx = torch::randn({8}).requires_grad_(), vw = torch::randn({8}).requires_grad_();
  measure(
      "backward_round",
      [&] {
        vx.mutable_grad().reset(), vw.mutable_grad().reset();
        torch::sum(torch::tanh(vx * vw + vw)).backward();
      },
      true);
}
