// SPDX-License-Identifier: MIT
// Reading a whole file, and replacing one so that a full disk or a crash never leaves half of it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <wick/base/config.hpp>
#include <wick/base/error.hpp>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

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
  FileReader(std::string_view format, std::filesystem::path const& path)
      : where_(std::string(format) + ": '" + path.string() + "'") {
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    if (error) fail(format, ": cannot open '", path.string(), "': ", error.message());
    file_.reset(std::fopen(path.c_str(), "rb"));
    if (!file_) fail(format, ": cannot open '", path.string(), "': ", std::strerror(errno));
  }

  std::uint64_t size() const { return size_; }

  /// Reads the next `count` bytes. Throws `Error` when there are fewer.
  void read(void* out, std::size_t count) {
    if (count == 0 || std::fread(out, 1, count, file_.get()) == count) return;
    if (std::ferror(file_.get())) fail(where_, " cannot be read: ", std::strerror(errno));
    fail(where_, " ends early: it has become shorter while it was read");
  }

 private:
  std::string where_;
  std::uint64_t size_ = 0;
  detail::FileHandle file_;
};

/// Writes a new version of a file beside it and renames it at the end. Until `commit()` the old version stays as it is;
/// without `commit()` the new one disappears. What is no regular file (a pipe, /dev/stdout) is written directly.
class FileReplacement {
 public:
  /// Throws `Error` when no file can be made there.
  FileReplacement(std::string_view format, std::filesystem::path const& path)
      : where_(std::string(format) + ": cannot write '" + path.string() + "': ") {
    std::error_code error;
    target_ = path;
    if (auto const real = std::filesystem::canonical(path, error); !error) target_ = real;  // keeps a symbolic link
    auto const status = std::filesystem::status(target_, error);
    if (status.type() == std::filesystem::file_type::directory) fail(where_, "it is a folder");
    replaces_ = std::filesystem::is_regular_file(status);
    direct_ = std::filesystem::exists(status) && !replaces_;
    written_ = target_;
    if (!direct_) written_ += "." + std::to_string(std::random_device{}()) + ".tmp";
    file_.reset(std::fopen(written_.c_str(), direct_ ? "wb" : "wbx"));
    if (!file_) fail(where_, std::strerror(errno));
  }
  ~FileReplacement() {
    if (committed_ || direct_) return;
    file_.reset();
    std::error_code ignored;
    std::filesystem::remove(written_, ignored);
  }
  FileReplacement(FileReplacement const&) = delete;
  FileReplacement& operator=(FileReplacement const&) = delete;

  /// Appends `count` bytes. Throws `Error` when the disk is full or refuses.
  void write(void const* data, std::size_t count) {
    if (count > 0 && std::fwrite(data, 1, count, file_.get()) != count) fail(where_, std::strerror(errno));
  }

  /// Makes what was written the file. Throws `Error`, and leaves the old version, when it did not reach the disk.
  void commit() {
    bool good = std::fflush(file_.get()) == 0;
#if __has_include(<unistd.h>)
    // Else a rename may reach the disk before the bytes. EINVAL: a file system that has no such call.
    if (good && !direct_) good = fsync(fileno(file_.get())) == 0 || errno == EINVAL;
#endif
    int const reason = errno;
    if (!good) fail(where_, std::strerror(reason));
    if (std::fclose(file_.release()) != 0) fail(where_, std::strerror(errno));
    committed_ = direct_;
    if (direct_) return;
    std::error_code error;
    if (replaces_) {
      auto const mode = std::filesystem::status(target_, error).permissions();
      if (!error) std::filesystem::permissions(written_, mode, error);
    }
    std::filesystem::rename(written_, target_, error);
    if (error) fail(where_, error.message());
    committed_ = true;
  }

 private:
  std::string where_;
  std::filesystem::path target_, written_;
  detail::FileHandle file_;
  bool replaces_ = false, direct_ = false, committed_ = false;
};

}  // namespace io
}  // namespace wick::inline WICK_ISA
