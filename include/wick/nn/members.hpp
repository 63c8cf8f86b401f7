// SPDX-License-Identifier: MIT
// The members of a plain struct, found by the compiler: so that one which `visit` forgets does not stay untrained unnoticed.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <wick/base/error.hpp>

WICK_PRECISE_BEGIN
namespace wick::inline WICK_ISA {
namespace detail {

// What the compiler may take for a member of the struct M, for a default-constructible one, for a base of M; never called.
template <class M>
struct AnyValue {
  template <class T>
    requires(!std::is_base_of_v<T, M>)
  operator T() const { std::abort(); }
};
template <class M>
struct AnyDefault {
  template <class T>
    requires(!std::is_base_of_v<T, M> && std::is_default_constructible_v<T>)
  operator T() const { std::abort(); }
};
template <class M>
struct AnyBase {
  template <class T>
    requires(std::is_base_of_v<T, M> && !std::is_same_v<T, M>)
  operator T() const { std::abort(); }
};
struct AnyReference {
  template <class T>
  operator T&() const { std::abort(); }
};
template <class M, std::size_t>
using AnyOf = AnyValue<M>;

template <class M, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { M{AnyOf<M, I>()...}; };
}
// Whether one more can follow: a reference, or a member that only {} starts. Then the number of members is unknown.
template <class M, std::size_t... I>
constexpr bool takes_more(std::index_sequence<I...>) {
  return requires { M{AnyOf<M, I>()..., {}}; } || requires { M{AnyOf<M, I>()..., AnyReference()}; };
}
// An array swallows several values, but only one {}.
template <class M, std::size_t... I, std::size_t... After>
constexpr bool is_array(std::index_sequence<I...>, std::index_sequence<After...>) {
  return requires { M{AnyOf<M, I>()..., AnyDefault<M>(), AnyOf<M, After>()...}; } &&
         !requires { M{AnyOf<M, I>()..., {}, AnyOf<M, After>()...}; };
}

constexpr std::size_t most_members = 26;

/// How many members the aggregate M has; 0 when that is unknown: more than 26, or a base, an array or a reference among them.
template <class M>
consteval std::size_t count_members() {
  if constexpr (!std::is_aggregate_v<M>) {
    return 0;
  } else {
    // A member without a first value of its own needs all that stand before it: the first numbers may not do.
    constexpr std::size_t count = []<std::size_t... N>(std::index_sequence<N...>) {
      std::size_t last = 0;
      ((takes<M>(std::make_index_sequence<N>{}) ? void(last = N) : void()), ...);
      return last;
    }(std::make_index_sequence<most_members + 2>{});
    if constexpr (count == 0 || count > most_members || requires { M{AnyBase<M>()}; }) return 0;
    else if constexpr (takes_more<M>(std::make_index_sequence<count>{})) return 0;
    else
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (is_array<M>(std::make_index_sequence<I>{}, std::make_index_sequence<count - 1 - I>{}) || ...) ? 0 : count;
      }(std::make_index_sequence<count>{});
  }
}
template <class M>
inline constexpr std::size_t member_count = count_members<M>();

/// Calls `call` with all members of an aggregate whose number is known.
template <class M, class F>
constexpr decltype(auto) with_members(M& owner, F const& call) {
  constexpr std::size_t count = member_count<std::remove_const_t<M>>;
#define WICK_WITH(...) { auto& [__VA_ARGS__] = owner; return call(__VA_ARGS__); }
  if constexpr (count == 1) WICK_WITH(a)
  else if constexpr (count == 2) WICK_WITH(a, b)
  else if constexpr (count == 3) WICK_WITH(a, b, c)
  else if constexpr (count == 4) WICK_WITH(a, b, c, d)
  else if constexpr (count == 5) WICK_WITH(a, b, c, d, e)
  else if constexpr (count == 6) WICK_WITH(a, b, c, d, e, f)
  else if constexpr (count == 7) WICK_WITH(a, b, c, d, e, f, g)
  else if constexpr (count == 8) WICK_WITH(a, b, c, d, e, f, g, h)
  else if constexpr (count == 9) WICK_WITH(a, b, c, d, e, f, g, h, i)
  else if constexpr (count == 10) WICK_WITH(a, b, c, d, e, f, g, h, i, j)
  else if constexpr (count == 11) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k)
  else if constexpr (count == 12) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l)
  else if constexpr (count == 13) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m)
  else if constexpr (count == 14) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  else if constexpr (count == 15) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  else if constexpr (count == 16) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
  else if constexpr (count == 17) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q)
  else if constexpr (count == 18) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)
  else if constexpr (count == 19) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s)
  else if constexpr (count == 20) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)
  else if constexpr (count == 21) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u)
  else if constexpr (count == 22) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v)
  else if constexpr (count == 23) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w)
  else if constexpr (count == 24) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x)
  else if constexpr (count == 25) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y)
  else if constexpr (count == 26) WICK_WITH(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z)
#undef WICK_WITH
}

template <class T>
constexpr std::string_view spelled_type() {
  return __PRETTY_FUNCTION__;
}
/// The name of a class without namespaces and template arguments: "Conv2d".
WICK_COLD inline std::string class_name(std::string_view spelled) {
  std::string_view name = spelled.substr(spelled.find("T = ") + 4);
  name = name.substr(0, name.find_first_of(";]"));
  if (name.ends_with('>')) {
    int depth = 0;
    do {
      depth += name.back() == '>' ? 1 : name.back() == '<' ? -1 : 0;
      name.remove_suffix(1);
    } while (depth > 0);
  }
  std::size_t const scope = name.rfind("::");
  return std::string(scope == std::string_view::npos ? name : name.substr(scope + 2));
}
template <class T>
std::string class_name() {
  return class_name(spelled_type<T>());
}

}  // namespace detail
}  // namespace wick::inline WICK_ISA
WICK_PRECISE_END
