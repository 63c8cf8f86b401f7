// SPDX-License-Identifier: MIT
// save and load: a module's parameters and buffers as a safetensors file with PyTorch's names.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <wick/io/entry.hpp>
#include <wick/nn/module.hpp>

namespace wick::inline WICK_ISA {

namespace detail {

struct CollectEntries {
  std::vector<io::TensorEntry> entries;
  void enter(auto&) {}
  template <class T>
  void parameter(std::string const& name, Variable<T>& variable) { add(name, variable.value()); }
  template <class T, class E>
  void buffer(std::string const& name, Tensor<T, E>& tensor) { add(name, tensor); }
  template <class T, class E>
  void add(std::string const& name, Tensor<T, E> const& tensor) {
    kept.push_back(Tensor<T>(tensor).contiguous().to(Device()));
    entries.push_back(io::to_entry(name, kept.back()));
  }
  std::vector<AnyTensor> kept;  // the elements that the entries point to
};

// Where a file and a module do not fit, one line each.
class Problems {
 public:
  // The list is for somebody to read: a file of another network would fill pages.
  template <class... Parts>
  void add(Parts const&... parts) {
    if (++count_ > shown) return;
    ((text_ << "\n  ") << ... << parts);
  }
  bool empty() const { return count_ == 0; }
  std::string text() const {
    return count_ > shown ? text_.str() + "\n  and " + std::to_string(count_ - shown) + " more" : text_.str();
  }

 private:
  static constexpr std::int64_t shown = 30;
  std::int64_t count_ = 0;
  core::Sentence text_;
};

// Makes the new value of every member, and changes none.
struct TakeEntries {
  io::SafetensorsFile const& file;
  Problems problems{};
  std::vector<std::string> names{};
  struct Pending {
    void* member;
    AnyTensor value;
    void (*put)(void* member, AnyTensor const& value);  // shares, which does not throw
  };
  std::vector<Pending> pending{};

  void enter(auto&) {}
  template <class T>
  void parameter(std::string const& name, Variable<T>& variable) {
    take<T>(name, variable, variable.shape(), variable.device(),
            [](Variable<T>& member, Tensor<T>&& value) { member.set_value(std::move(value)); });
  }
  template <class T, class E>
  void buffer(std::string const& name, Tensor<T, E>& tensor) {
    take<T>(name, tensor, tensor.shape(), tensor.device(), [](Tensor<T, E>& member, Tensor<T>&& value) { member = std::move(value); });
  }
  template <class T, class Member, class Put>
  void take(std::string const& name, Member& member, Dims const& shape, Device device, Put) {
    names.push_back(name);
    io::TensorEntry const* const entry = file.find(name);
    if (!entry) {
      problems.add("missing: ", name, " of shape ", shape);
    } else if (!std::equal(shape.begin(), shape.end(), entry->shape.begin(), entry->shape.end())) {
      problems.add(name, " has shape ", io::detail::shape_text(entry->shape), " in the file, ", shape, " in the module");
    } else if (entry->dtype != io::safetensors_dtype<T>()) {
      problems.add(name, " has type ", entry->dtype, " in the file, ", io::safetensors_dtype<T>(), " in the module");
    } else if (problems.empty()) {
      pending.push_back({&member, io::from_entry<T>(*entry).to(device),
                         [](void* to, AnyTensor const& from) { Put()(*static_cast<Member*>(to), from.as<T>()); }});
    }
  }
};

}  // namespace detail

/// Writes a module's parameters and buffers to a safetensors file; an existing file is replaced only when the new one is
/// whole. Throws Error when it cannot be written.
template <Module M>
void save(M& module, std::string const& path) {
  detail::CollectEntries collect;
  detail::visit_members("", module, collect);
  io::write_safetensors(path, collect.entries);
}
/// Reads a module's parameters and buffers from a safetensors file, by name. Throws Error listing every name that is
/// missing, unexpected or of another shape or type; the module is changed only when all of them fit.
template <Module M>
void load(M& module, std::string const& path) {
  auto const file = io::read_safetensors(path);
  detail::TakeEntries take{file};
  detail::visit_members("", module, take);
  std::sort(take.names.begin(), take.names.end());
  for (auto const& entry : file.entries)
    if (!std::binary_search(take.names.begin(), take.names.end(), entry.name)) take.problems.add("unexpected: ", core::escaped(entry.name));
  if (!take.problems.empty()) fail("load: ", core::quoted_path(path), " does not fit the module:", take.problems.text());
  for (auto const& pending : take.pending) pending.put(pending.member, pending.value);
}

}  // namespace wick::inline WICK_ISA
