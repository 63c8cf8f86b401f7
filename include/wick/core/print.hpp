// SPDX-License-Identifier: MIT
// Printing as PyTorch prints. One function lays out every tensor; what depends on the element type is how to read one
// element.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <wick/base/classify.hpp>
#include <wick/base/text.hpp>
#include <wick/core/fixed.hpp>

WICK_PRECISE_BEGIN
namespace wick {

/// How tensors are printed (torch.set_printoptions).
struct PrintOptions {
  int precision = 4;               ///< digits after the decimal point
  std::int64_t threshold = 1000;   ///< tensors of more elements are summarized
  int edge_items = 3;              ///< elements a summary shows at each end of a dimension
  int line_width = 80;             ///< characters
  std::optional<bool> sci_mode{};  ///< scientific notation always or never; by default where the numbers call for it
};

namespace core {
WICK_SHARED inline PrintOptions& print_options_of_process() {
  static PrintOptions options;
  return options;
}
}  // namespace core

/// The options that printing follows.
inline PrintOptions print_options() { return core::print_options_of_process(); }
/// Sets the options for the whole process; those left out take their defaults. Throws Error for negative ones.
inline void set_print_options(PrintOptions const& options) {
  if (options.precision < 0 || options.edge_items < 0)
    fail("set_print_options: precision is ", options.precision, " and edge_items is ", options.edge_items,
         ", but neither may be negative");
  core::print_options_of_process() = options;
}

namespace core {
inline namespace WICK_ISA {

/// A tensor to print, without its element type.
struct PrintSource {
  void const* data;
  Layout const& layout;
  std::int64_t plane_stride;
  Dtype dtype;
  int parts;  ///< real numbers an element is written with: 0 (its text is ready made), 1, or 2 for complex
  double (*number)(PrintSource const&, std::int64_t offset, int part);
  std::string (*text)(PrintSource const&, std::int64_t offset);
  Device device{};      ///< that of the tensor whose elements `data` shows
  std::string note{};   ///< what stands last, such as "requires_grad=True"
};

template <class T>
T print_element(PrintSource const& source, std::int64_t offset) {
  return ElementTraits<T>::load(static_cast<base_t<T> const*>(source.data) + offset, source.plane_stride);
}
template <class T>
double print_number(PrintSource const& source, std::int64_t offset, int part) {
  if constexpr (is_complex<T>) {
    T const value = print_element<T>(source, offset);
    return part == 0 ? value.real() : value.imag();
  } else {
    return static_cast<double>(print_element<T>(source, offset));
  }
}
template <class T>
std::string print_text(PrintSource const& source, std::int64_t offset) {
  T const value = print_element<T>(source, offset);
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "True" : "False";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else {
    Sentence out;
    out << value;
    return out.str();
  }
}
template <class T>
PrintSource print_source(base_t<T> const* data, Layout const& layout, std::int64_t plane_stride = 0) {
  if constexpr (category<T>() == 2 || is_complex<T>)
    return {data, layout, plane_stride, dtype_of<T>(), is_complex<T> ? 2 : 1, &print_number<T>, nullptr};
  else
    return {data, layout, plane_stride, dtype_of<T>(), 0, nullptr, &print_text<T>};
}

class Printer {
 public:
  explicit Printer(PrintSource const& source)
      : source_(source),
        layout_(source.layout),
        options_(print_options()),
        summarize_(layout_.numel() > options_.threshold) {
    if (layout_.numel() == 0 || (summarize_ && options_.edge_items == 0)) return;
    if (source_.parts == 0) {
      for_shown(0, 0, [&](std::int64_t offset) { notation_[0].widen(source_.text(source_, offset)); });
    }
    for (int part = 0; part < source_.parts; ++part) {
      Notation& notation = notation_[part];
      auto const number = [&](std::int64_t offset) { return source_.number(source_, offset, part); };
      for_shown(0, 0, [&](std::int64_t offset) { notation.see(number(offset)); });
      notation.decide(options_);
      for_shown(0, 0, [&](std::int64_t offset) {
        double const value = number(offset);
        if (value != 0 && classify::isfinite(value)) notation.widen(format(value, notation));
      });
    }
  }

  std::string print() const {
    std::string text = "tensor(";
    int const indent = static_cast<int>(text.size());
    bool const empty = layout_.numel() == 0;
    text += empty ? "[]" : lines(0, 0, indent);

    std::string suffixes[4];
    if (!(source_.device == Device())) {
      Sentence device;
      device << "device=" << source_.device;
      suffixes[0] = device.str();
    }
    if (empty ? layout_.rank() != 1 : options_.edge_items == 0) {
      suffixes[1] = "size=(";
      for (int d = 0; d < layout_.rank(); ++d) suffixes[1] += (d ? ", " : "") + std::to_string(layout_.shape[d]);
      suffixes[1] += layout_.rank() == 1 ? ",)" : ")";
    }
    Dtype const dtype = source_.dtype;
    bool const understood = dtype == Dtype::float32 || (!empty && (dtype == Dtype::complex64 || dtype == Dtype::int64 ||
                                                                   dtype == Dtype::bool_ || dtype == Dtype::other));
    if (!understood) suffixes[2] = std::string("dtype=") + name(dtype);
    suffixes[3] = source_.note;
    // The first line counts two more characters than it has, as in PyTorch.
    auto last_line = static_cast<std::int64_t>(text.size() - (text.rfind('\n') + 1)) + 2;
    for (std::string const& suffix : suffixes) {
      if (suffix.empty()) continue;
      auto const length = static_cast<std::int64_t>(suffix.size());
      if (last_line + length + 2 > options_.line_width) {
        text += ",\n" + spaces(indent) + suffix;
        last_line = indent + length;
      } else {
        text += ", " + suffix;
        last_line += length + 2;
      }
    }
    return text + ')';
  }

 private:
  /// How the numbers of one part are written, so that they align.
  struct Notation {
    bool whole = true, scientific = false;
    std::size_t width = 1;
    double smallest = 0, largest = 0;  // magnitudes; 0 while none was seen

    void see(double value) {
      if (value == 0 || !classify::isfinite(value)) return;
      double const magnitude = std::fabs(value);
      if (smallest == 0 || magnitude < smallest) smallest = magnitude;
      if (magnitude > largest) largest = magnitude;
      whole &= value == std::ceil(value);
    }
    void decide(PrintOptions const& options) {
      if (smallest == 0) return;
      bool const needed = largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4;
      scientific = options.sci_mode.value_or(needed);
    }
    void widen(std::string const& text) { width = std::max(width, text.size()); }
  };

  static std::string spaces(int count) { return std::string(static_cast<std::size_t>(count), ' '); }

  std::string format(double value, Notation const& notation) const {
    if (classify::isnan(value)) return "nan";
    if (classify::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (notation.scientific) return number_text(value, std::chars_format::scientific, options_.precision);
    if (notation.whole) return number_text(value, std::chars_format::fixed, 0) + '.';
    return number_text(value, std::chars_format::fixed, options_.precision);
  }
  static std::string aligned(std::string const& text, Notation const& notation) {
    std::size_t const width = std::max(notation.width, text.size());
    return std::string(width - text.size(), ' ') + text;
  }
  std::string element(std::int64_t offset) const {
    if (source_.parts == 0) return aligned(source_.text(source_, offset), notation_[0]);
    std::string text = aligned(format(source_.number(source_, offset, 0), notation_[0]), notation_[0]);
    if (source_.parts == 2) {
      std::string const imaginary = format(source_.number(source_, offset, 1), notation_[1]);
      text += (imaginary[0] == '-' ? "" : "+") + imaginary + 'j';
    }
    return text;
  }

  bool cut(int axis) const { return summarize_ && layout_.shape[axis] > 2 * std::int64_t{options_.edge_items}; }

  /// Calls visit(offset) for the elements that will be shown.
  template <class Visit>
  void for_shown(int axis, std::int64_t offset, Visit const& visit) const {
    if (axis == layout_.rank()) return visit(offset);
    std::int64_t const extent = layout_.shape[axis];
    for (std::int64_t i = 0; i < extent; ++i) {
      if (cut(axis) && i == options_.edge_items) i = extent - options_.edge_items;
      for_shown(axis + 1, offset + i * layout_.strides[axis], visit);
    }
  }

  /// The elements below `offset` of dimension `axis`, in brackets.
  std::string lines(int axis, std::int64_t offset, int indent) const {
    if (axis == layout_.rank()) return element(offset);
    bool const innermost = axis == layout_.rank() - 1;
    std::int64_t const extent = layout_.shape[axis];
    std::size_t length = notation_[0].width + 2;
    if (source_.parts == 2) length += notation_[1].width + 1;
    std::int64_t const fit = (options_.line_width - indent) / static_cast<std::int64_t>(length);
    std::int64_t const per_line = std::max<std::int64_t>(1, innermost ? fit : 1);
    std::string const next_line =
        std::string(static_cast<std::size_t>(std::max(1, layout_.rank() - 1 - axis)), '\n') + spaces(indent + 1);

    std::string text = "[";
    std::int64_t shown = 0;
    auto const add = [&](std::string const& part) {
      if (shown > 0) text += shown % per_line == 0 ? "," + next_line : ", ";
      text += part;
      ++shown;
    };
    for (std::int64_t i = 0; i < extent; ++i) {
      if (cut(axis) && i == options_.edge_items) {
        add(innermost && options_.edge_items > 0 ? " ..." : "...");
        i = extent - options_.edge_items;
        if (i == extent) break;
      }
      add(lines(axis + 1, offset + i * layout_.strides[axis], indent + 1));
    }
    return text + "]";
  }

  PrintSource const& source_;
  Layout const& layout_;
  PrintOptions const options_;
  bool summarize_;
  Notation notation_[2];
};

inline std::ostream& print(std::ostream& out, PrintSource const& source) { return out << Printer(source).print(); }

}  // namespace WICK_ISA
}  // namespace core

/// Prints as PyTorch does: `tensor([1., 2., 3.])`, with the element type where it does not show.
template <class T, class E, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, Tensor<T, E, Heap> const& x) {
  Tensor<T, E> const here = x.to(Device());
  core::PrintSource source = core::print_source<T>(here.data(), here.layout(), here.plane_stride());
  source.device = x.device();
  return core::print(out, source);
}
template <class T, class E, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, View<T, E> const& x) {
  return core::print(out, core::print_source<std::remove_const_t<T>>(x.data(), x.layout()));
}
template <class T, std::int64_t... N, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, Tensor<T, Shape<N...>, Inline> const& x) {
  Layout const layout(x.shape());
  return core::print(out, core::print_source<T>(x.data(), layout));
}
template <class T, class E, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, Part<T, E> const& x) {
  return out << x.value();
}
template <class T, std::int64_t Count, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, FixedSlice<T, Count> const& x) {
  return core::print(out, core::print_source<T>(x.data(), x.layout()));
}
template <class V, class Isa = IsaTag>
std::ostream& operator<<(std::ostream& out, FixedPart<V> const& x) {
  return out << x.value();
}

}  // namespace wick
WICK_PRECISE_END
