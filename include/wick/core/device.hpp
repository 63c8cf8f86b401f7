// SPDX-License-Identifier: MIT
// Where elements live, as a run-time value: "cpu", "cuda", "cuda:1".
#pragma once

#include <string_view>

#include <wick/base/error.hpp>

namespace wick {

/// A place that holds tensors and runs kernels. Made from its name: `Device("cuda:0")`.
class Device {
 public:
  enum class Kind : std::uint8_t { cpu, cuda };

  constexpr Device() = default;
  constexpr Device(char const* name) : Device(std::string_view(name)) {}
  /// Throws Error when `name` is none of "cpu", "cuda", "cuda:N".
  constexpr Device(std::string_view name) {
    if (name == "cpu") return;
    if (name == "cuda" || (name.size() == 6 && name.substr(0, 5) == "cuda:" && name[5] >= '0' && name[5] <= '9')) {
      kind_ = Kind::cuda;
      number_ = name.size() == 6 ? static_cast<std::int8_t>(name[5] - '0') : 0;
      return;
    }
    fail("device: \"", name, "\" is not a device; known are \"cpu\", \"cuda\" and \"cuda:0\" to \"cuda:9\"");
  }

  constexpr Kind kind() const { return kind_; }
  constexpr int number() const { return number_; }
  friend constexpr bool operator==(Device, Device) = default;
  friend std::ostream& operator<<(std::ostream& out, Device device) {
    return device.kind_ == Kind::cpu ? out << "cpu" : out << "cuda:" << device.number();
  }

 private:
  Kind kind_ = Kind::cpu;
  std::int8_t number_ = 0;
};

/// Throws Error unless this build can run on `device`.
inline void require_device(char const* operation, Device device) {
  if (device.kind() != Device::Kind::cpu)
    fail(operation, ": this build has no ", device,
         "; it is a CPU build: configure with -DWICK_CUDA=ON (CMake preset \"cuda\") and compile the file with nvcc");
}

}  // namespace wick
