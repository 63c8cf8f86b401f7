// SPDX-License-Identifier: MIT
// Where elements live, as a run-time value: "cpu", "cuda", "cuda:1", "thrust".
#pragma once

#include <string_view>

#include <wick/base/error.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// A place that holds tensors and runs kernels. Made from its name: `Device("cuda:0")`. "thrust" is host memory on which the
/// kernels of the GPU run, compiled for the processor: for tests, and for machines without one; "thrust:1" is a second such.
class Device {
 public:
  enum class Kind : std::uint8_t { cpu, cuda, thrust };

  constexpr Device() = default;
  constexpr Device(char const* name) : Device(std::string_view(name)) {}
  /// Throws Error when `name` is none of "cpu", "cuda", "cuda:N", "thrust", "thrust:N".
  constexpr Device(std::string_view name) {
    if (name == "cpu") return;
    for (Kind const kind : {Kind::cuda, Kind::thrust}) {
      std::string_view const word = kind == Kind::cuda ? "cuda" : "thrust";
      if (!name.starts_with(word)) continue;
      std::string_view const rest = name.substr(word.size());
      bool const numbered = rest.size() == 2 && rest[0] == ':' && rest[1] >= '0' && rest[1] <= '9';
      if (!rest.empty() && !numbered) continue;
      kind_ = kind;
      number_ = numbered ? static_cast<std::int8_t>(rest[1] - '0') : 0;
      return;
    }
    fail("device: \"", name, "\" is not a device; known are \"cpu\", \"cuda\", \"cuda:0\" to \"cuda:9\", and \"thrust\"");
  }

  constexpr Kind kind() const { return kind_; }
  constexpr int number() const { return number_; }
  friend constexpr bool operator==(Device, Device) = default;
  friend std::ostream& operator<<(std::ostream& out, Device device) {
    if (device.kind_ == Kind::cuda) return out << "cuda:" << device.number();
    out << (device.kind_ == Kind::cpu ? "cpu" : "thrust");
    return device.number() ? out << ':' << device.number() : out;
  }

 private:
  Kind kind_ = Kind::cpu;
  std::int8_t number_ = 0;
};

}  // namespace wick
WICK_PRECISE_END
