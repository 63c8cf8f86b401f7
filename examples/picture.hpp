// SPDX-License-Identifier: MIT
// Draws a PNG of pictures with what a network said and what was true; the wrong ones are marked red.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wick/base/error.hpp>
#include <wick/io/file.hpp>

#if __has_include(<stb/stb_image_write.h>) || __has_include(<stb_image_write.h>)
#define PICTURE_HAS_STB 1
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#if __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image_write.h>
#else
#include <stb_image_write.h>
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#else
#define PICTURE_HAS_STB 0
#endif

namespace picture {

/// A letter, `width` columns wide, as 9 rows of 5 bits, the first row highest; rows 7 and 8 lie under the base line.
struct Glyph {
  char letter;
  int width;
  std::uint64_t rows;
};

inline constexpr Glyph font[] = {
    // clang-format off
    {' ', 2, 0x000000000000}, {'!', 1, 0x108421004000}, {'%', 5, 0x19c88889cc00}, {'\'', 1, 0x108000000000},
    {'(', 2, 0x088421082000}, {')', 2, 0x104210844000}, {'+', 5, 0x00213e420000}, {',', 2, 0x000000042200},
    {'-', 4, 0x00003c000000}, {'.', 1, 0x000000084000}, {'/', 5, 0x010888884000}, {'0', 5, 0x0e8ceb98b800},
    {'1', 3, 0x08c210847000}, {'2', 5, 0x0e8844447c00}, {'3', 5, 0x0e884c18b800}, {'4', 5, 0x0232a5f10800},
    {'5', 5, 0x1f878218b800}, {'6', 5, 0x0e843d18b800}, {'7', 5, 0x1f0884421000}, {'8', 5, 0x0e8c5d18b800},
    {'9', 5, 0x0e8c5e10b800}, {':', 1, 0x000400080000}, {'=', 4, 0x000781e00000}, {'?', 5, 0x0e8844401000},
    {'A', 5, 0x0e8c7f18c400}, {'B', 5, 0x1e8c7d18f800}, {'C', 5, 0x0e8c2108b800}, {'D', 5, 0x1e8c6318f800},
    {'E', 5, 0x1f843d087c00}, {'F', 5, 0x1f843d084000}, {'G', 5, 0x0e8c2f18b800}, {'H', 5, 0x118c7f18c400},
    {'I', 3, 0x1c4210847000}, {'J', 5, 0x071084293000}, {'K', 5, 0x119531494400}, {'L', 5, 0x108421087c00},
    {'M', 5, 0x11dd6b18c400}, {'N', 5, 0x11cd6b38c400}, {'O', 5, 0x0e8c6318b800}, {'P', 5, 0x1e8c7d084000},
    {'Q', 5, 0x0e8c63593400}, {'R', 5, 0x1e8c7d494400}, {'S', 5, 0x0f841c10f800}, {'T', 5, 0x1f2108421000},
    {'U', 5, 0x118c6318b800}, {'V', 5, 0x118c63151000}, {'W', 5, 0x118c6b5dc400}, {'X', 5, 0x118a88a8c400},
    {'Y', 5, 0x118a88421000}, {'Z', 5, 0x1f0888887c00}, {'_', 4, 0x000000007800}, {'a', 4, 0x000304e93800},
    {'b', 4, 0x108725297000}, {'c', 4, 0x0003a1083800}, {'d', 4, 0x0213a5293800}, {'e', 4, 0x000325e83800},
    {'f', 3, 0x044710842000}, {'g', 4, 0x0003a529384c}, {'h', 4, 0x108725294800}, {'i', 1, 0x100421084000},
    {'j', 3, 0x040108421098}, {'k', 4, 0x1084a98a4800}, {'l', 1, 0x108421084000}, {'m', 5, 0x0007ab5ad400},
    {'n', 4, 0x000725294800}, {'o', 4, 0x000325293000}, {'p', 4, 0x000725297210}, {'q', 4, 0x0003a5293842},
    {'r', 3, 0x000531084000}, {'s', 4, 0x0003a0c17000}, {'t', 3, 0x084710841000}, {'u', 4, 0x0004a5293800},
    {'v', 5, 0x000463151000}, {'w', 5, 0x00046b5aa800}, {'x', 5, 0x000454454400}, {'y', 4, 0x0004a529384c},
    {'z', 4, 0x000784c87800},
    // clang-format on
};

/// The glyph of a letter; a question mark for those the font lacks.
constexpr Glyph glyph_of(char letter) {
  for (Glyph const& glyph : font)
    if (glyph.letter == letter) return glyph;
  return glyph_of('?');
}

struct Colour {
  std::uint8_t red, green, blue;
};

inline constexpr Colour white{255, 255, 255}, ink{32, 36, 44}, grey{128, 134, 145}, pale{214, 218, 225},
    red{205, 32, 44};

/// A white sheet of pixels to draw on; what lies outside is not drawn.
class Canvas {
 public:
  Canvas(int width, int height)
      : width_(width), height_(height), pixels_(static_cast<std::size_t>(width * height) * 3, 255) {}

  int width() const { return width_; }
  int height() const { return height_; }
  std::uint8_t const* pixels() const { return pixels_.data(); }

