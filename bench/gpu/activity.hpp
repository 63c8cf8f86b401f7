// SPDX-License-Identifier: MIT
// When kernels, copies and fills ran on the GPU, as CUPTI tells; from that, the gaps between them.
#pragma once

#include <cupti.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace gpu {

/// Nanoseconds of the GPU's clock.
struct Span {
  std::uint64_t begin, end;
};

namespace detail {
inline std::vector<Span> spans;  // filled by CUPTI's callback while it is flushed

inline void check(CUptiResult status) {
  if (status == CUPTI_SUCCESS) return;
  char const* text = "";
  cuptiGetResultString(status, &text);
  throw std::runtime_error(std::string("CUPTI: ") + text);
}
template <class Record>
void add(CUpti_Activity const* record) {
  auto const* const r = reinterpret_cast<Record const*>(record);
  spans.push_back({r->start, r->end});
}
inline void CUPTIAPI give_buffer(std::uint8_t** buffer, std::size_t* bytes, std::size_t* most_records) {
  *bytes = std::size_t{1} << 20, *most_records = 0;
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(64, *bytes));
}
inline void CUPTIAPI take_buffer(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
    if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL) add<CUpti_ActivityKernel10>(record);
    else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) add<CUpti_ActivityMemcpy6>(record);
    else if (record->kind == CUPTI_ACTIVITY_KIND_MEMSET) add<CUpti_ActivityMemset4>(record);
  }
  std::free(buffer);
}
}  // namespace detail

/// Everything that the GPU did for `work`, which waits for it to end; in order of its beginning.
template <class Work>
std::vector<Span> activity_of(Work const& work) {
  using detail::check;
  constexpr CUpti_ActivityKind kinds[] = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET};
  detail::spans.clear();
  check(cuptiActivityRegisterCallbacks(&detail::give_buffer, &detail::take_buffer));
  for (auto const kind : kinds) check(cuptiActivityEnable(kind));
  work();
  check(cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED));
  for (auto const kind : kinds) check(cuptiActivityDisable(kind));
  std::sort(detail::spans.begin(), detail::spans.end(), [](Span a, Span b) { return a.begin < b.begin; });
  return detail::spans;
}

/// The longest time, in seconds, in which nothing ran between the first of these and the last.
inline double longest_gap(std::vector<Span> const& spans) {
  std::uint64_t longest = 0, end = spans.empty() ? 0 : spans[0].end;
  for (Span const s : spans) {
    if (s.begin > end) longest = std::max(longest, s.begin - end);
    end = std::max(end, s.end);
  }
  return 1e-9 * static_cast<double>(longest);
}

}  // namespace gpu
