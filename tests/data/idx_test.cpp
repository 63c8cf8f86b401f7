// SPDX-License-Identifier: MIT
// idx files: what is read, and which sentence each kind of damage gives.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>
#include <random>
#include <wick/data/idx.hpp>

#include "../failing_new.hpp"
#include "../reading.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

// A file of its own in the temporary folder, gone at the end of the scope.
struct TemporaryFile {
  fs::path path;
  TemporaryFile(std::string const& name, Bytes const& bytes)
      : path(fs::temp_directory_path() / ("wick_idx_" + name + std::to_string(std::random_device{}()))) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<char const*>(bytes.data()), std::ssize(bytes));
  }
  ~TemporaryFile() { fs::remove(path); }
};

Bytes idx_bytes(std::vector<std::uint32_t> const& extents, std::size_t count, std::uint8_t type = 8) {
  Bytes bytes{0, 0, type, static_cast<std::uint8_t>(extents.size())};
  for (std::uint32_t const extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
  for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i * 7 + 3));
  return bytes;
}

std::string error_of(Bytes const& bytes) {
  TemporaryFile const file("error", bytes);
  std::string const error = testing::error_of([&] { wick::data::read_idx(file.path); });
  CHECK((error == "no error" || error.find(file.path.string()) != std::string::npos));
  return error;
}