  void rectangle(int left, int top, int width, int height, Colour colour) {
    for (int y = std::max(top, 0); y < std::min(top + height, height_); ++y) {
      for (int x = std::max(left, 0); x < std::min(left + width, width_); ++x) {
        auto* pixel = &pixels_[static_cast<std::size_t>(y * width_ + x) * 3];
        pixel[0] = colour.red, pixel[1] = colour.green, pixel[2] = colour.blue;
      }
    }
  }

  /// The outline of a rectangle, `thickness` pixels outwards from it.
  void frame(int left, int top, int width, int height, int thickness, Colour colour) {
    int const wide = width + 2 * thickness, t = thickness;
    rectangle(left - t, top - t, wide, t, colour);
    rectangle(left - t, top + height, wide, t, colour);
    rectangle(left - t, top, t, height, colour);
    rectangle(left + width, top, t, height, colour);
  }

  static int text_width(std::string_view text, int scale) {
    int width = text.empty() ? 0 : -scale;
    for (char const letter : text) width += (glyph_of(letter).width + 1) * scale;
    return width;
  }

  /// Text whose letters are 7 * scale pixels high, its upper left corner at (left, top).
  void text(int left, int top, int scale, std::string_view text, Colour colour) {
    for (char const letter : text) {
      Glyph const glyph = glyph_of(letter);
      for (int y = 0; y < 9; ++y)
        for (int x = 0; x < glyph.width; ++x)
          if (glyph.rows >> (44 - 5 * y - x) & 1) rectangle(left + x * scale, top + y * scale, scale, scale, colour);
      left += (glyph.width + 1) * scale;
    }
  }

 private:
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

/// One picture of the grid: 28 x 28 bytes, 255 is darkest, and the two names.
struct Tile {
  std::span<std::uint8_t const> pixels;
  std::string_view predicted, truth;
};

/// Tiles in rows of `columns` under a title: the prediction below each picture and the truth below that; a wrong
/// prediction is red in a red frame.
inline Canvas prediction_grid(std::string_view title, std::span<Tile const> tiles, int columns = 8) {
  constexpr int side = 28, scale = 4, image = side * scale, letter = 2, line = 9 * letter + 3;
  constexpr int cell_width = image + 40, cell_height = image + 2 * line + 26, margin = 20, head = 92;
  int const count = static_cast<int>(tiles.size());
  columns = std::clamp(count, 1, std::max(columns, 1));
  int const rows = (count + columns - 1) / columns;
  constexpr std::string_view legend = "prediction (red: wrong) over truth";
  int const title_width = std::max(Canvas::text_width(title, 3), Canvas::text_width(legend, 2)) + 40;
  Canvas canvas(std::max(columns * cell_width, title_width) + 2 * margin, head + rows * cell_height + margin);
  canvas.text(margin + 20, 22, 3, title, ink);
  canvas.text(margin + 20, 53, 2, legend, grey);

  for (int i = 0; i < count; ++i) {
    Tile const& tile = tiles[static_cast<std::size_t>(i)];
    if (tile.pixels.size() != std::size_t{side * side})
      wick::fail("picture: tile ", i, " has ", tile.pixels.size(), " pixels, expected 28 x 28");
    int const left = margin + i % columns * cell_width + (cell_width - image) / 2;
    int const top = head + i / columns * cell_height;
    bool const wrong = tile.predicted != tile.truth;
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        auto const shade = static_cast<std::uint8_t>(255 - tile.pixels[static_cast<std::size_t>(y * side + x)]);
        canvas.rectangle(left + x * scale, top + y * scale, scale, scale, {shade, shade, shade});
      }
    }
    canvas.frame(left, top, image, image, wrong ? 4 : 1, wrong ? red : pale);
    auto const centred = [&](int row, std::string_view text, Colour colour) {
      int const middle = left + (image - Canvas::text_width(text, letter)) / 2;
      canvas.text(middle, top + image + 10 + row * line, letter, text, colour);
    };
    centred(0, tile.predicted, wrong ? red : ink);
    centred(1, tile.truth, grey);
  }
  return canvas;
}

/// Writes the canvas as a PNG file. Throws `wick::Error` when the file cannot be written; an old one stays then.
inline void write_png(std::filesystem::path const& path, Canvas const& canvas) {
#if PICTURE_HAS_STB
  std::vector<std::uint8_t> bytes;
  auto const append = [](void* to, void* data, int size) {
    auto const* first = static_cast<std::uint8_t const*>(data);
    static_cast<std::vector<std::uint8_t>*>(to)->insert(static_cast<std::vector<std::uint8_t>*>(to)->end(), first,
                                                        first + size);
  };
  if (!stbi_write_png_to_func(append, &bytes, canvas.width(), canvas.height(), 3, canvas.pixels(), canvas.width() * 3))
    wick::fail("png: cannot compress a picture of ", canvas.width(), " x ", canvas.height(), " pixels");
  wick::io::FileReplacement file("png", path);
  file.write(bytes.data(), bytes.size());
  file.commit();
#else
  (void)canvas;
  wick::fail("png: cannot write '", path.string(), "': this program was built without stb_image_write.h: install it",
             " (Debian, Ubuntu: apt install libstb-dev) and build again");
#endif
}

}  // namespace picture
