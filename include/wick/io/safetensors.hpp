// SPDX-License-Identifier: MIT
// Writes and reads safetensors files: 8 bytes of header length (little endian), a JSON header that gives each tensor's
// type, shape and place, then the elements without a gap (https://github.com/huggingface/safetensors, "Format").
#pragma once

#include <map>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>
#include <wick/io/file.hpp>
#include <wick/io/safetensors_header.hpp>

namespace wick::inline WICK_ISA {
namespace io {

/// What a file holds. Copies share the memory that `entries` point to; it is aligned for every type.
struct SafetensorsFile {
  std::vector<TensorEntry> entries;             ///< in the order of their elements in the file
  std::vector<std::size_t> by_name;             ///< places in `entries`, in the order of the names
  std::map<std::string, std::string> metadata;  ///< the header's "__metadata__"
  std::shared_ptr<std::byte const> memory;

  /// The entry of this name, or null.
  TensorEntry const* find(std::string_view name) const {
    auto const found = std::lower_bound(by_name.begin(), by_name.end(), name,
                                        [&](std::size_t i, std::string_view other) { return entries[i].name < other; });
    return found == by_name.end() || entries[*found].name != name ? nullptr : &entries[*found];
  }
};

/// Writes tensors to the safetensors file `path`, which is replaced when everything has been written and not touched
/// before. Larger element types come first, so that all are aligned; else the order is kept. Throws `Error` for an
/// entry that contradicts itself, a name that stands twice, and whatever the file system refuses (a full disk, a
/// missing folder).
WICK_COLD inline void write_safetensors(std::filesystem::path const& path, std::vector<TensorEntry> const& entries,
                              std::map<std::string, std::string> const& metadata = {}) {
#if WICK_HAS_JSON
  std::string const where = "safetensors: " + core::quoted_path(path.string());
  std::vector<TensorEntry const*> order;
  for (std::size_t const size : {8u, 4u, 2u, 1u, 0u})  // 0: no type, header_text complains
    for (TensorEntry const& entry : entries)
      if (element_bytes(entry.dtype) == size) order.push_back(&entry);
  std::string const header = detail::header_text(where, order, metadata);
  std::uint64_t const length = header.size();

  FileReplacement file("safetensors", path);
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (TensorEntry const* entry : order) file.write(entry->data, entry->bytes);
  file.commit();
#else
  (void)path, (void)entries, (void)metadata;
  detail::fail_without_json();
#endif
}

/// Reads the safetensors file `path` into memory. Nothing in it is believed: throws `Error` when the file is missing
/// or truncated, the header is longer than the file or than 100 MB or no proper JSON, a name stands twice, a type is unknown, a
/// shape is not made of integers or does not fit its place, or places overlap, leave gaps or reach past the end.
WICK_COLD inline SafetensorsFile read_safetensors(std::filesystem::path const& path) {
#if WICK_HAS_JSON
  FileReader reader("safetensors", path);
  std::string const& where = reader.name();
  std::uint64_t length = 0;
  if (reader.size() < sizeof length)
    fail(where, " is truncated: it has ", reader.size(), " bytes, its header's length alone takes 8");
  reader.read(&length, sizeof length);
  if (length > reader.left())
    fail(where, " is truncated or no safetensors file: it says its header has ", length,
         " bytes, after the first 8 it has ", reader.left());
  std::uint64_t const data_size = reader.left() - length;

  SafetensorsFile file;
  std::vector<std::uint64_t> begins = detail::read_header(reader, length, file.entries, file.metadata);
  file.by_name = detail::order_by_name(where, file.entries);
  detail::order_by_place(where, data_size, begins, file.entries, file.by_name);

  constexpr std::align_val_t align{alignment};
  auto* const memory = static_cast<std::byte*>(::operator new(static_cast<std::size_t>(data_size), align, std::nothrow));
  if (!memory) fail(where, ": no memory for ", data_size, " bytes of elements");
  file.memory = {memory, [](std::byte const* p) { ::operator delete(const_cast<std::byte*>(p), align); }};
  reader.read(memory, static_cast<std::size_t>(data_size));
  std::byte const* place = memory;
  for (TensorEntry& entry : file.entries) entry.data = std::exchange(place, place + entry.bytes);
  return file;
#else
  (void)path;
  detail::fail_without_json();
#endif
}

}  // namespace io
}  // namespace wick::inline WICK_ISA
