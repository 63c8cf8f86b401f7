// SPDX-License-Identifier: MIT
// The header of a safetensors file, as text and as what it says.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>
#include <wick/base/file.hpp>
#include <wick/core/shape.hpp>

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

// Both are limits of the reference implementation.
inline constexpr std::uint64_t longest_header = 100'000'000;
inline constexpr int deepest_header = 128;

inline std::string tensor_text(std::string const& file, std::string const& name) {
  return file + ": tensor " + core::quoted(name);
}

inline std::string shape_text(std::vector<std::int64_t> const& shape) {
  constexpr std::size_t shown = 16;
  std::string text = "(";
  for (std::size_t i = 0; i < std::min(shape.size(), shown); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  if (shape.size() > shown) return text + ", ...) of " + std::to_string(shape.size()) + " dimensions";
  return text + (shape.size() == 1 ? ",)" : ")");
}

// Bytes of the elements that type and shape of an entry promise. The shape may have more dimensions than a tensor.
WICK_COLD inline std::uint64_t promised_bytes(std::string const& file, TensorEntry const& entry) {
  auto const complain = [&](auto const&... parts) { fail(tensor_text(file, entry.name), parts...); };
  std::size_t const bytes = element_bytes(entry.dtype);
  if (bytes == 0) complain(" has dtype ", core::quoted(entry.dtype), ", which is no type of the format");
  std::int64_t count = 1;
  bool none = false;
  for (std::int64_t const extent : entry.shape) {
    if (extent < 0) complain(" has shape ", shape_text(entry.shape), " with a negative extent");
    none |= extent == 0;
    if (extent > 0 && count > max_numel / extent) complain(" has shape ", shape_text(entry.shape), ": more elements than any memory holds");
    count *= std::max<std::int64_t>(extent, 1);
  }
  return none ? 0 : checked_bytes(count, static_cast<std::int64_t>(bytes));
}

[[noreturn]] inline void fail_without_json() {
  fail("safetensors: this program was built without nlohmann/json, which reads and writes the header: install it",
       " (Debian, Ubuntu: apt install nlohmann-json3-dev) and build again");
}

// Where the entries stand in the order of their names. Throws when a name stands twice.
WICK_COLD inline std::vector<std::size_t> order_by_name(std::string const& file, std::vector<TensorEntry> const& entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return entries[a].name < entries[b].name; });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (entries[order[i - 1]].name == entries[order[i]].name)
      fail(file, " names ", core::quoted(entries[order[i]].name), " twice in its header");
  return order;
}

// Sorts the entries by the places of their elements, which start at `begins`, and lets `by_name` follow. Throws unless the
// places cover the `data_size` bytes without gap or overlap.
WICK_COLD inline void order_by_place(std::string const& file, std::uint64_t data_size, std::vector<std::uint64_t> const& begins,
                                     std::vector<TensorEntry>& entries, std::vector<std::size_t>& by_name) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Tensors without elements may share a place with the start of another: they come first.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(begins[a], entries[a].bytes, a) < std::tuple(begins[b], entries[b].bytes, b);
  });
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    TensorEntry const& entry = entries[order[i]];
    std::uint64_t const begin = begins[order[i]];
    if (begin < reached)
      fail(file, ": tensors ", core::quoted(entries[order[i - 1]].name), " and ", core::quoted(entry.name), " overlap at byte ", begin);
    if (begin > reached) fail(file, ": bytes ", reached, " to ", begin, " of the elements belong to no tensor");
    reached = begin + entry.bytes;
    if (reached > data_size)
      fail(tensor_text(file, entry.name), " lies at bytes ", begin, " to ", reached, ", the file has elements at 0 to ", data_size);
  }
  if (reached != data_size) fail(file, ": bytes ", reached, " to ", data_size, " of the elements belong to no tensor");
  if (std::is_sorted(order.begin(), order.end())) return;
  std::vector<TensorEntry> sorted;
  sorted.reserve(entries.size());
  std::vector<std::size_t> place(entries.size());
  for (std::size_t const i : order) {
    place[i] = sorted.size();
    sorted.push_back(std::move(entries[i]));
  }
  for (std::size_t& i : by_name) i = place[i];
  entries = std::move(sorted);
}

#if WICK_HAS_JSON

using Json = nlohmann::json;

// Gives the parser of nlohmann/json the header a piece at a time, so that it is never in memory as a whole.
class HeaderText {
 public:
  HeaderText(FileReader& file, std::uint64_t length) : file_(file), left_(length), piece_(std::min<std::uint64_t>(length, 1 << 16)) {
    if (length > longest_header)
      fail(file.name(), " says its header has ", length, " bytes, the format allows ", longest_header);
    refill();
    // The parser would pass over it, and take a NUL for the end.
    if (size_ > 0 && piece_[0] == '\xef') fail(file.name(), " has a damaged header: it begins with a byte-order mark");
  }

