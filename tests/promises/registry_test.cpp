// SPDX-License-Identifier: MIT
// P3: every operation of the registry has a name of its own and a function that users call by that name.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <wick/ops/registry.hpp>
#include <wick/tensor.hpp>

using namespace wick;

namespace {

Tensor<double> const a = tensor({0.3, 0.7, 1.0, -0.5}), b = tensor({0.5, 0.7, -1.0, 2.0});
Tensor<bool> const p = tensor({true, false, true, false}), q = tensor({true, true, false, false});

using Doubles = std::map<std::string, std::function<Tensor<double>()>>;
using Truths = std::map<std::string, std::function<Tensor<bool>()>>;

// The functions as a user writes them.
Doubles const functions = {{"add", [] { return a + b; }},
                           {"sub", [] { return a - b; }},
                           {"mul", [] { return a * b; }},
                           {"div", [] { return a / b; }},
                           {"neg", [] { return -a; }},
                           {"abs", [] { return abs(a); }},
                           {"sign", [] { return sign(a); }},
                           {"square", [] { return square(a); }},
                           {"reciprocal", [] { return reciprocal(a); }},
                           {"maximum", [] { return maximum(a, b); }},
                           {"minimum", [] { return minimum(a, b); }},
                           {"where", [] { return where(p, a, b); }},
                           {"exp", [] { return exp(a); }},
                           {"exp2", [] { return exp2(a); }},
                           {"expm1", [] { return expm1(a); }},
                           {"log", [] { return log(a); }},
                           {"log2", [] { return log2(a); }},
                           {"log10", [] { return log10(a); }},
                           {"log1p", [] { return log1p(a); }},
                           {"sqrt", [] { return sqrt(a); }},
                           {"rsqrt", [] { return rsqrt(a); }},
                           {"pow", [] { return pow(a, b); }},
                           {"sin", [] { return sin(a); }},
                           {"cos", [] { return cos(a); }},
                           {"tan", [] { return tan(a); }},
                           {"asin", [] { return asin(a); }},
                           {"acos", [] { return acos(a); }},
                           {"atan", [] { return atan(a); }},
                           {"atan2", [] { return atan2(a, b); }},
                           {"sinh", [] { return sinh(a); }},
                           {"cosh", [] { return cosh(a); }},
                           {"tanh", [] { return tanh(a); }},
                           {"asinh", [] { return asinh(a); }},
                           {"acosh", [] { return acosh(a); }},
                           {"atanh", [] { return atanh(a); }},
                           {"floor", [] { return floor(a); }},
                           {"ceil", [] { return ceil(a); }},
                           {"trunc", [] { return trunc(a); }},
                           {"round", [] { return round(a); }},
                           {"erf", [] { return erf(a); }},
                           {"erfc", [] { return erfc(a); }},
                           {"relu", [] { return relu(a); }},
                           {"sigmoid", [] { return sigmoid(a); }},
                           {"gelu", [] { return gelu(a); }},
                           {"gelu_tanh", [] { return gelu_tanh(a); }},
                           {"silu", [] { return silu(a); }},
                           {"softplus", [] { return softplus(a); }}};

Truths const tests = {{"eq", [] { return a == b; }},          {"ne", [] { return a != b; }},
                      {"lt", [] { return a < b; }},           {"le", [] { return a <= b; }},
                      {"gt", [] { return a > b; }},           {"ge", [] { return a >= b; }},
                      {"logical_and", [] { return p && q; }}, {"logical_or", [] { return p || q; }},
                      {"logical_not", [] { return !p; }},     {"isnan", [] { return isnan(a); }},
                      {"isinf", [] { return isinf(a); }},     {"isfinite", [] { return isfinite(a); }}};

// The comparisons under their names.
Truths const named = {{"eq", [] { return eq(a, b); }},
                      {"ne", [] { return ne(a, b); }},
                      {"lt", [] { return lt(a, b); }},
                      {"le", [] { return le(a, b); }},
                      {"gt", [] { return gt(a, b); }},
                      {"ge", [] { return ge(a, b); }},
                      {"logical_and", [] { return logical_and(p, q); }},
                      {"logical_or", [] { return logical_or(p, q); }},
                      {"logical_not", [] { return logical_not(p); }}};

Doubles const reductions = {{"sum", [] { return sum(a); }},   {"mean", [] { return mean(a); }},
                            {"prod", [] { return prod(a); }}, {"max", [] { return max(a); }},
                            {"min", [] { return min(a); }},   {"norm", [] { return norm(a); }}};
Truths const truth_reductions = {{"any", [] { return any(p); }}, {"all", [] { return all(p); }}};

template <class T>
bool same(Tensor<T> const& x, Tensor<T> const& y) {
  if (!(x.shape() == y.shape())) return false;
  for (std::int64_t i = 0; i < x.numel(); ++i)
    if (x.data()[i] != y.data()[i] && !(x.data()[i] != x.data()[i] && y.data()[i] != y.data()[i])) return false;
  return true;
}

}  // namespace

TEST_CASE("every elementwise operation has its function") {
  std::set<std::string> names;
  ElementwiseOps::each([&]<class Op>(std::type_identity<Op>) {
    std::string const name = Op::name;
    CHECK_MESSAGE(names.insert(name).second, name << " stands twice in the registry");
    if constexpr (std::is_same_v<typename Op::rule, types::Logical>) {
      REQUIRE_MESSAGE(tests.count(name), name);
      if constexpr (Op::arity == 1)
        CHECK(same(tests.at(name)(), Tensor<bool>(map<Op>(p))));
      else
        CHECK(same(tests.at(name)(), Tensor<bool>(map<Op>(p, q))));
      CHECK(same(tests.at(name)(), named.at(name)()));
    } else if constexpr (std::is_same_v<typename Op::rule, types::Truth>) {
      REQUIRE_MESSAGE(tests.count(name), name);
      if constexpr (Op::arity == 1) {
        CHECK(same(tests.at(name)(), Tensor<bool>(map<Op>(a))));
      } else {
        CHECK(same(tests.at(name)(), named.at(name)()));
        CHECK(same(tests.at(name)(), Tensor<bool>(map<Op>(a, b))));
      }
    } else {
      REQUIRE_MESSAGE(functions.count(name), name);
      if constexpr (Op::arity == 1)
        CHECK(same(functions.at(name)(), Tensor<double>(map<Op>(a))));
      else if constexpr (Op::arity == 2)
        CHECK(same(functions.at(name)(), Tensor<double>(map<Op>(a, b))));
      else
        CHECK(same(functions.at(name)(), Tensor<double>(map<Op>(p, a, b))));
    }
  });
  CHECK(names.size() == functions.size() + tests.size());
  CHECK(static_cast<int>(names.size()) == ElementwiseOps::size);
}

TEST_CASE("every reduction has its function") {
  std::set<std::string> names;
  Reductions::each([&]<class Op>(std::type_identity<Op>) {
    std::string const name = Op::name;
    CHECK(names.insert(name).second);
    if constexpr (std::is_same_v<typename Op::template result<double>, bool>) {
      REQUIRE_MESSAGE(truth_reductions.count(name), name);
      CHECK(same(truth_reductions.at(name)(), Tensor<bool>(reduce<Op>(p))));
    } else {
      REQUIRE_MESSAGE(reductions.count(name), name);
      CHECK(same(reductions.at(name)(), Tensor<double>(reduce<Op>(a))));
    }
  });
  CHECK(names.size() == reductions.size() + truth_reductions.size());
}
