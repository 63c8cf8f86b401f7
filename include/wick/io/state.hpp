// SPDX-License-Identifier: MIT
// save and load: a module's parameters and buffers as a safetensors file with PyTorch's names.
#pragma once

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
    kept.push_back(std::make_shared<Tensor<T>>(Tensor<T>(tensor).contiguous().to(Device())));
    entries.push_back(io::to_entry(name, *static_cast<Tensor<T>*>(kept.back().get())));
  }
  std::vector<std::shared_ptr<void>> kept;  // the elements that the entries point to
};

struct CheckEntries {
  io::SafetensorsFile const& file;
  std::string problems{};
  void enter(auto&) {}
  template <class T>
  void parameter(std::string const& name, Variable<T>& variable) { check<T>(name, variable.shape()); }
  template <class T, class E>
  void buffer(std::string const& name, Tensor<T, E>& tensor) { check<T>(name, tensor.shape()); }
  template <class T>
  void check(std::string const& name, Dims const& shape) {
    io::TensorEntry const* const entry = file.find(name);
    std::ostringstream problem;
    if (!entry) {
      problem << "\n  missing: " << name << " of shape " << shape;
    } else {
      Dims stored;
      for (std::int64_t extent : entry->shape) stored.push_back(extent);
      if (!(stored == shape)) problem << "\n  " << name << " has shape " << stored << " in the file, " << shape << " in the module";
      else if (entry->dtype != io::safetensors_dtype<T>())
        problem << "\n  " << name << " has type " << entry->dtype << " in the file, " << io::safetensors_dtype<T>() << " in the module";
    }
    problems += problem.str();
  }
};

struct TakeEntries {
  io::SafetensorsFile const& file;
  void enter(auto&) {}
  template <class T>
  void parameter(std::string const& name, Variable<T>& variable) { variable.set_value(io::from_entry<T>(*file.find(name)).to(variable.device())); }
  template <class T, class E>
  void buffer(std::string const& name, Tensor<T, E>& tensor) { tensor = io::from_entry<T>(*file.find(name)).to(tensor.device()); }
};

struct NameList {
  std::vector<std::string> names;
  void enter(auto&) {}
  void parameter(std::string const& name, auto&) { names.push_back(name); }
  void buffer(std::string const& name, auto&) { names.push_back(name); }
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
  detail::CheckEntries check{file};
  detail::visit_members("", module, check);
  detail::NameList list;
  detail::visit_members("", module, list);
  for (auto const& entry : file.entries) {
    bool expected = false;
    for (auto const& name : list.names) expected |= name == entry.name;
    if (!expected) check.problems += "\n  unexpected: " + entry.name;
  }
  if (!check.problems.empty()) fail("load: ", path, " does not fit the module:", check.problems);
  detail::TakeEntries take{file};
  detail::visit_members("", module, take);
}

}  // namespace wick::inline WICK_ISA