  struct Iterator {
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = char const*;
    using reference = char const&;
    using iterator_category = std::input_iterator_tag;
    HeaderText* text;
    reference operator*() const { return text->piece_[text->at_]; }
    Iterator& operator++() {
      if (++text->at_ == text->size_) text->refill();
      return *this;
    }
    // The only question is whether the text has ended.
    bool operator==(Iterator const&) const { return text->at_ == text->size_; }
  };

 private:
  void refill() {
    at_ = 0;
    size_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, piece_.size()));
    file_.read(piece_.data(), size_);
    left_ -= size_;
    if (std::string_view(piece_.data(), size_).find('\0') != std::string_view::npos) fail(file_.name(), " has a damaged header: there is a NUL in it");
  }

  FileReader& file_;
  std::uint64_t left_;
  std::vector<char> piece_;
  std::size_t at_ = 0, size_ = 0;
};

// Listens to the parser of nlohmann/json and keeps the entries, nothing else: what the header holds besides costs no memory,
// and how deep it nests no stack.
class HeaderListener {
 public:
  HeaderListener(std::string const& name, std::vector<TensorEntry>& found, std::map<std::string, std::string>& other)
      : file(name), entries(found), metadata(other) {}

  std::string const& file;
  std::vector<TensorEntry>& entries;
  std::map<std::string, std::string>& metadata;
  std::vector<std::uint64_t> begins;  // where the elements of each entry do

  bool null() { return place_ == Place::header && in_metadata() ? true : value("null"); }
  bool boolean(bool x) { return value(x ? "true" : "false"); }
  bool number_integer(std::int64_t x) { return value(std::to_string(x)); }
  bool number_unsigned(std::uint64_t x) {
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    if (place_ == Place::shape && x <= most) entry_.shape.push_back(static_cast<std::int64_t>(x));
    else if (place_ == Place::offsets && x <= most) add_offset(x);
    else return value(std::to_string(x));
    return true;
  }
  bool number_float(double, std::string const& text) { return value(core::escaped(text)); }
  bool binary(std::vector<std::uint8_t>&) { return value("bytes"); }
  bool string(std::string& text) {
    if (place_ == Place::metadata) {
      if (!metadata.emplace(key_, std::move(text)).second) fail(file, " names ", core::quoted(key_), " twice in its metadata");
    } else if (place_ == Place::entry && key_ == "dtype") {
      entry_.dtype = std::move(text);
      if (element_bytes(entry_.dtype) == 0) promised_bytes(file, entry_);  // complains
    } else {
      return value(core::quoted(text));
    }
    return true;
  }
  bool key(std::string& text) {
    if (place_ == Place::header) {
      entry_ = {std::move(text), {}, {}, nullptr, 0};
      seen_ = 0, offsets_ = 0;
      if (in_metadata() && std::exchange(has_metadata_, true)) fail(file, " names '__metadata__' twice in its header");
    } else {
      key_ = std::move(text);
    }
    if (place_ == Place::entry) {
      int const bit = key_ == "dtype" ? 1 : key_ == "shape" ? 2 : key_ == "data_offsets" ? 4 : 0;
      if (seen_ & bit) fail(tensor(), " names ", core::quoted(key_), " twice in its header");
      seen_ |= bit;
    }
    return true;
  }
  bool start_object(std::size_t) {
    deeper();
    if (place_ == Place::outside) place_ = Place::header;
    else if (place_ == Place::header) place_ = in_metadata() ? Place::metadata : Place::entry;
    else inside("an object");
    return true;
  }
  bool start_array(std::size_t) {
    deeper();
    if (place_ == Place::entry && key_ == "shape") place_ = Place::shape;
    else if (place_ == Place::entry && key_ == "data_offsets") place_ = Place::offsets;
    else inside("an array");
    return true;
  }
  bool end_object() {
    if (place_ == Place::entry) finish();
    return end();
  }
  bool end_array() { return end(); }
  bool parse_error(std::size_t, std::string const&, std::exception const& error) {
    fail(file, " has a damaged header: ", core::escaped(error.what(), 200));
  }

 private:
  enum class Place { outside, header, metadata, entry, shape, offsets, ignored };

  bool in_metadata() const { return entry_.name == "__metadata__"; }
  std::string tensor() const { return tensor_text(file, entry_.name); }

