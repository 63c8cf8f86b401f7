// SPDX-License-Identifier: MIT
// Replacing a file so that a full disk, a crash or a kill never leaves half of it, nor anything else.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <random>
#include <utility>

#include <wick/base/file.hpp>

namespace wick::inline WICK_ISA {
namespace io {

/// The file that `path` means, whether it is there or not: absolute, and behind all symbolic links, those that dangle too.
WICK_COLD inline std::filesystem::path resolved(std::filesystem::path path) {
  std::error_code error;
  // As many as Linux follows; what is left then is a loop, and is an error when it is opened.
  for (int links = 0; links < 40 && std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++links)
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  auto const whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  return error ? path : whole;
}

namespace detail {

/// A new file in a folder that is not seen before it gets its place. Where the system has files without a name it is one,
/// so that a program that is killed leaves nothing behind; else it has a random name.
class HiddenFile {
 public:
  /// `mode`: permissions, those that the system gives when there is none. No stream when the file cannot be made, errno
  /// says why then.
  HiddenFile(std::filesystem::path folder, std::optional<mode_t> mode) : folder_(std::move(folder)) {
    int const descriptor = make(mode ? *mode & 0777 : 0666);
    if (descriptor < 0) return;
    // What the mask of the process took away. A file system without permissions refuses, and loses nothing.
    if (mode && fchmod(descriptor, *mode) != 0) errno = 0;
    stream_.reset(fdopen(descriptor, "wb"));
    if (!stream_) close(descriptor);
  }
  ~HiddenFile() { remove(); }
  HiddenFile(HiddenFile const&) = delete;
  HiddenFile& operator=(HiddenFile const&) = delete;

  std::FILE* stream() const { return stream_.get(); }

  /// Closes the file and makes it `target`, which is replaced. False when that fails, errno says why.
  bool become(std::filesystem::path const& target) {
    if (name_.empty() && !link()) return false;
    if (std::fclose(stream_.release()) != 0 || std::rename(name_.c_str(), target.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  // Short, whatever the target is called: names have a limit.
  std::filesystem::path random_name() const {
    std::random_device random;
    return folder_ / (".wick-" + std::to_string(random()) + "-" + std::to_string(random()) + ".tmp");
  }
  int make(mode_t mode) {
#if defined(O_TMPFILE)
    int const unnamed = open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (unnamed >= 0 && access(OwnLink(unnamed).path, F_OK) == 0) return unnamed;
    if (unnamed >= 0) close(unnamed);
#endif
    name_ = random_name();
    int const named = open(name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
    if (named < 0) name_.clear();
    return named;
  }
  // Where the system shows a file that is open.
  struct OwnLink {
    char path[32];
    explicit OwnLink(int descriptor) { std::snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor); }
  };
  // Gives the file a name, which a rename needs.
  bool link() {
    auto name = random_name();
    if (linkat(AT_FDCWD, OwnLink(fileno(stream_.get())).path, AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) return false;
    name_.swap(name);
    return true;
  }
  void remove() {
    stream_.reset();
    int const reason = errno;
    if (!name_.empty()) unlink(name_.c_str());
    errno = reason;
  }

  std::filesystem::path folder_, name_;
  FileHandle stream_;
};

}  // namespace detail

/// Writes a new version of a file beside it and puts it into its place at the end. Until `commit()` the old version stays as
/// it is; without `commit()` the new one disappears. The new version has the old one's permissions from the start. What is no
/// regular file (a pipe, /dev/stdout) is written directly.
class FileReplacement {
 public:
  /// Throws `Error` when no file can be made there.
  WICK_COLD FileReplacement(std::string_view format, std::filesystem::path const& path)
      : where_(std::string(format) + ": cannot write " + core::quoted_path(path.string()) + ": "), target_(resolved(path)) {
    if (path.filename().empty()) fail(where_, path.empty() ? "the name is empty" : "it is the name of a folder");
    std::error_code error;
    auto const status = std::filesystem::status(target_, error);
    if (status.type() == std::filesystem::file_type::none) fail(where_, error.message());
    if (std::filesystem::is_directory(status)) fail(where_, "it is a folder");
    bool const there = std::filesystem::exists(status);
    if (there && !std::filesystem::is_regular_file(status)) {
      direct_.reset(std::fopen(target_.c_str(), "wb"));
    } else {
      std::optional<mode_t> mode;
      if (there) mode = static_cast<mode_t>(status.permissions());
      hidden_.emplace(target_.parent_path(), mode);
    }
    if (!stream()) fail(where_, std::strerror(errno));
  }

  /// Whether the path names no regular file, which is written as it is.
  bool direct() const { return direct_ != nullptr; }

  /// Appends `count` bytes. Throws `Error` when the disk is full or refuses.
  void write(void const* data, std::size_t count) {
    if (count > 0 && std::fwrite(data, 1, count, stream()) != count) fail(where_, std::strerror(errno));
  }

  /// Makes what was written the file. Throws `Error`, and leaves the old version, when it did not reach the disk.
  WICK_COLD void commit() {
    bool good = std::fflush(stream()) == 0;
    if (hidden_) {
      // Else a rename may reach the disk before the bytes. EINVAL: a file system that has no such call.
      good = good && (fsync(fileno(stream())) == 0 || errno == EINVAL) && hidden_->become(target_);
    } else {
      good = good && std::fclose(direct_.release()) == 0;
    }
    if (!good) fail(where_, std::strerror(errno));
  }

 private:
  std::FILE* stream() const { return hidden_ ? hidden_->stream() : direct_.get(); }

  std::string where_;
  std::filesystem::path target_;
  std::optional<detail::HiddenFile> hidden_;
  detail::FileHandle direct_;
};

/// Throws `Error` unless `path` is a regular file that can be replaced, or can become one: before a long run, whose results
/// would be lost.
WICK_COLD inline void require_writable(std::string_view format, std::filesystem::path const& path) {
  std::error_code error;
  auto const status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) && !std::filesystem::is_directory(status))
    fail(format, ": cannot write ", core::quoted_path(path.string()), ": it is no regular file");
  FileReplacement const unused(format, path);
}

}  // namespace io
}  // namespace wick::inline WICK_ISA