bool says(std::string const& text, std::string const& part) {
  bool const found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

#if WICK_HAS_ZLIB
Bytes gzip(Bytes const& bytes) {
  z_stream zlib{};
  REQUIRE(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes packed(deflateBound(&zlib, bytes.size()) + 64);
  zlib.next_in = const_cast<std::uint8_t*>(bytes.data()), zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = packed.data(), zlib.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
  deflateEnd(&zlib);
  return {packed.begin(), packed.end() - zlib.avail_out};
}
#endif

}  // namespace

TEST_CASE("idx: a plain file") {
  TemporaryFile const file("plain", idx_bytes({2, 3, 4}, 24));
  auto const idx = wick::data::read_idx(file.path);
  CHECK(idx.shape == std::vector<std::int64_t>{2, 3, 4});
  REQUIRE(idx.bytes.size() == 24);
  for (std::size_t i = 0; i < 24; ++i) CHECK(idx.bytes[i] == static_cast<std::uint8_t>(i * 7 + 3));
}

TEST_CASE("idx: no elements") {
  TemporaryFile const file("none", idx_bytes({0, 28, 28}, 0));
  auto const idx = wick::data::read_idx(file.path);
  CHECK(idx.shape == std::vector<std::int64_t>{0, 28, 28});
  CHECK(idx.bytes.empty());
}

TEST_CASE("idx: damage is a sentence") {
  auto const whole = idx_bytes({2, 3}, 6);
  CHECK(says(error_of({}), "ends before its 4-byte magic number"));
  CHECK(says(error_of({0, 0, 8}), "truncated"));
  CHECK(says(error_of({'P', 'K', 3, 4, 0, 0}), "starts with the bytes 80 75, expected 0 0"));
  CHECK(says(error_of(idx_bytes({2}, 8, 0x0D)), "type byte 13 (32-bit floats), expected 8 (unsigned bytes)"));
  CHECK(says(error_of({0, 0, 8, 0}), "0 dimensions"));
  CHECK(says(error_of({0, 0, 8, 9}), "9 dimensions"));
  CHECK(says(error_of(Bytes(whole.begin(), whole.begin() + 10)), "before the extent of dimension 1 of 2"));
  CHECK(says(error_of(Bytes(whole.begin(), whole.end() - 1)), "promises 2 x 3 = 6 bytes, the file holds 5"));
  auto longer = whole;
  longer.push_back(0);
  CHECK(says(error_of(longer), "longer than its header says: expected 2 x 3 = 6 bytes"));
}

TEST_CASE("idx: a header is not believed") {
  // 4 GiB - 1 bytes promised, ten there: neither slow nor hungry.
  CHECK(says(error_of(idx_bytes({0xffffffffu}, 10)), "promises 4294967295 = 4294967295 bytes, the file holds 10"));
  CHECK(says(error_of(idx_bytes({0xffffffffu, 0xffffffffu, 0xffffffffu}, 10)), "too many elements"));
}

TEST_CASE("idx: a missing file, a folder, and a pipe that nobody writes into") {
  CHECK_THROWS_WITH_AS(wick::data::read_idx("/no/such/file"),
                       "idx: cannot open '/no/such/file': No such file or directory", wick::Error);
  CHECK_THROWS_AS(wick::data::read_idx(fs::temp_directory_path()), wick::Error);
  TemporaryFile const place("pipe", {});
  fs::remove(place.path);
  REQUIRE(mkfifo(place.path.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS(wick::data::read_idx(place.path), ("idx: cannot open '" + place.path.string() + "': it is no regular file").c_str(),
                       wick::Error);
}

#if WICK_HAS_ZLIB
TEST_CASE("idx: gzipped, whatever the name") {
  auto const plain = idx_bytes({300, 1000}, 300000);  // longer than any buffer on the way
  TemporaryFile const file("gzip", gzip(plain));
  auto const idx = wick::data::read_idx(file.path);
  CHECK(idx.shape == std::vector<std::int64_t>{300, 1000});
  CHECK(std::equal(idx.bytes.begin(), idx.bytes.end(), plain.begin() + 12, plain.end()));
}

TEST_CASE("idx: gzip in several members") {
  auto const plain = idx_bytes({10, 10}, 100);
  auto packed = gzip(Bytes(plain.begin(), plain.begin() + 50));
  auto const rest = gzip(Bytes(plain.begin() + 50, plain.end()));
  packed.insert(packed.end(), rest.begin(), rest.end());
  TemporaryFile const file("members", packed);
  CHECK(wick::data::read_idx(file.path).bytes.size() == 100);
}

TEST_CASE("idx: zeros behind gzip are no harm, and only what is asked for is read") {
  auto packed = gzip(idx_bytes({10, 10}, 100));
  packed.insert(packed.end(), 100000, 0);
  TemporaryFile const file("zeros", packed);
  CHECK(wick::data::read_idx(file.path).bytes.size() == 100);
  packed.insert(packed.end(), {1, 2, 3, 4});
  CHECK(says(error_of(packed), "the gzip stream is damaged"));
  // Deflate makes a thousand zeros of a byte, and not more.
  auto short_of_it = idx_bytes({1000, 1000}, 0);
  CHECK(says(error_of(gzip(short_of_it)), "promises 1000 x 1000 = 1000000 bytes, more than its"));
  short_of_it.insert(short_of_it.end(), 999999, 0);
  CHECK(says(error_of(gzip(short_of_it)), "the file holds 999999"));
  TemporaryFile const whole("rows", gzip(idx_bytes({1000, 10}, 5000)));
  CHECK(wick::data::IdxReader(whole.path).read_rows(500).size() == 5000);
  CHECK_THROWS_AS(wick::data::IdxReader(whole.path).read_rows(501), wick::Error);
}

#if WICK_FAILING_NEW
TEST_CASE("idx: memory that ends while a file is read is an exception") {
  TemporaryFile const file("memory", gzip(idx_bytes({10, 10}, 100)));
  auto const failures = testing::fail_each_allocation([&] { wick::data::read_idx(file.path); }, [](std::int64_t) {});
  CHECK(failures > 5);
}
#endif

TEST_CASE("idx: damaged gzip is a sentence") {
  auto const plain = idx_bytes({100, 100}, 10000);
  auto const packed = gzip(plain);
  for (std::size_t const cut :
       {std::size_t{3}, std::size_t{20}, packed.size() / 2, packed.size() - 8, packed.size() - 1})
    CHECK(says(error_of(Bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(cut))), "truncated"));
  auto wrong_sum = packed;
  wrong_sum[packed.size() - 6] ^= 1;
  CHECK(says(error_of(wrong_sum), "damaged: incorrect data check"));
  auto trailing = packed;
  trailing.insert(trailing.end(), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK(says(error_of(trailing), "damaged: incorrect header check"));
  CHECK(says(error_of(gzip(idx_bytes({100, 100}, 9999))), "the file holds 9999"));
  CHECK(says(error_of(gzip(idx_bytes({100, 100}, 10001))), "longer than its header says"));
}
#endif
