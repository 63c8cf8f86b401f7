// SPDX-License-Identifier: MIT
// The one exception of Wick: a sentence that names the operation, the shapes and the dimension at fault.
#pragma once

#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// Every error that Wick reports; `what()` is a sentence for the user.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace core {

/// Collects the parts of a sentence, written as they are in every country: whatever locale the program has chosen.
class Sentence : public std::ostringstream {
 public:
  Sentence() { imbue(std::locale::classic()); }
};

}  // namespace core

/// Throws `Error` with the parts written one after another, as `std::ostream` prints them.
template <class... Parts>
[[noreturn]] WICK_COLD void fail(Parts const&... parts) {
  core::Sentence sentence;
  (sentence << ... << parts);
  throw Error(sentence.str());
}

}  // namespace wick
WICK_PRECISE_END
