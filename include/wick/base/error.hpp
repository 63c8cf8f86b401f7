// SPDX-License-Identifier: MIT
// The one exception of Wick: a sentence that names the operation, the shapes and the dimension at fault.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <wick/base/config.hpp>

namespace wick {

/// Every error that Wick reports; `what()` is a sentence for the user.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws `Error` with the parts written one after another, as `std::ostream` prints them.
template <class... Parts>
[[noreturn]] WICK_COLD void fail(Parts const&... parts) {
  std::ostringstream sentence;
  (sentence << ... << parts);
  throw Error(sentence.str());
}

}  // namespace wick
