// SPDX-License-Identifier: MIT
// Reading a file from its start.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <wick/base/error.hpp>
#include <wick/base/text.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace io {

namespace detail {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace detail

/// A file that is read from its start, with its size known. Errors are sentences that begin with `format`.
class FileReader {
 public:
  /// Throws `Error` when there is no such regular file.
  WICK_COLD FileReader(std::string_view format, std::filesystem::path const& path)
      : name_(std::string(format) + ": " + core::quoted_path(path.string())) {
    std::string const opening = std::string(format) + ": cannot open " + core::quoted_path(path.string()) + ": ";
    std::error_code error;
    auto const status = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(status)) fail(opening, "it is a folder");
    // Opening a pipe would wait for somebody who writes into it.
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) fail(opening, "it is no regular file");
    file_.reset(std::fopen(path.c_str(), "rb"));
    if (!file_) fail(opening, std::strerror(errno));
    size_ = left_ = std::filesystem::file_size(path, error);
    if (error) fail(opening, error.message());
  }

  /// The format and the quoted path: how a sentence about the file begins.
  std::string const& name() const { return name_; }
  std::uint64_t size() const { return size_; }
  /// Bytes that have not been read.
  std::uint64_t left() const { return left_; }

  /// Reads the next `count` bytes. Throws `Error` when there are fewer.
  void read(void* out, std::size_t count) {
    if (count == 0) return;
    if (std::fread(out, 1, count, file_.get()) != count) {
      if (std::ferror(file_.get())) fail(name_, " cannot be read: ", std::strerror(errno));
      fail(name_, " ends early: it has become shorter while it was read");
    }
    left_ -= count;
  }

 private:
  std::string name_;
  std::uint64_t size_ = 0, left_ = 0;
  detail::FileHandle file_;
};

}  // namespace io
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
