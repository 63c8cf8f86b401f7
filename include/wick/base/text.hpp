// SPDX-License-Identifier: MIT
// Pieces of text: names from outside made fit for a sentence, and numbers that every locale writes alike.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include <wick/base/config.hpp>

WICK_PRECISE_BEGIN
namespace wick {

namespace core {

/// Bytes of the printable UTF-8 character that `text` begins with; 0 when it begins with none. Characters that steer a
/// terminal, turn the direction of writing or have no width are not printable.
inline std::size_t printable_bytes(std::string_view text) {
  auto const byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  std::uint32_t code = byte(0);
  if (code < 0x80) return code >= 0x20 && code != 0x7f;
  std::size_t const length = code < 0xc2 ? 0 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : code < 0xf5 ? 4 : 0;
  code &= 0x7fu >> length;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  auto const within = [&](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  bool const overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool const hidden = code < 0xa0 || within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) ||
                      within(0xd800, 0xdfff) || code == 0xfeff || code > 0x10ffff;
  return overlong || hidden ? 0 : length;
}

/// `text` as it can stand in a sentence: what is not printable becomes \n, \t or \x1b, and after about `most` bytes only
/// the length is told.
WICK_COLD inline std::string escaped(std::string_view text, std::size_t most = 80) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (result.size() >= most) return result + "... (" + std::to_string(text.size()) + " bytes)";
    std::size_t const length = printable_bytes(text.substr(at));
    if (length > 0) {
      result += text.substr(at, length);
    } else if (text[at] == '\n' || text[at] == '\t') {
      result += text[at] == '\n' ? "\\n" : "\\t";
    } else {
      auto const byte = static_cast<unsigned char>(text[at]);
      result += "\\x";
      result += digits[byte / 16];
      result += digits[byte % 16];
    }
    at += length > 0 ? length : 1;
  }
  return result;
}
/// The same between quotation marks.
WICK_COLD inline std::string quoted(std::string_view text, std::size_t most = 80) { return "'" + escaped(text, most) + "'"; }

/// A path in a sentence: the user has to recognise it, so it is not shortened.
WICK_COLD inline std::string quoted_path(std::string const& path) { return quoted(path, std::string::npos); }

/// A number as printf writes it with this precision in the "C" locale: format `fixed` as %.*f, `scientific` as %.*e, `general`
/// as %.*g.
WICK_COLD inline std::string number_text(double value, std::chars_format format, int precision) {
  // The largest number has 309 digits before the point.
  std::string text(static_cast<std::size_t>(precision) + (format == std::chars_format::fixed ? 320 : 16), ' ');
  auto const [end, problem] = std::to_chars(text.data(), text.data() + text.size(), value, format, precision);
  text.resize(static_cast<std::size_t>(end - text.data()));
  return text;
}

}  // namespace core

}  // namespace wick
WICK_PRECISE_END
