// SPDX-License-Identifier: MIT
// Reads the parity data of make_ops.py: cases with a name, attributes and tensors of doubles.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>
#include <wick/core/shape.hpp>

namespace reference {

/// Elements in row-major order.
struct Array {
  wick::Dims shape;
  std::vector<double> data;
};

/// One case of a file.
struct Case {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::map<std::string, Array> arrays;

  Array const& operator[](std::string const& label) const { return arrays.at(label); }
  bool has(std::string const& label) const { return arrays.count(label) > 0; }
  /// The attribute's text, empty when there is none.
  std::string text(std::string const& key) const {
    auto const found = attributes.find(key);
    return found == attributes.end() ? std::string() : found->second;
  }
  /// An attribute that is a list of integers.
  wick::Axes axes(std::string const& key) const {
    wick::Axes result;
    std::istringstream list(text(key));
    for (std::string part; std::getline(list, part, ',');) result.push_back(std::stoll(part));
    return result;
  }
};

/// The cases of tests/reference/`file`, which lies beside this header.
inline std::vector<Case> read_cases(std::string const& file) {
  std::string const here = __FILE__;
  std::string const path = here.substr(0, here.find_last_of('/') + 1) + file;
  std::ifstream in(path);
  if (!in) wick::fail("the parity data ", path, " cannot be read; tests/reference/make_ops.py makes it");
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first, word;
    words >> first;
    if (first == "case") {
      cases.emplace_back();
      words >> cases.back().name;
      while (words >> word) {
        auto const equals = word.find('=');
        cases.back().attributes[word.substr(0, equals)] = word.substr(equals + 1);
      }
      continue;
    }
    Array array;
    words >> word;
    if (word != "-") {
      std::istringstream extents(word);
      for (std::string extent; std::getline(extents, extent, 'x');) array.shape.push_back(std::stoll(extent));
    }
    while (words >> word) array.data.push_back(std::strtod(word.c_str(), nullptr));
    if (static_cast<std::int64_t>(array.data.size()) != array.shape.numel())
      wick::fail(path, ": ", first, " of case ", cases.back().name, " holds ", array.data.size(), " numbers for shape ",
                 array.shape);
    cases.back().arrays[first] = std::move(array);
  }
  return cases;
}

}  // namespace reference
