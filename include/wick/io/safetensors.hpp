// SPDX-License-Identifier: MIT
// Writes and reads safetensors files: 8 bytes of header length (little endian), a JSON header that gives each tensor's
// type, shape and place, then the elements without a gap (https://github.com/huggingface/safetensors, "Format").
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wick/base/error.hpp>
#include <wick/io/file.hpp>

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#define WICK_HAS_JSON 1
#else
#define WICK_HAS_JSON 0
#endif

namespace wick::inline WICK_ISA {
namespace io {

/// One tensor of a file: a name, a type as safetensors spells it ("F32", "I64", "BOOL", ...), extents, and its
/// elements in row-major order, which belong to somebody else.
struct TensorEntry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  void const* data = nullptr;
  std::size_t bytes = 0;
};

/// What a file holds. Copies share the memory that `entries` point to; it is aligned for every type.
struct SafetensorsFile {
  std::vector<TensorEntry> entries;             ///< in the order of their elements in the file
  std::map<std::string, std::string> metadata;  ///< the header's "__metadata__"
  std::shared_ptr<std::byte const> memory;

  /// The entry of this name, or null.
  TensorEntry const* find(std::string_view name) const {
    auto const found = std::find_if(entries.begin(), entries.end(), [&](auto const& e) { return e.name == name; });
    return found == entries.end() ? nullptr : &*found;
  }
};

/// Bytes per element of a type as safetensors spells it; 0 for a name that is no type.
inline std::size_t element_bytes(std::string_view dtype) {
  struct Size {
    std::string_view name;
    std::size_t bytes;
  };
  static constexpr std::array<Size, 17> sizes{{{"C64", 8},
                                               {"BOOL", 1},
                                               {"U8", 1},
                                               {"I8", 1},
                                               {"F8_E4M3", 1},
                                               {"F8_E5M2", 1},
                                               {"F8_E8M0", 1},
                                               {"U16", 2},
                                               {"I16", 2},
                                               {"F16", 2},
                                               {"BF16", 2},
                                               {"U32", 4},
                                               {"I32", 4},
                                               {"F32", 4},
                                               {"U64", 8},
                                               {"I64", 8},
                                               {"F64", 8}}};
  for (auto const& [name, bytes] : sizes)
    if (name == dtype) return bytes;
  return 0;
}

namespace detail {

static_assert(std::endian::native == std::endian::little, "safetensors files are little endian, this machine is not");

inline std::string shape_text(std::vector<std::int64_t> const& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

// Bytes of the elements that type and shape promise. `where` begins the sentence of an error.
inline std::uint64_t promised_bytes(std::string const& where, std::string const& dtype,
                                    std::vector<std::int64_t> const& shape) {
  std::uint64_t bytes = element_bytes(dtype);
  if (bytes == 0) fail(where, " has dtype '", dtype, "', which is no type of the format");
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t const extent : shape) {
    if (extent < 0) fail(where, " has shape ", shape_text(shape), " with a negative extent");
    if (extent > 0 && bytes > most / static_cast<std::uint64_t>(extent))
      fail(where, " has shape ", shape_text(shape), ": more elements than any memory holds");
    bytes *= static_cast<std::uint64_t>(extent);
  }
  return bytes;
}

[[noreturn]] inline void fail_without_json() {
  fail("safetensors: this program was built without nlohmann/json, which reads and writes the header: install it",
       " (Debian, Ubuntu: apt install nlohmann-json3-dev) and build again");
}

#if WICK_HAS_JSON

using Json = nlohmann::json;

inline std::string quoted(std::string const& name) { return "'" + name + "'"; }

// The header as JSON; a key that stands twice in one object is an error, not the last one's victory.
WICK_COLD inline Json parse_header(std::string const& where, std::string_view text) {
  std::vector<std::set<std::string>> open;
  auto const check = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second)
      fail(where, " names ", quoted(parsed.get<std::string>()), " twice in its header");
    return true;
  };
  try {
    Json header = Json::parse(text.begin(), text.end(), check);
    if (!header.is_object()) fail(where, " has a header that is no JSON object");
    return header;
  } catch (Json::exception const& error) {
    fail(where, " has a damaged header: ", error.what());
  }
}

struct Placed {
  TensorEntry entry;
  std::uint64_t begin, end;
};

// One entry of the header, with everything checked that does not depend on its neighbours.
WICK_COLD inline Placed parse_entry(std::string const& file, std::string const& name, Json const& json, std::uint64_t size) {
  std::string const where = file + ": tensor " + quoted(name);
  auto const integers = [&](char const* key) {
    std::vector<std::int64_t> values;
    if (!json.is_object() || !json.contains(key) || !json[key].is_array()) fail(where, " lacks the array '", key, "'");
    for (auto const& value : json[key]) {
      constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
        fail(where, " has ", value.dump(), " in '", key, "', expected an integer from 0 to 2^63 - 1");
      values.push_back(value.get<std::int64_t>());
    }
    return values;
  };
  Placed placed{{name, {}, integers("shape"), nullptr, 0}, 0, 0};
  if (!json.contains("dtype") || !json["dtype"].is_string()) fail(where, " lacks the string 'dtype'");
  placed.entry.dtype = json["dtype"].get<std::string>();
  auto const offsets = integers("data_offsets");
  if (offsets.size() != 2) fail(where, " has ", offsets.size(), " 'data_offsets', expected 2");
  placed.begin = static_cast<std::uint64_t>(offsets[0]);
  placed.end = static_cast<std::uint64_t>(offsets[1]);
  if (placed.begin > placed.end || placed.end > size)
    fail(where, " lies at bytes ", placed.begin, " to ", placed.end, ", the file has elements at 0 to ", size);
  std::uint64_t const bytes = promised_bytes(where, placed.entry.dtype, placed.entry.shape);
  if (bytes != placed.end - placed.begin)
    fail(where, " of type ", placed.entry.dtype, " and shape ", shape_text(placed.entry.shape), " takes ", bytes,
         " bytes, its place has ", placed.end - placed.begin);
  placed.entry.bytes = static_cast<std::size_t>(bytes);
  return placed;
}

