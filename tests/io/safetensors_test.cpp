// SPDX-License-Identifier: MIT
// safetensors files: what Python wrote, round trips, every kind of damage, and disks that refuse.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>
#include <wick/io/entry.hpp>
#include <wick/io/safetensors.hpp>

#include "../reading.hpp"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#define WICK_TEST_POSIX 1
#endif

#if WICK_HAS_JSON

namespace {

namespace fs = std::filesystem;
using wick::io::read_safetensors;
using wick::io::TensorEntry;
using wick::io::write_safetensors;

// A folder of its own, gone at the end of the scope.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("wick_safetensors_" + std::to_string(std::random_device{}()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path operator/(char const* name) const { return path / name; }
  std::ptrdiff_t files() const { return std::distance(fs::directory_iterator(path), fs::directory_iterator()); }
};

std::string bytes_of(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool says(std::string const& text, std::string const& part) {
  bool const found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

using testing::error_of;

// The error of a file with this header and so many bytes of elements.
std::string read_error(std::string const& header, std::size_t data, std::uint64_t length) {
  Folder const folder;
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  std::ofstream(folder / "x", std::ios::binary) << bytes << header << std::string(data, 'd');
  return error_of([&] { read_safetensors(folder / "x"); });
}
std::string read_error(std::string const& header, std::size_t data) { return read_error(header, data, header.size()); }

template <class T>
std::vector<T> values(TensorEntry const* entry) {
  REQUIRE(entry != nullptr);
  REQUIRE(reinterpret_cast<std::uintptr_t>(entry->data) % alignof(T) == 0);
  auto const* first = static_cast<T const*>(entry->data);
  return {first, first + entry->bytes / sizeof(T)};
}

// The tensors of tests/reference/make_safetensors.py.
struct ReferenceTensors {
  std::vector<float> weight, bias{-1.5f, 0.f, std::numeric_limits<float>::infinity()}, q{0.25f};
  std::int64_t step = std::int64_t{1} << 40;
  std::vector<double> doubles{1e300, -1e-300};
  std::vector<std::int32_t> small{-3, 7};
  std::vector<std::uint8_t> mask{1, 0, 1}, bytes{0, 1, 2, 3, 4};
  std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "äöü"}};

  ReferenceTensors() {
    for (int i = 0; i < 12; ++i) weight.push_back(static_cast<float>(i) / 8);
  }
  std::vector<TensorEntry> entries() const {
    return {{"fc1.weight", "F32", {3, 4}, weight.data(), 48},
            {"fc1.bias", "F32", {3}, bias.data(), 12},
            {"step", "I64", {}, &step, 8},
            {"double", "F64", {1, 2}, doubles.data(), 16},
            {"small", "I32", {2}, small.data(), 8},
            {"mask", "BOOL", {3}, mask.data(), 3},
            {"bytes", "U8", {5}, bytes.data(), 5},
            {"none", "F32", {0, 4}, nullptr, 0},
            {"größe \"q\"", "F32", {1}, q.data(), 4}};
  }
  void check(wick::io::SafetensorsFile const& file) const {
    auto const expected = entries();
    CHECK(file.entries.size() == expected.size());
    CHECK(file.metadata == metadata);
    for (auto const& want : expected) {
      INFO(want.name);
      auto const* got = file.find(want.name);
      REQUIRE(got != nullptr);
      CHECK(got->dtype == want.dtype);
      CHECK(got->shape == want.shape);
      REQUIRE(got->bytes == want.bytes);
      if (want.bytes > 0) CHECK(std::memcmp(got->data, want.data, want.bytes) == 0);
      CHECK(reinterpret_cast<std::uintptr_t>(got->data) % wick::io::element_bytes(want.dtype) == 0);
    }
    CHECK(file.find("no such name") == nullptr);
  }
};

}  // namespace

TEST_CASE("safetensors: a file that Python wrote") {
  ReferenceTensors().check(read_safetensors(fs::path(__FILE__).parent_path() / "../reference/python.safetensors"));
}

TEST_CASE("safetensors: what was written is read, and copies share it") {
  Folder const folder;
  char const* const kept = std::getenv("WICK_WRITE_SAFETENSORS");
  fs::path const path = kept ? fs::path(kept) : folder / "round.safetensors";
  ReferenceTensors const tensors;
  write_safetensors(path, tensors.entries(), tensors.metadata);
  wick::io::SafetensorsFile copy;
  {
    auto const file = read_safetensors(path);
    copy = file;
  }
  tensors.check(copy);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes_of(path).data(), 8);
  CHECK(length % 8 == 0);
}

