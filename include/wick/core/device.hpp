// SPDX-License-Identifier: MIT
// Where elements live, as a run-time value: "cpu", "cuda", "cuda:1", "thrust".
#pragma once

#include <string_view>

#include <wick/base/error.hpp>

namespace wick {

/// A place that holds tensors and runs kernels. Made from its name: `Device("cuda:0")`. "thrust" is host memory on which the
/// kernels of the GPU run, compiled for the processor: for tests, and for machines without one.
class Device {
 public:
  enum class Kind : std::uint8_t { cpu, cuda, thrust };

  constexpr Device() = default;
  constexpr Device(char const* name) : Device(std::string_view(name)) {}
  /// Throws Error when `name` is none of "cpu", "cuda", "cuda:N", "thrust".
  constexpr Device(std::string_view name) {
    if (name == "cpu") return;
    if (name == "cuda" || (name.size() == 6 && name.substr(0, 5) == "cuda:" && name[5] >= '0' && name[5] <= '9')) {
      kind_ = Kind::cuda;
      number_ = name.size() == 6 ? static_cast<std::int8_t>(name[5] - '0') : 0;
      return;
    }
    if (name == "thrust") {
      kind_ = Kind::thrust;
      return;
    }
    fail("device: \"", name, "\" is not a device; known are \"cpu\", \"cuda\", \"cuda:0\" to \"cuda:9\", and \"thrust\"");
  }

  constexpr Kind kind() const { return kind_; }
  constexpr int number() const { return number_; }
  friend constexpr bool operator==(Device, Device) = default;
  friend std::ostream& operator<<(std::ostream& out, Device device) {
    if (device.kind_ == Kind::cuda) return out << "cuda:" << device.number();
    return out << (device.kind_ == Kind::cpu ? "cpu" : "thrust");
  }

 private:
  Kind kind_ = Kind::cpu;
  std::int8_t number_ = 0;
};

}  // namespace wick
