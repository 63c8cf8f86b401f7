// SPDX-License-Identifier: MIT
// Reads idx files of unsigned bytes, plain or gzipped: the format of MNIST and its relatives.
// The format: two zero bytes, a type byte, the rank, one big-endian 32-bit extent per dimension, then the elements.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>
#include <wick/base/config.hpp>
#include <wick/base/error.hpp>

#if __has_include(<zlib.h>)
#include <zlib.h>
#define WICK_HAS_ZLIB 1
#else
#define WICK_HAS_ZLIB 0
#endif

namespace wick::inline WICK_ISA {
namespace data {

/// An idx file of unsigned bytes: its extents, and its elements in row-major order.
struct IdxFile {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;
};

namespace detail {

// The bytes of a file one after another, decompressed when the file starts as gzip does, whatever its name says.
class ByteSource {
 public:
  explicit ByteSource(std::filesystem::path path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "rb")) {
    if (!file_) fail("idx: cannot open '", path_.string(), "': ", std::strerror(errno));
    input_.resize(std::size_t{1} << 16);
    refill();
    gzip_ = end_ >= 2 && input_[0] == 0x1f && input_[1] == 0x8b;
    if (!gzip_) return;
#if WICK_HAS_ZLIB
    constexpr int gzip_window = 15 + 16;  // zlib's way to say: largest window, gzip header and checksum
    if (inflateInit2(&zlib_, gzip_window) != Z_OK) fail("idx: zlib does not start on '", path_.string(), "'");
#else
    fail("idx: '", path_.string(), "' is compressed, and this program was built without zlib: install zlib",
         " (Debian, Ubuntu: apt install zlib1g-dev) and build again, or unpack the file with gunzip");
#endif
  }

  ~ByteSource() {
#if WICK_HAS_ZLIB
    if (gzip_) inflateEnd(&zlib_);
#endif
  }

  ByteSource(ByteSource const&) = delete;
  ByteSource& operator=(ByteSource const&) = delete;

  // Writes `count` bytes to `out`, fewer only where the file ends, and returns how many.
  std::size_t read(std::uint8_t* out, std::size_t count) {
    std::size_t done = 0;
    while (done < count && (begin_ < end_ || refill())) {
      if (gzip_) {
        if (!inflate_some(out, count, done)) break;
      } else {
        std::size_t const some = std::min(count - done, end_ - begin_);
        std::memcpy(out + done, input_.data() + begin_, some);
        begin_ += some, done += some;
      }
    }
    if (done < count && gzip_ && !between_members_)
      fail("idx: the gzip stream of '", path_.string(), "' breaks off: the file is truncated");
    return done;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  // Loads the next piece of the file into `input_`; false at its end.
  bool refill() {
    begin_ = 0;
    end_ = std::fread(input_.data(), 1, input_.size(), file_.get());
    if (std::ferror(file_.get())) fail("idx: cannot read '", path_.string(), "': ", std::strerror(errno));
    return end_ > 0;
  }

  // Decompresses from `input_` behind `out + done`; a file may hold several gzip members.
  bool inflate_some([[maybe_unused]] std::uint8_t* out, [[maybe_unused]] std::size_t count,
                    [[maybe_unused]] std::size_t& done) {
#if WICK_HAS_ZLIB
    std::size_t const room = std::min(count - done, std::size_t{1} << 30);
    zlib_.next_in = input_.data() + begin_;
    zlib_.avail_in = static_cast<uInt>(end_ - begin_);
    zlib_.next_out = out + done;
    zlib_.avail_out = static_cast<uInt>(room);
    between_members_ = false;
    int const status = inflate(&zlib_, Z_NO_FLUSH);
    begin_ = end_ - zlib_.avail_in;
    done += room - zlib_.avail_out;
    if (status == Z_STREAM_END) {
      between_members_ = true;
      return inflateReset(&zlib_) == Z_OK;
    }
    if (status != Z_OK)
      fail("idx: the gzip stream of '", path_.string(),
           "' is damaged: ", zlib_.msg ? zlib_.msg : "zlib gives no reason");
    return true;
#else
    return false;
#endif
  }

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::uint8_t> input_;
  std::size_t begin_ = 0, end_ = 0;
  bool gzip_ = false;
  bool between_members_ = false;
#if WICK_HAS_ZLIB
  z_stream zlib_{};
#endif
};

inline char const* idx_type_name(std::uint8_t code) {
  switch (code) {
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "32-bit floats";
    case 0x0E:
      return "64-bit floats";
    default:
      return "no type of the format";
  }
}

inline std::string idx_extents(std::vector<std::int64_t> const& shape) {
  std::string text;
  for (std::int64_t const extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

}  // namespace detail

/// Reads the idx file `path` of unsigned bytes, plain or gzipped. The header is believed only as far as the file
/// delivers: memory grows with what was really read. Throws `Error` when the file is missing, truncated, damaged, of
/// another type, or longer than its header says.
WICK_COLD inline IdxFile read_idx(std::filesystem::path const& path) {
  detail::ByteSource source(path);
  std::string const name = "idx: '" + path.string() + "'";

  std::array<std::uint8_t, 4> magic{};
  if (source.read(magic.data(), 4) < 4) fail(name, " is truncated: it ends before its 4-byte magic number does");
  auto const [zero0, zero1, type, rank] = magic;
  if (zero0 != 0 || zero1 != 0)
    fail(name, " is no idx file: it starts with the bytes ", int{zero0}, " ", int{zero1}, ", expected 0 0");
  if (type != 0x08)
    fail(name, " has type byte ", int{type}, " (", detail::idx_type_name(type), "), expected 8 (unsigned bytes)");
  if (rank < 1 || rank > max_rank) fail(name, " has ", int{rank}, " dimensions, expected 1 to ", max_rank);

  IdxFile file;
  std::uint64_t promised = 1;
  for (int axis = 0; axis < rank; ++axis) {
    std::array<std::uint8_t, 4> word{};
    if (source.read(word.data(), 4) < 4)
      fail(name, " is truncated: it ends before the extent of dimension ", axis, " of ", int{rank});
    std::uint64_t const extent = std::uint64_t{word[0]} << 24 | std::uint64_t{word[1]} << 16 |
                                 std::uint64_t{word[2]} << 8 | std::uint64_t{word[3]};
    file.shape.push_back(static_cast<std::int64_t>(extent));
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    if (extent != 0 && promised > most / extent)
      fail(name, " promises ", detail::idx_extents(file.shape), " elements: more than any memory holds");
    promised *= extent;
  }

  std::size_t const wanted = static_cast<std::size_t>(promised);
  std::size_t have = 0;
  while (have < wanted) {
    std::size_t const step = std::min(wanted - have, std::max(have, std::size_t{1} << 20));
    file.bytes.resize(have + step);
    std::size_t const got = source.read(file.bytes.data() + have, step);
    have += got;
    if (got < step)
      fail(name, " is truncated: its header promises ", detail::idx_extents(file.shape), " = ", wanted,
           " bytes, the file holds ", have);
  }
  std::uint8_t extra = 0;
  if (source.read(&extra, 1) != 0)
    fail(name, " is longer than its header says: expected ", detail::idx_extents(file.shape), " = ", wanted,
         " bytes of elements and then the end");
  return file;
}

}  // namespace data
}  // namespace wick::inline WICK_ISA