TEST_CASE("safetensors: no tensors, and an old file is replaced with its permissions") {
  Folder const folder;
  write_safetensors(folder / "x", ReferenceTensors().entries());
  fs::permissions(folder / "x", fs::perms::owner_read | fs::perms::owner_write);
  write_safetensors(folder / "x", {});
  CHECK(read_safetensors(folder / "x").entries.empty());
  CHECK(bytes_of(folder / "x") == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  CHECK(fs::status(folder / "x").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(folder.files() == 1);
}

TEST_CASE("safetensors: a symbolic link stays one") {
  Folder const folder;
  write_safetensors(folder / "real", {});
  fs::create_symlink(folder / "real", folder / "link");
  write_safetensors(folder / "link", ReferenceTensors().entries());
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_safetensors(folder / "real").entries.size() == 9);
  fs::create_symlink("later", folder / "dangling");
  write_safetensors(folder / "dangling", {});
  CHECK(fs::is_symlink(folder / "dangling"));
  CHECK(read_safetensors(folder / "later").entries.empty());
  CHECK(wick::io::resolved(folder / "link") == wick::io::resolved(folder / "real"));
  fs::create_symlink("loop", folder / "loop");
  CHECK(says(error_of([&] { write_safetensors(folder / "loop", {}); }), "Too many levels of symbolic links"));
}

TEST_CASE("files: what is being written has the old permissions from the start, and any name that the system takes") {
  Folder const folder;
  for (fs::perms const mode : {fs::perms{0600}, fs::perms{0666}, fs::perms{0440}}) {
    fs::remove(folder / "x");
    std::ofstream(folder / "x") << "old";
    fs::permissions(folder / "x", mode);
    wick::io::FileReplacement file("test", folder / "x");
    file.write("new", 3);
    for (auto const& entry : fs::directory_iterator(folder.path)) CHECK(entry.status().permissions() == mode);
    file.commit();
    CHECK(fs::status(folder / "x").permissions() == mode);
    CHECK(bytes_of(folder / "x") == "new");
  }
  std::string const longest(255, 'n');
  write_safetensors(folder / longest.c_str(), {});
  CHECK(read_safetensors(folder / longest.c_str()).entries.empty());
  CHECK(says(error_of([&] { wick::io::FileReplacement("test", folder / (longest + "n").c_str()); }), "File name too long"));
  CHECK(folder.files() == 2);
}

TEST_CASE("files: what cannot be written is known before") {
  Folder const folder;
  auto const error = [](fs::path const& path) { return error_of([&] { wick::io::require_writable("test", path); }); };
  CHECK(error(folder / "new") == "no error");
  CHECK(folder.files() == 0);
  CHECK(error("") == "test: cannot write '': the name is empty");
  CHECK(says(error(folder.path), "it is a folder"));
  CHECK(says(error(folder / "folder/"), "it is the name of a folder"));
  CHECK(says(error(folder / "none/x"), "No such file or directory"));
  CHECK(says(error("/dev/null"), "it is no regular file"));
}

#if defined(WICK_TEST_POSIX) && defined(O_TMPFILE)
TEST_CASE("files: a program that is killed while it writes leaves nothing behind") {
  Folder const folder;
  int const unnamed = open(folder.path.c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (unnamed < 0) {
    MESSAGE("skipped: the file system has no files without a name");
    return;
  }
  close(unnamed);
  pid_t const child = fork();
  if (child == 0) {
    wick::io::FileReplacement file("test", folder / "x");
    file.write("new", 3);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(folder.files() == 0);
}
#endif

TEST_CASE("safetensors: entries that contradict themselves are not written") {
  Folder const folder;
  float const x[2] = {1, 2};
  auto const error = [&](std::vector<TensorEntry> const& entries) {
    return error_of([&] { write_safetensors(folder / "x", entries); });
  };
  CHECK(
      says(error({{"a", "F32", {3}, x, 8}}), "tensor 'a' of type F32 and shape (3,) takes 12 bytes, but 8 are given"));
  CHECK(says(error({{"a", "F32", {2}, x, 8}, {"a", "F32", {2}, x, 8}}), "tensor 'a' stands twice"));
  CHECK(says(error({{"a", "float", {2}, x, 8}}), "dtype 'float', which is no type of the format"));
  CHECK(says(error({{"a", "F32", {-2}, x, 8}}), "(-2,) with a negative extent"));
  CHECK(says(error({{"a", "F32", {std::int64_t{1} << 40, std::int64_t{1} << 40}, x, 8}}),
             "more elements than any memory"));
  CHECK(says(error({{"__metadata__", "F32", {2}, x, 8}}), "keeps for itself"));
  CHECK(says(error({{"\xff", "F32", {2}, x, 8}}), "no UTF-8"));
  CHECK(folder.files() == 0);
}

TEST_CASE("safetensors: damaged files are sentences") {
  std::string const a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  CHECK(read_error("{" + a + "}", 8) == "no error");
  CHECK(read_error("  {" + a + "}   ", 8) == "no error");

  CHECK(says(read_error("{}", 0, 3), "it says its header has 3 bytes, after the first 8 it has 2"));
  CHECK(says(read_error("{}", 0, ~std::uint64_t{0}), "it says its header has 18446744073709551615 bytes"));
  CHECK(says(read_error("{" + a, 8), "has a damaged header: "));
  CHECK(says(read_error("", 0), "has a damaged header: "));
  CHECK(says(read_error("{\"\xff\":1}", 0), "has a damaged header: "));
  CHECK(says(read_error("[1, 2]", 0), "no JSON object"));
  CHECK(says(read_error(std::string(100000, '['), 0), "no JSON object"));
  CHECK(says(read_error("{" + a + "," + a + "}", 8), "names 'a' twice"));
  CHECK(says(read_error(R"({"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}})", 8),
             "names 'dtype' twice"));

  auto const with = [](std::string const& dtype, std::string const& shape, std::string const& offsets,
                       std::size_t data) {
    return read_error(R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}",
                      data);
  };
  CHECK(with("\"F32\"", "[2]", "[0,8]", 8) == "no error");
  CHECK(says(with("\"F31\"", "[2]", "[0,8]", 8), "tensor 'a' has dtype 'F31'"));
  CHECK(says(with("32", "[2]", "[0,8]", 8), "lacks the string 'dtype'"));
  CHECK(says(with("\"F32\"", "2", "[0,8]", 8), "lacks the array 'shape'"));
  CHECK(says(with("\"F32\"", "[2.0]", "[0,8]", 8), "has 2.0 in 'shape', expected an integer"));
  CHECK(says(with("\"F32\"", "[-2]", "[0,8]", 8), "has -2 in 'shape'"));
  CHECK(says(with("\"F32\"", "[null]", "[0,8]", 8), "has null in 'shape'"));
  CHECK(says(with("\"F32\"", "[NaN]", "[0,8]", 8), "has a damaged header"));
  CHECK(says(with("\"F32\"", "[9223372036854775808]", "[0,8]", 8), "has 9223372036854775808 in 'shape'"));
  CHECK(says(with("\"F32\"", "[99999999999999999999999]", "[0,8]", 8), "in 'shape', expected an integer"));
  CHECK(says(with("\"F32\"", "[4611686018427387904,4]", "[0,8]", 8), "more elements than any memory holds"));
  CHECK(says(with("\"F32\"", "[3]", "[0,8]", 8), "type F32 and shape (3,) takes 12 bytes, its place has 8"));
  CHECK(says(with("\"F32\"", "[2]", "[0]", 8), "has 1 'data_offsets', expected 2"));
  CHECK(says(with("\"F32\"", "[2]", "[8,0]", 8), "lies at bytes 8 to 0"));
  CHECK(says(with("\"F32\"", "[2]", "[0,8]", 7), "lies at bytes 0 to 8, the file has elements at 0 to 7"));
  CHECK(says(with("\"F32\"", "[2]", "[0,8]", 9), "bytes 8 to 9 of the elements belong to no tensor"));
  CHECK(says(with("\"F32\"", "[2]", "[4,12]", 12), "bytes 0 to 4 of the elements belong to no tensor"));
  CHECK(says(read_error(R"({"a":1})", 0), "tensor 'a' is 1, expected an object"));

  auto const two = [](std::string const& a_place, std::string const& b_place, std::size_t data) {
    return read_error(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a_place +
                          R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b_place + "}}",
                      data);
  };
  CHECK(two("[4,8]", "[0,4]", 8) == "no error");
  CHECK(says(two("[0,4]", "[2,6]", 6), "tensors 'a' and 'b' overlap at byte 2"));
  CHECK(says(two("[0,4]", "[0,4]", 4), "overlap at byte 0"));
  CHECK(says(two("[0,4]", "[6,10]", 10), "bytes 4 to 6 of the elements belong to no tensor"));
  CHECK(says(read_error(R"({"__metadata__":{"a":1}})", 0), "has 1 as metadata 'a', expected a string"));
  CHECK(says(read_error(R"({"__metadata__":[]})", 0), "'__metadata__' that is no JSON object"));
}

