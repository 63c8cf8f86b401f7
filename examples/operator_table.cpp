// SPDX-License-Identifier: MIT
// Writes docs/operators.md from the registry: what there is, and what is not there yet.
#include <cmath>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>
#include <wick/autograd/dependency.hpp>
#include <wick/ops/registry.hpp>
#include <wick/tensor.hpp>
using namespace wick;

namespace {

template <class Rule>
std::string rule_text() {
  if constexpr (std::is_same_v<Rule, types::Same>)
    return "promoted";
  else if constexpr (std::is_same_v<Rule, types::Magnitude>)
    return "promoted, complex to real";
  else if constexpr (std::is_same_v<Rule, types::Floating>)
    return "promoted, integers to float32";
  else if constexpr (std::is_same_v<Rule, types::Truth>)
    return "compares promoted, gives bool";
  else if constexpr (std::is_same_v<Rule, types::Logical>)
    return "bool";
  else
    return "bool condition, the others promoted";
}

// The arguments (or the value) that the slopes depend on: what the tape has to keep.
template <class Op, int... K>
constexpr unsigned bits(std::integer_sequence<int, K...>) {
  return (detail::slope_bits<Op, K>() | ...);
}

template <class Op>
std::string slope_text() {
  if constexpr (!differentiable<Op>)
    return "no gradient";
  else if constexpr (bits<Op>(std::make_integer_sequence<int, Op::arity>{}) == 0)
    return "constant";
  else if constexpr (SlopeFromValue<Op>)
    return "from the value";
  else
    return "from the arguments";
}

std::set<std::string> known;

template <class Op>
void elementwise_row() {
  std::ostringstream domain;
  domain << "[" << Op::domain::low << ", " << Op::domain::high << "]";
  std::cout << "| `" << Op::name << "` | " << Op::arity << " | " << rule_text<typename Op::rule>() << " | "
            << (gives_number<Op> ? domain.str() : "any") << " | " << slope_text<Op>() << " |\n";
  known.insert(Op::name);
}

template <class Op>
std::string of_nothing() {
  if constexpr (requires { typename Op::needs_elements; }) {
    return "error";
  } else {
    using T = typename Op::template result<float>;
    T value = Op::template identity<T>();
    if constexpr (requires { Op::finish(value, 0); }) value = static_cast<T>(Op::finish(value, 0));
    if constexpr (std::is_same_v<T, bool>)
      return value ? "true" : "false";
    else
      return std::isnan(value) ? "NaN" : std::to_string(static_cast<int>(value));
  }
}

template <class Op>
void reduction_row() {
  using FromFloat = typename Op::template result<float>;
  using FromInt = typename Op::template result<std::int32_t>;
  char const* slope = "no gradient";
  if constexpr (requires { typename Op::by_ties; })
    slope = "shared among equal elements";
  else if constexpr (requires { Op::slope(1.0, 1.0); })
    slope = "yes";
  std::cout << "| `" << Op::name << "` | " << name(dtype_of<FromFloat>()) << " | " << name(dtype_of<FromInt>()) << " | "
            << of_nothing<Op>() << " | " << slope << " |\n";
  known.insert(Op::name);
}

struct Function {
  char const *name, *header, *gradient;
};
// Functions that are no entry of the registry: kernel nodes, formulas made of other operations, changes of shape.
constexpr Function functions[] = {
    {"amax", "reduce", "yes"},
    {"amin", "reduce", "yes"},
    {"matmul", "matmul", "yes"},
    {"dot", "matmul", "yes"},
    {"solve_triangular", "solve", "yes"},
    {"conv2d", "conv", "yes"},
    {"max_pool2d", "pool", "yes"},
    {"avg_pool2d", "pool", "yes"},
    {"softmax", "normalize", "yes"},
    {"log_softmax", "normalize", "yes"},
    {"layer_norm", "normalize", "yes"},
    {"dropout", "dropout", "yes"},
    {"gather", "gather", "yes"},
    {"one_hot", "gather", "no"},
    {"pad", "pad", "yes"},
    {"argmax", "argmax", "no"},
    {"argmin", "argmax", "no"},
    {"isclose", "compare", "no"},
    {"fmax", "compare", "yes"},
    {"fmin", "compare", "yes"},
    {"cast", "cast", "yes"},
    {"reshape", "shape", "yes"},
    {"flatten", "shape", "yes"},
    {"permute", "shape", "yes"},
    {"transpose", "shape", "yes"},
    {"unsqueeze", "shape", "yes"},
    {"squeeze", "shape", "yes"},
    {"cat", "join", "yes"},
    {"stack", "join", "yes"},
    {"narrow", "select", "yes"},
    {"index_select", "gather", "yes"},
    {"var", "variance", "yes"},
    {"stddev", "variance", "yes"},
    {"cumsum", "scan", "yes"},
    {"cumprod", "scan", "yes"},
    {"logcumsumexp", "scan", "yes"},
    {"cummax", "scan", "of the values"},
    {"cummin", "scan", "of the values"},
    {"diff", "scan", "yes"},
    {"sort", "sort", "of the values"},
    {"msort", "sort", "yes"},
    {"argsort", "sort", "no"},
    {"topk", "sort", "of the values"},
    {"kthvalue", "sort", "of the values"},
    {"median", "sort", "of the values"},
    {"unique", "unique", "no"},
    {"unique_consecutive", "unique", "no"},
    {"searchsorted", "unique", "no"},
    {"bucketize", "unique", "no"},
};
// Members of Tensor and functions of core/create.hpp, by their PyTorch names.
constexpr char const* members[] = {"tensor", "arange", "linspace", "zeros",      "ones",       "full",
                                   "empty",  "eye",    "rand",     "randn",      "zeros_like", "ones_like",
                                   "clone",  "t",      "to",       "manual_seed"};

struct Group {
  char const *title, *names;
};
// The operations of PyTorch and of the Python array API standard that a complete library of tensors offers.
constexpr Group wanted[] = {
    {"types", "promote_types can_cast finfo iinfo isdtype"},
    {"creation",
     "tensor arange zeros ones rand randn full eye empty linspace logspace zeros_like ones_like full_like empty_like "
     "rand_like randn_like meshgrid vander tril_indices triu_indices complex polar bartlett blackman hamming hann "
     "kaiser"},
    {"indexing",
     "boolean_mask integer_tensor_index take take_along_dim put gather scatter scatter_add scatter_reduce index_select "
     "index_add index_copy index_fill index_reduce index_put masked_select masked_fill masked_scatter diagonal_scatter "
     "select_scatter slice_scatter nonzero argwhere where narrow select"},
    {"broadcasting", "broadcast_to broadcast_tensors broadcast_shapes"},
    {"shape",
     "reshape flatten t cat stack hstack vstack dstack column_stack split tensor_split hsplit vsplit dsplit chunk "
     "unbind unstack permute transpose swapaxes movedim squeeze unsqueeze unflatten ravel tile repeat "
     "repeat_interleave expand flip fliplr flipud rot90 roll atleast_1d atleast_2d atleast_3d diag diag_embed diagonal "
     "tril triu block_diag cartesian_prod combinations unfold"},
    {"unary",
     "abs neg positive sign sgn signbit ceil floor trunc round frac sin cos tan asin acos atan sinh cosh tanh asinh "
     "acosh atanh exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sigmoid logit erf erfc erfinv "
     "lgamma "
     "digamma polygamma i0 sinc deg2rad rad2deg angle real imag conj nan_to_num frexp bitwise_not logical_not isnan "
     "isinf isfinite isposinf isneginf isreal"},
    {"binary, ternary",
     "add sub mul div floor_divide fmod remainder pow float_power atan2 hypot copysign nextafter ldexp logaddexp "
     "logaddexp2 xlogy gcd lcm igamma igammac maximum minimum fmax fmin bitwise_and bitwise_or bitwise_xor "
     "bitwise_left_shift bitwise_right_shift logical_and logical_or logical_xor addcmul addcdiv lerp clamp where"},
    {"comparison", "eq ne lt le gt ge isclose allclose equal isin"},
    {"reductions, scans, sorting",
     "norm sum nansum mean nanmean prod stddev var std_mean var_mean logsumexp max min amax amin aminmax argmax argmin "
     "all "
     "any count_nonzero median nanmedian mode quantile nanquantile dist cumsum cumprod cummax cummin logcumsumexp diff "
     "gradient trapezoid cumulative_trapezoid topk sort argsort msort kthvalue searchsorted bucketize unique "
     "unique_consecutive bincount histc histogram cov corrcoef renorm cdist"},
    {"linear algebra",
     "mm dot matmul mv bmm addmm addmv addr baddbmm inner outer vdot vecdot kron tensordot einsum cross multi_dot "
     "vector_norm matrix_norm det slogdet cond matrix_rank trace cholesky qr lu eig eigvals eigh eigvalsh svd svdvals "
     "solve solve_triangular lstsq inv pinv matrix_exp matrix_power tensorinv tensorsolve lu_factor lu_solve "
     "cholesky_solve"},
    {"fft",
     "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft hfft2 ihfft2 hfftn ihfftn fftfreq "
     "rfftfreq fftshift ifftshift stft istft"},
    {"special",
     "airy_ai bessel_j0 bessel_j1 i0e i1 i1e entr erfcx expit gammainc gammaincc log_ndtr ndtr ndtri xlog1py zeta"},
    {"random",
     "manual_seed rand randn randint randperm bernoulli multinomial normal uniform exponential poisson distributions"},
    {"interop", "npy npz csv dlpack mdspan"},
};

void print_missing() {
  for (auto const& function : functions) known.insert(function.name);
  for (auto const* member : members) known.insert(member);
  std::cout
      << "\n## Not yet\n\n"
         "Names of PyTorch and of the Python array API standard that Wick does not have today. Some are spelled in "
         "another way\nalready: `mm` and `bmm` are `matmul`, `vector_norm` is `norm`, `expit` is `sigmoid`, "
         "`ravel` is `flatten`.\n\n";
  for (auto const& group : wanted) {
    std::istringstream names(group.names);
    std::string line, word;
    while (names >> word)
      if (!known.contains(word)) line += (line.empty() ? "" : ", ") + word;
    if (!line.empty()) std::cout << "- **" << group.title << "**: " << line << "\n";
  }
}

}  // namespace

