// SPDX-License-Identifier: MIT
// What the machine can do, the roof over every kernel: fused multiply-adds that stay in registers, and memory far
// larger than the caches, copied and read. Each program's flop/s and bytes/s stand beside these.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <wick/tensor.hpp>

namespace {

using benchmark::Counter;

// More chains than the latency of a multiply-add times the units that start one each cycle (5 x 2 at most so far), and
// with the two constants no more than the 16 registers of AVX2.
constexpr std::size_t chains = 12;
constexpr std::int64_t rounds = 1'000'000;

// What each thread does is worth waking it, see wick::parallel_for.
constexpr std::int64_t much = 1'000'000;

template <class T>
void chains_of_fma() {
  using Batch = xsimd::batch<T>;
  std::array<Batch, chains> x;
  for (std::size_t i = 0; i < chains; ++i) x[i] = Batch(static_cast<T>(i));
  Batch factor(T(0.5)), term(T(1));
  benchmark::DoNotOptimize(factor), benchmark::DoNotOptimize(term);  // else they are folded
  for (std::int64_t round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < chains; ++i) x[i] = xsimd::fma(x[i], factor, term);
  benchmark::DoNotOptimize(x);
}

template <class T>
void fma(benchmark::State& state) {
  auto const threads = state.range(0);
  wick::set_num_threads(static_cast<int>(threads));
  for (auto _ : state)
    wick::parallel_for(threads, 1, [](std::int64_t begin, std::int64_t end) {
      for (; begin < end; ++begin) chains_of_fma<T>();
    }, much);
  auto const flops = 2 * threads * rounds * static_cast<std::int64_t>(chains * xsimd::batch<T>::size);
  state.counters["flop/s"] = Counter(static_cast<double>(flops), Counter::kIsIterationInvariantRate);
}
void fma_float(benchmark::State& state) { fma<float>(state); }
void fma_double(benchmark::State& state) { fma<double>(state); }

// 256 MB, in parts of whole lines of the cache for each thread.
constexpr std::int64_t n = std::int64_t{1} << 26;

// Stores that go around the caches: others read each line first that they overwrite.
void stream(float* to, float const* from, std::int64_t count) {
#if defined(__AVX512F__)
  for (std::int64_t i = 0; i < count; i += 16) _mm512_stream_ps(to + i, _mm512_loadu_ps(from + i));
  _mm_sfence();
#elif defined(__AVX__)
  for (std::int64_t i = 0; i < count; i += 8) _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
#endif
}

void copy(benchmark::State& state) {
  auto const threads = state.range(0);
  wick::set_num_threads(static_cast<int>(threads));
  auto const from = wick::ones<float>({n});
  auto to = wick::zeros<float>({n});
  float* const target = to.data();
  for (auto _ : state) {
    wick::parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const low = n / threads * begin, high = n / threads * end;
      stream(target + low, from.data() + low, high - low);
    }, much);
    benchmark::ClobberMemory();
  }
  state.counters["bytes/s"] = Counter(8. * n, Counter::kIsIterationInvariantRate);
}

void read(benchmark::State& state) {
  using Batch = xsimd::batch<float>;
  constexpr auto width = static_cast<std::int64_t>(Batch::size);
  auto const threads = state.range(0);
  wick::set_num_threads(static_cast<int>(threads));
  auto const from = wick::ones<float>({n});
  for (auto _ : state) {
    wick::parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      std::int64_t const low = n / threads * begin, high = n / threads * end;
      std::array<Batch, 8> total;
      total.fill(Batch(0.f));
      for (float const* p = from.data() + low; p + 8 * width <= from.data() + high;)
        for (Batch& t : total) t += Batch::load_unaligned(p), p += width;
      benchmark::DoNotOptimize(total);
    }, much);
  }
  state.counters["bytes/s"] = Counter(4. * n, Counter::kIsIterationInvariantRate);
}

}  // namespace

#define WICK_BENCH(name) BENCHMARK(name)->ArgName("threads")->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()
WICK_BENCH(fma_float);
WICK_BENCH(fma_double);
WICK_BENCH(copy);
WICK_BENCH(read);

BENCHMARK_MAIN();