TEST_CASE("safetensors: the header is read as the reference implementation does") {
  std::string const a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  CHECK(read_error(R"({"__metadata__":null,)" + a + "}", 8) == "no error");
  CHECK(read_error(R"({"a":{"dtype":"F32","shape":[2],"more":[{"dtype":1},[]],"data_offsets":[0,8]}})", 8) == "no error");
  CHECK(says(read_error("{" + a + "}" + std::string(3, '\0'), 8), "damaged header: there is a NUL"));
  CHECK(says(read_error("{" + a + "}" + std::string(1 << 16, ' ') + std::string(3, '\0'), 8), "damaged header: there is a NUL"));
  CHECK(says(read_error("\xef\xbb\xbf{" + a + "}", 8), "damaged header: it begins with a byte-order mark"));
  CHECK(says(read_error("{" + a + "} {}", 8), "has a damaged header: "));
  CHECK(says(read_error(R"({"__metadata__":null,"__metadata__":{}})", 0), "names '__metadata__' twice"));
  CHECK(says(read_error(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "names 'a' twice in its metadata"));
  CHECK(says(read_error(R"({"__metadata__":"null"})", 0), "'__metadata__' that is no JSON object"));

  // A file of 100,000,009 bytes that takes none of the disk.
  Folder const folder;
  std::uint64_t const length = 100'000'001;
  std::ofstream(folder / "x", std::ios::binary).write(reinterpret_cast<char const*>(&length), 8);
  fs::resize_file(folder / "x", 8 + length);
  CHECK(says(error_of([&] { read_safetensors(folder / "x"); }), "its header has 100000001 bytes, the format allows 100000000"));
}

TEST_CASE("safetensors: however deep a header nests, and however long its names are, the sentence is short") {
  std::string const deep = std::string(100000, '['), many = R"({"a":)" + std::string(100000, '['), name(10000000, 'n');
  auto const entry = [](std::string const& more) { return R"({"a":{"dtype":"F32","data_offsets":[0,8],)" + more + "}}"; };
  for (std::string const& header :
       {deep, many, R"({"__metadata__":)" + deep, R"({"__metadata__":{"a":)" + deep, entry(R"("shape":)" + deep), entry(R"("x":)" + deep),
        R"({")" + name + R"(":1})", entry(R"("shape":[")" + name + R"("])"), R"({"__metadata__":{")" + name + R"(":1}})",
        R"({"a":{"dtype":")" + name + R"("}})", "{" + name, entry(R"("shape":[)" + std::string(5000, '9') + "]"),
        R"({"a":{"dtype":"F32","data_offsets":[0,8],"shape":[1)" + [] {
          std::string ones;
          for (int i = 0; i < 100000; ++i) ones += ",1";
          return ones;
        }() + "]}}"}) {
    auto const message = read_error(header, 8);
    CHECK(message != "no error");
    CHECK(message.size() < 500);
  }
  CHECK(says(read_error(R"({"\u001b[31mred\u0007\u202e\u009b":1})", 0), "tensor '\\x1b[31mred\\x07\\xe2\\x80\\xae\\xc2\\x9b' is 1"));
  CHECK(says(read_error(R"({"größe\n":1})", 0), "tensor 'größe\\n' is 1"));
}

TEST_CASE("safetensors: tens of thousands of tensors are read in linear time") {
  Folder const folder;
  std::vector<float> const x(1);
  std::vector<TensorEntry> entries;
  for (int i = 0; i < 40000; ++i) entries.push_back({"layer." + std::to_string(i) + ".weight", "F32", {1}, x.data(), 4});
  write_safetensors(folder / "x", entries);
  auto const start = std::chrono::steady_clock::now();
  auto const file = read_safetensors(folder / "x");
  for (auto const& entry : entries) REQUIRE(file.find(entry.name) != nullptr);
  // 0.2 s; by comparing each with each it took 26.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
}

TEST_CASE("safetensors: every cut of a file is an error") {
  Folder const folder;
  write_safetensors(folder / "whole", ReferenceTensors().entries());
  auto const whole = bytes_of(folder / "whole");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::ofstream(folder / "cut", std::ios::binary).write(whole.data(), static_cast<std::ptrdiff_t>(length));
    CHECK_THROWS_AS(read_safetensors(folder / "cut"), wick::Error);
  }
}

TEST_CASE("safetensors: any flipped bit of the header is an error or another valid file, never a crash") {
  Folder const folder;
  write_safetensors(folder / "whole", ReferenceTensors().entries());
  auto const whole = bytes_of(folder / "whole");
  std::uint64_t length = 0;
  std::memcpy(&length, whole.data(), 8);
  std::size_t errors = 0, total = 0;
  for (std::size_t byte = 0; byte < 8 + length; ++byte) {
    auto damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    std::ofstream(folder / "flip", std::ios::binary) << damaged;
    ++total;
    try {
      for (auto const& entry : read_safetensors(folder / "flip").entries) {
        auto const* first = static_cast<char const*>(entry.data);
        CHECK(std::count(first, first + entry.bytes, 'x') >= 0);  // reads them all, for the address sanitizer
      }
    } catch (wick::Error const&) {
      ++errors;
    }
  }
  CHECK(errors > total / 2);
}

TEST_CASE("safetensors: files that cannot be opened") {
  Folder const folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(says(error_of([&] { read_safetensors(folder / "pipe"); }), "it is no regular file"));
  CHECK_THROWS_WITH_AS(read_safetensors("/no/such/file"),
                       "safetensors: cannot open '/no/such/file': No such file or directory", wick::Error);
  CHECK_THROWS_WITH_AS(write_safetensors("/no/such/file", {}),
                       "safetensors: cannot write '/no/such/file': No such file or directory", wick::Error);
  CHECK_THROWS_AS(read_safetensors(folder.path), wick::Error);
  CHECK(says(error_of([&] { write_safetensors(folder.path, {}); }), "it is a folder"));
}

#if defined(WICK_TEST_POSIX)
TEST_CASE("safetensors: a full disk is a sentence and leaves the old file") {
  std::vector<float> const large(100000, 1.f);
  std::vector<TensorEntry> const entries{{"large", "F32", {100000}, large.data(), 400000}};
  struct stat device {};
  if (stat("/dev/full", &device) == 0 && S_ISCHR(device.st_mode)) {
    CHECK_THROWS_WITH_AS(write_safetensors("/dev/full", entries),
                         "safetensors: cannot write '/dev/full': No space left on device", wick::Error);
    CHECK_THROWS_AS(write_safetensors("/dev/full", {}), wick::Error);  // small enough to wait in the buffer
    REQUIRE(stat("/dev/full", &device) == 0);
    CHECK(S_ISCHR(device.st_mode));
  } else {
    MESSAGE("skipped in part: no /dev/full here");
  }

  // A limit on the size of files, as a disk with room for 100 KB.
  Folder const folder;
  write_safetensors(folder / "x", ReferenceTensors().entries());
  auto const before = bytes_of(folder / "x");
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit const small{100000, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  auto const message = error_of([&] { write_safetensors(folder / "x", entries); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(says(message, "safetensors: cannot write '" + (folder / "x").string() + "': File too large"));
  CHECK(bytes_of(folder / "x") == before);
  CHECK(folder.files() == 1);
}
#endif

TEST_CASE("safetensors: tensors become entries and come back") {
  wick::Tensor<std::int32_t> tensor(wick::Tensor<std::int32_t>::uninitialized, wick::Dims(2, 3));
  for (int i = 0; i < 6; ++i) tensor.data()[i] = i * i;
  Folder const folder;
  write_safetensors(folder / "x", {wick::io::to_entry("t", std::as_const(tensor))});
  auto const file = read_safetensors(folder / "x");
  auto const back = wick::io::from_entry<std::int32_t>(*file.find("t"));
  CHECK(back.shape() == wick::Dims(2, 3));
  CHECK(back.data()[5] == 25);
  CHECK(
      says(error_of([&] { wick::io::from_entry<float>(*file.find("t")); }), "tensor 't' has dtype I32, expected F32"));
  CHECK(says(error_of([&] { wick::io::to_entry("t", tensor.t()); }), "not contiguous"));
  wick::Tensor<wick::float16> const few(wick::ones<wick::float16>(wick::Dims(3)));
  wick::Tensor<wick::bfloat16> const brain(wick::ones<wick::bfloat16>(wick::Dims(3)));
  write_safetensors(folder / "y", {wick::io::to_entry("h", few), wick::io::to_entry("b", brain)});
  auto const halves = read_safetensors(folder / "y");
  CHECK(halves.find("h")->dtype == "F16");
  CHECK(halves.find("b")->dtype == "BF16");
  CHECK(wick::io::from_entry<wick::float16>(*halves.find("h")).data()[2] == 1);
  CHECK(wick::io::from_entry<wick::bfloat16>(*halves.find("b")).data()[2] == 1);
  std::uint8_t const odd[2] = {2, 0};
  CHECK(wick::io::from_entry<bool>({"b", "BOOL", {2}, odd, 2}).data()[0]);
}

#endif