int main() {
  std::cout
      << "# Operations\n\n"
         "Written by `examples/operator_table.cpp` from `include/wick/ops/registry.hpp`; do not edit.\n\n"
         "## Elementwise\n\n"
      << ElementwiseOps::size
      << " operations. *Types*: what the arguments are converted to. *Domain*: the arguments that the tests sample; "
         "there the\noperation is defined and its slope behaves well. *Slope*: what the slope depends on: this "
         "much the tape has to keep.\nThe operators `+ - * / == != < <= > >= && || !` and unary `-` are the same "
         "operations.\n\n"
         "| name | arguments | types | domain | slope |\n|---|---|---|---|---|\n";
  ElementwiseOps::each([]<class Op>(std::type_identity<Op>) { elementwise_row<Op>(); });
  std::cout << "\n## Reductions\n\nOver all elements or over any list of dimensions, with `{.keepdim = true}` if "
               "wanted. *Empty*: what a reduction of no\nelements gives.\n\n"
               "| name | of float32 | of int32 | empty | gradient |\n|---|---|---|---|---|\n";
  Reductions::each([]<class Op>(std::type_identity<Op>) { reduction_row<Op>(); });
  std::cout << "\n## Other functions\n\n| name | header | gradient |\n|---|---|---|\n";
  for (auto const& f : functions)
    std::cout << "| `" << f.name << "` | `wick/ops/" << f.header << ".hpp` | " << f.gradient << " |\n";
  print_missing();
}
