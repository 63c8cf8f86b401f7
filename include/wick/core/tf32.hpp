// SPDX-License-Identifier: MIT
// Whether libraries on a GPU may compute with fewer digits than the elements have.
#pragma once

#include <atomic>

#include <wick/core/allocator.hpp>

WICK_PRECISE_BEGIN
namespace wick {
namespace core {
WICK_SHARED inline constinit std::atomic<bool> tf32{false};
}  // namespace core

/// Whether products and convolutions of float on CUDA devices may round their operands to TF32, that is to 10 binary
/// digits, as tensor cores multiply them. False unless a program asks for it, as
/// torch.backends.cuda.matmul.allow_tf32; convolutions follow it too. May be called at any time, from any thread: it
/// counts for what starts later.
inline void allow_tf32(bool allowed) { core::tf32.store(allowed, std::memory_order_relaxed); }
/// What `allow_tf32` was told last.
inline bool tf32_allowed() { return core::tf32.load(std::memory_order_relaxed); }

}  // namespace wick
WICK_PRECISE_END