WICK_COLD inline std::string header_of(std::string const& where, std::vector<TensorEntry const*> const& order,
                             std::map<std::string, std::string> const& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (TensorEntry const* entry : order) {
    std::string const tensor = where + ": tensor " + quoted(entry->name);
    if (entry->name == "__metadata__") fail(tensor, " has a name that the format keeps for itself");
    if (header.contains(entry->name)) fail(tensor, " stands twice in the list");
    std::uint64_t const bytes = promised_bytes(tensor, entry->dtype, entry->shape);
    if (bytes != entry->bytes)
      fail(tensor, " of type ", entry->dtype, " and shape ", shape_text(entry->shape), " takes ", bytes, " bytes, but ",
           entry->bytes, " are given");
    header[entry->name] = {
        {"dtype", entry->dtype}, {"shape", entry->shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  try {
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the elements start aligned
    return text;
  } catch (Json::exception const& error) {
    fail(where, ": a name is no UTF-8 text: ", error.what());
  }
}

#endif

}  // namespace detail

/// Writes tensors to the safetensors file `path`, which is replaced when everything has been written and not touched
/// before. Larger element types come first, so that all are aligned; else the order is kept. Throws `Error` for an
/// entry that contradicts itself, a name that stands twice, and whatever the file system refuses (a full disk, a
/// missing folder).
WICK_COLD inline void write_safetensors(std::filesystem::path const& path, std::vector<TensorEntry> const& entries,
                              std::map<std::string, std::string> const& metadata = {}) {
#if WICK_HAS_JSON
  std::string const where = "safetensors: '" + path.string() + "'";
  std::vector<TensorEntry const*> order;
  for (std::size_t const size : {8, 4, 2, 1, 0})  // 0: no type, header_of complains
    for (TensorEntry const& entry : entries)
      if (element_bytes(entry.dtype) == size) order.push_back(&entry);
  std::string const header = detail::header_of(where, order, metadata);
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
/// or truncated, the header is longer than the file or no proper JSON, a name stands twice, a type is unknown, a shape
/// is not made of integers or does not fit its place, or places overlap, leave gaps or reach past the end.
WICK_COLD inline SafetensorsFile read_safetensors(std::filesystem::path const& path) {
#if WICK_HAS_JSON
  std::string const where = "safetensors: '" + path.string() + "'";
  FileReader reader("safetensors", path);
  std::uint64_t const size = reader.size();
  std::uint64_t length = 0;
  if (size < sizeof length) fail(where, " is truncated: it has ", size, " bytes, its header's length alone takes 8");
  reader.read(&length, sizeof length);
  if (length > size - sizeof length)
    fail(where, " is truncated or no safetensors file: it says its header has ", length,
         " bytes, after the first 8 it has ", size - sizeof length);
  std::string text(static_cast<std::size_t>(length), '\0');
  reader.read(text.data(), text.size());
  std::uint64_t const data_size = size - sizeof length - length;

  SafetensorsFile file;
  std::vector<detail::Placed> places;
  auto const header = detail::parse_header(where, text);
  for (auto const& [name, json] : header.items()) {
    if (name == "__metadata__") {
      if (!json.is_object()) fail(where, " has '__metadata__' that is no JSON object");
      for (auto const& [key, value] : json.items()) {
        if (!value.is_string()) fail(where, " has ", value.dump(), " as metadata '", key, "', expected a string");
        file.metadata[key] = value.template get<std::string>();
      }
    } else {
      places.push_back(detail::parse_entry(where, name, json, data_size));
    }
  }

  // Tensors without elements may share a place with the start of another: they come first.
  std::vector<detail::Placed*> order;
  for (auto& place : places) order.push_back(&place);
  std::sort(order.begin(), order.end(),
            [](auto const* a, auto const* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  std::uint64_t reached = 0;
  std::string before;
  for (auto const* place : order) {
    if (place->begin < reached)
      fail(where, ": tensors '", before, "' and '", place->entry.name, "' overlap at byte ", place->begin);
    if (place->begin > reached)
      fail(where, ": bytes ", reached, " to ", place->begin, " of the elements belong to no tensor");
    reached = place->end, before = place->entry.name;
  }
  if (reached != data_size) fail(where, ": bytes ", reached, " to ", data_size, " of the elements belong to no tensor");

  constexpr std::align_val_t align{alignment};
  auto* const memory = static_cast<std::byte*>(::operator new(static_cast<std::size_t>(data_size), align));
  file.memory = {memory, [](std::byte const* p) { ::operator delete(const_cast<std::byte*>(p), align); }};
  reader.read(memory, static_cast<std::size_t>(data_size));
  for (auto* place : order) {
    place->entry.data = memory + place->begin;
    file.entries.push_back(std::move(place->entry));
  }
  return file;
#else
  (void)path;
  detail::fail_without_json();
#endif
}

}  // namespace io
}  // namespace wick::inline WICK_ISA