  // A value that is none of those that the format has at this place: an error, or something that an entry may hold besides.
  bool value(std::string_view what) {
    switch (place_) {
      case Place::outside:
        fail(file, " has a header that is no JSON object");
      case Place::header:
        if (in_metadata()) fail(file, " has '__metadata__' that is no JSON object");
        fail(tensor(), " is ", what, ", expected an object");
      case Place::metadata:
        fail(file, " has ", what, " as metadata ", core::quoted(key_), ", expected a string");
      case Place::shape:
      case Place::offsets:
        fail(tensor(), " has ", what, " in ", core::quoted(key_), ", expected an integer from 0 to 2^63 - 1");
      case Place::entry:
        if (key_ == "dtype") fail(tensor(), " lacks the string 'dtype'");
        if (key_ == "shape" || key_ == "data_offsets") fail(tensor(), " lacks the array ", core::quoted(key_));
        break;
      case Place::ignored:
        break;
    }
    return true;
  }
  void deeper() {
    if (++depth_ > deepest_header) fail(file, " has a header that nests deeper than ", deepest_header, " levels");
  }
  void inside(char const* what) {
    value(what);
    if (place_ == Place::entry) place_ = Place::ignored, ignored_depth_ = depth_;
  }
  bool end() {
    int const ended = depth_--;
    switch (place_) {
      case Place::ignored:
        if (ended == ignored_depth_) place_ = Place::entry;
        break;
      case Place::shape:
      case Place::offsets:
        place_ = Place::entry;
        break;
      default:
        place_ = ended == 1 ? Place::outside : Place::header;
    }
    return true;
  }
  void add_offset(std::uint64_t x) {
    if (offsets_ == 2) fail(tensor(), " has more than 2 'data_offsets'");
    offset_[offsets_++] = x;
  }
  // One entry is complete: checks what does not depend on its neighbours.
  void finish() {
    if (!(seen_ & 1)) fail(tensor(), " lacks the string 'dtype'");
    if (!(seen_ & 2)) fail(tensor(), " lacks the array 'shape'");
    if (!(seen_ & 4)) fail(tensor(), " lacks the array 'data_offsets'");
    if (offsets_ != 2) fail(tensor(), " has ", offsets_, " 'data_offsets', expected 2");
    auto const [begin, end] = offset_;
    if (begin > end) fail(tensor(), " lies at bytes ", begin, " to ", end);
    std::uint64_t const bytes = promised_bytes(file, entry_);
    if (bytes != end - begin)
      fail(tensor(), " of type ", entry_.dtype, " and shape ", shape_text(entry_.shape), " takes ", bytes,
           " bytes, its place has ", end - begin);
    entry_.bytes = static_cast<std::size_t>(bytes);
    entry_.shape.shrink_to_fit();
    entries.push_back(std::move(entry_));
    begins.push_back(begin);
  }

  Place place_ = Place::outside;
  int depth_ = 0, ignored_depth_ = 0, seen_ = 0;
  bool has_metadata_ = false;
  std::string key_;    // the last one, but for those of the whole header
  TensorEntry entry_;  // being read
  std::array<std::uint64_t, 2> offset_{};
  std::size_t offsets_ = 0;
};

// Reads the header, the next `length` bytes of the file: appends the entries in its order, and returns where their elements
// begin.
WICK_COLD inline std::vector<std::uint64_t> read_header(FileReader& file, std::uint64_t length, std::vector<TensorEntry>& entries,
                                                        std::map<std::string, std::string>& metadata) {
  HeaderText text(file, length);
  HeaderListener listener(file.name(), entries, metadata);
  Json::sax_parse(HeaderText::Iterator{&text}, HeaderText::Iterator{&text}, &listener);
  return std::move(listener.begins);
}

// A string as JSON. Throws when it is no UTF-8 text.
WICK_COLD inline std::string json_text(std::string const& where, std::string const& text) try {
  return Json(text).dump();
} catch (Json::exception const&) {
  fail(where, ": ", core::quoted(text), " is no UTF-8 text");
}

WICK_COLD inline std::string header_text(std::string const& file, std::vector<TensorEntry const*> const& order,
                                         std::map<std::string, std::string> const& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += "\"__metadata__\":";
    for (char separator = '{'; auto const& [key, value] : metadata) {
      text += std::exchange(separator, ',');
      text += json_text(file, key) + ':' + json_text(file, value);
    }
    text += '}';
  }
  std::uint64_t offset = 0;
  std::set<std::string_view> names;
  for (TensorEntry const* entry : order) {
    if (entry->name == "__metadata__") fail(tensor_text(file, entry->name), " has a name that the format keeps for itself");
    if (!names.insert(entry->name).second) fail(tensor_text(file, entry->name), " stands twice in the list");
    std::uint64_t const bytes = promised_bytes(file, *entry);
    if (bytes != entry->bytes)
      fail(tensor_text(file, entry->name), " of type ", entry->dtype, " and shape ", shape_text(entry->shape), " takes ", bytes,
           " bytes, but ", entry->bytes, " are given");
    text += (text.size() > 1 ? "," : "") + json_text(file, entry->name) + ":{\"dtype\":\"" + entry->dtype + "\",\"shape\":[";
    for (std::size_t i = 0; i < entry->shape.size(); ++i) text += (i ? "," : "") + std::to_string(entry->shape[i]);
    text += "],\"data_offsets\":[" + std::to_string(offset) + ',' + std::to_string(offset + bytes) + "]}";
    offset += bytes;
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the elements start aligned
  if (text.size() > longest_header)
    fail(file, " would have a header of ", text.size(), " bytes, the format allows ", longest_header);
  return text;
}

#endif

}  // namespace detail

}  // namespace io
}  // namespace wick::inline WICK_ISA
