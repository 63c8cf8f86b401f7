// SPDX-License-Identifier: MIT
// Reads idx files of unsigned bytes, plain or gzipped: the format of MNIST and its relatives.
// The format: two zero bytes, a type byte, the rank, one big-endian 32-bit extent per dimension, then the elements.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>
#include <wick/base/file.hpp>
#include <wick/core/shape.hpp>

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
  explicit ByteSource(std::filesystem::path const& path) : file_("idx", path), input_(std::size_t{1} << 16) {
    refill();
    gzip_ = end_ >= 2 && input_[0] == 0x1f && input_[1] == 0x8b;
    if (!gzip_) return;
#if WICK_HAS_ZLIB
    constexpr int gzip_window = 15 + 16;  // zlib's way to say: largest window, gzip header and checksum
    if (inflateInit2(&zlib_, gzip_window) != Z_OK) fail(name(), ": zlib does not start");
#else
    fail(name(), " is compressed, and this program was built without zlib: install zlib",
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

  std::string const& name() const { return file_.name(); }
  bool compressed() const { return gzip_; }
  // Bytes of the file that have not been taken.
  std::uint64_t left() const { return file_.left() + (end_ - begin_); }

  // Writes `count` bytes to `out`, fewer only where the file ends, and returns how many.
  std::size_t read(std::uint8_t* out, std::size_t count) {
    std::size_t done = 0;
    while (done < count && (begin_ < end_ || refill())) {
      if (gzip_) {
        // Behind the last member there may be zeros, which a tape or a block device adds.
        while (between_members_ && begin_ < end_ && input_[begin_] == 0) ++begin_;
        if (begin_ < end_) inflate_some(out, count, done);
      } else {
        std::size_t const some = std::min(count - done, end_ - begin_);
        std::memcpy(out + done, input_.data() + begin_, some);
        begin_ += some, done += some;
      }
    }
    if (done < count && gzip_ && !between_members_) fail(name(), " is truncated: its gzip stream breaks off");
    return done;
  }

 private:
  // Loads the next piece of the file into `input_`; false at its end.
  bool refill() {
    begin_ = 0;
    end_ = static_cast<std::size_t>(std::min<std::uint64_t>(input_.size(), file_.left()));
    file_.read(input_.data(), end_);
    return end_ > 0;
  }

  // Decompresses from `input_` behind `out + done`; a file may hold several gzip members.
  void inflate_some([[maybe_unused]] std::uint8_t* out, [[maybe_unused]] std::size_t count,
                    [[maybe_unused]] std::size_t& done) {
#if WICK_HAS_ZLIB
    std::size_t const room = std::min(count - done, std::size_t{1} << 30);
    zlib_.next_in = input_.data() + begin_;
    zlib_.avail_in = static_cast<uInt>(end_ - begin_);
    zlib_.next_out = out + done;
    zlib_.avail_out = static_cast<uInt>(room);
    int status = inflate(&zlib_, Z_NO_FLUSH);
    begin_ = end_ - zlib_.avail_in;
    done += room - zlib_.avail_out;
    between_members_ = status == Z_STREAM_END;
    if (between_members_) status = inflateReset(&zlib_);
    if (status != Z_OK) fail(name(), ": the gzip stream is damaged: ", zlib_.msg ? zlib_.msg : zError(status));
#endif
  }

  io::FileReader file_;
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

/// An idx file of unsigned bytes, plain or gzipped, that is being read: first the extents, then, for who finds that they fit,
/// the elements. The header is believed only as far as the file delivers.
class IdxReader {
 public:
  /// Reads the header. Throws `Error` when the file is missing, damaged or of another type, or promises other than it can hold.
  WICK_COLD explicit IdxReader(std::filesystem::path const& path) : source_(path) {
    std::array<std::uint8_t, 4> magic{};
    if (source_.read(magic.data(), 4) < 4) fail(name(), " is truncated: it ends before its 4-byte magic number does");
    auto const [zero0, zero1, type, rank] = magic;
    if (zero0 != 0 || zero1 != 0)
      fail(name(), " is no idx file: it starts with the bytes ", int{zero0}, " ", int{zero1}, ", expected 0 0");
    if (type != 0x08)
      fail(name(), " has type byte ", int{type}, " (", detail::idx_type_name(type), "), expected 8 (unsigned bytes)");
    if (rank < 1 || rank > max_rank) fail(name(), " has ", int{rank}, " dimensions, expected 1 to ", max_rank);
    Dims dims;
    for (int axis = 0; axis < rank; ++axis) {
      std::array<std::uint8_t, 4> word{};
      if (source_.read(word.data(), 4) < 4)
        fail(name(), " is truncated: it ends before the extent of dimension ", axis, " of ", int{rank});
      dims.push_back(std::int64_t{word[0]} << 24 | std::int64_t{word[1]} << 16 | std::int64_t{word[2]} << 8 | std::int64_t{word[3]});
    }
    shape_.assign(dims.begin(), dims.end());
    checked_extents(dims, nullptr, name().c_str());
    promised_ = static_cast<std::uint64_t>(dims.numel());
    constexpr std::uint64_t most_per_byte = 1032;  // deflate's: 258 equal bytes take two bits
    if (source_.compressed() && promised_ / most_per_byte > source_.left())
      fail(name(), promises(), ", more than its ", source_.left(), " compressed bytes can be");
    if (!source_.compressed() && promised_ > source_.left()) fail_truncated(source_.left());
    if (!source_.compressed() && promised_ < source_.left()) fail_longer();
  }

  /// The extents.
  std::vector<std::int64_t> const& shape() const { return shape_; }

  /// The elements. Throws `Error` when there are fewer or more than the extents say.
  std::vector<std::uint8_t> read() {
    auto bytes = next(promised_);
    std::uint8_t extra = 0;
    if (source_.read(&extra, 1) != 0) fail_longer();
    return bytes;
  }
  /// The elements of the first `rows` along dimension 0; what follows them is not looked at.
  std::vector<std::uint8_t> read_rows(std::int64_t rows) {
    if (rows >= shape_[0]) return read();
    return next(promised_ / static_cast<std::uint64_t>(shape_[0]) * static_cast<std::uint64_t>(rows));
  }

 private:
  std::string const& name() const { return source_.name(); }
  std::string promises() const {
    return " promises " + detail::idx_extents(shape_) + " = " + std::to_string(promised_) + " bytes";
  }
  [[noreturn]] void fail_truncated(std::uint64_t have) const {
    fail(name(), " is truncated: its header", promises(), ", the file holds ", have);
  }
  [[noreturn]] void fail_longer() const {
    fail(name(), " is longer than its header says: expected ", detail::idx_extents(shape_), " = ", promised_,
         " bytes of elements and then the end");
  }
  // Memory is touched as it is filled: a file that promises much and delivers little takes little.
  WICK_COLD std::vector<std::uint8_t> next(std::uint64_t count) {
    std::vector<std::uint8_t> bytes;
    try {
      bytes.reserve(static_cast<std::size_t>(count));
    } catch (std::exception const&) {
      fail(name(), ": no memory for ", count, " bytes");
    }
    while (bytes.size() < count) {
      std::size_t const have = bytes.size(), step = std::min(static_cast<std::size_t>(count) - have, std::size_t{1} << 20);
      bytes.resize(have + step);
      std::size_t const got = source_.read(bytes.data() + have, step);
      if (got < step) fail_truncated(have + got);
    }
    return bytes;
  }

  detail::ByteSource source_;
  std::vector<std::int64_t> shape_;
  std::uint64_t promised_ = 0;
};

/// Reads the idx file `path` of unsigned bytes, plain or gzipped. Throws `Error` when the file is missing, truncated, damaged,
/// of another type, or longer than its header says.
WICK_COLD inline IdxFile read_idx(std::filesystem::path const& path) {
  IdxReader reader(path);
  auto bytes = reader.read();
  return {reader.shape(), std::move(bytes)};
}

}  // namespace data
}  // namespace wick::inline WICK_ISA
