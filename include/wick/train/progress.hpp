// SPDX-License-Identifier: MIT
// A progress bar on stderr: how far, how fast, how long still, and the loss. Plain lines when nobody watches a
// terminal.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <wick/base/text.hpp>

#if __has_include(<sys/ioctl.h>) && __has_include(<unistd.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#define WICK_HAS_TERMINAL 1
#else
#define WICK_HAS_TERMINAL 0
#endif

namespace wick::inline WICK_ISA {

struct ProgressOptions {
  std::string label = "";             ///< stands in front: "epoch 1/5"
  std::FILE* stream = stderr;         ///< where the bar is drawn
  double line_interval = 10;          ///< seconds between two lines when `stream` is no terminal
  std::optional<bool> terminal = {};  ///< whether `stream` is one; found out when not said
  double (*clock)() = nullptr;        ///< seconds from any start; the steady clock when null
};

namespace detail {

template <class... Values>
std::string printed(char const* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

// 42 s: "0:42"; 3742 s: "1:02:22".
inline std::string duration_text(double seconds) {
  auto const all = static_cast<long long>(std::clamp(std::round(seconds), 0.0, 3.6e9));
  long long const h = all / 3600, m = all / 60 % 60, s = all % 60;
  return h > 0 ? printed("%lld:%02lld:%02lld", h, m, s) : printed("%lld:%02lld", m, s);
}

// 7.25: "7.25"; 850: "850"; 12345: "12.3k".
inline std::string rate_text(double rate) {
  auto const three_digits = [](double x) { return core::number_text(x, std::chars_format::general, 3); };
  return rate >= 1e6 ? three_digits(rate / 1e6) + "M" : rate >= 1e3 ? three_digits(rate / 1e3) + "k" : three_digits(rate);
}

// Columns of the terminal behind `stream`, 80 when it does not say.
inline int terminal_columns([[maybe_unused]] std::FILE* stream) {
#if WICK_HAS_TERMINAL
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#endif
  return 80;
}

inline bool is_terminal([[maybe_unused]] std::FILE* stream) {
#if WICK_HAS_TERMINAL
  return isatty(fileno(stream)) == 1;
#else
  return false;
#endif
}

}  // namespace detail

/// How far a loop is: `Progress bar(loader.size() * 128, {.label = "epoch 1/5"}); ... bar.update(label.numel(), loss);`
/// On a terminal one line is redrawn at most ten times a second; elsewhere a line is written every `line_interval`
/// seconds and at the end. The destructor ends the line, also when an exception passes. For one thread.
class Progress {
 public:
  /// `total` items are to come; 0 or less: unknown, then there is no bar and no remaining time.
  explicit Progress(std::int64_t total, ProgressOptions options = {})
      : options_(std::move(options)),
        total_(total),
        terminal_(options_.terminal.value_or(detail::is_terminal(options_.stream))),
        started_(now()),
        shown_(terminal_ ? -std::numeric_limits<double>::infinity() : started_) {}
  ~Progress() { finish(); }
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// `items` more are done; `loss` is shown from now on, unless it is left out.
  void update(std::int64_t items, std::optional<double> loss = {}) {
    done_ += items;
    if (loss) loss_ = loss;
    double const time = now();
    if (finished_ || time - shown_ < (terminal_ ? 0.1 : options_.line_interval)) return;
    shown_ = time;
    show(time);
  }

  /// Shows the last state and ends the line; nothing is shown after it.
  void finish() {
    if (std::exchange(finished_, true)) return;
    show(now());
    if (terminal_) std::fputc('\n', options_.stream);
    std::fflush(options_.stream);
  }

  std::int64_t done() const { return done_; }
  /// Seconds since the construction.
  double seconds() const { return now() - started_; }
  /// Items per second so far; 0 before any time has passed.
  double rate() const { return rate_at(now()); }

  /// The line as it would be shown now in so many columns, without line end; `columns` 0: no bar.
  std::string line(int columns) const { return line_at(now(), columns); }

 private:
  double now() const {
    if (options_.clock) return options_.clock();
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  double rate_at(double time) const {
    double const passed = time - started_;
    return passed > 0 ? static_cast<double>(done_) / passed : 0;
  }

  void show(double time) const {
    // The last column stays free: some terminals wrap when it is written.
    std::string text =
        terminal_ ? "\r" + line_at(time, std::max(detail::terminal_columns(options_.stream) - 1, 1)) : line_at(time, 0);
    text += terminal_ ? "\x1b[K" : "\n";
    std::fputs(text.c_str(), options_.stream);
    std::fflush(options_.stream);
  }

  WICK_COLD std::string line_at(double time, int columns) const {
    double const rate = rate_at(time), passed = time - started_;
    std::string before = options_.label, after;
    if (total_ > 0) {
      double const part = std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
      if (!before.empty()) before += ' ';
      before += detail::printed("%3d%%", static_cast<int>(part * 100));
      after = std::to_string(done_) + "/" + std::to_string(total_);
    } else {
      after = std::to_string(done_);
    }
    after += "  " + detail::rate_text(rate) + "/s  " + detail::duration_text(passed);
    if (!finished_ && total_ > done_)
      after += "<" + (rate > 0 ? detail::duration_text(static_cast<double>(total_ - done_) / rate) : std::string("?"));
    if (loss_) after += "  loss " + core::number_text(*loss_, std::chars_format::general, 4);

    auto const width = static_cast<std::ptrdiff_t>(columns);
    std::ptrdiff_t const bar = std::min<std::ptrdiff_t>(width - std::ssize(before) - std::ssize(after) - 4, 40);
    std::string text = before;
    if (columns > 0 && total_ > 0 && bar >= 5)
      text += " " + bar_text(bar) + " " + after;
    else
      text += (before.empty() ? "" : "  ") + after;
    if (columns > 0 && std::ssize(text) > width) text.resize(static_cast<std::size_t>(width));
    return text;
  }

  std::string bar_text(std::ptrdiff_t width) const {
    double const part = std::clamp(static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
    auto const full = static_cast<std::size_t>(part * static_cast<double>(width));
    std::string text = "[" + std::string(full, '=') + std::string(static_cast<std::size_t>(width) - full, ' ') + "]";
    if (full < static_cast<std::size_t>(width)) text[1 + full] = '>';
    return text;
  }

  ProgressOptions options_;
  std::int64_t total_, done_ = 0;
  std::optional<double> loss_;
  bool terminal_, finished_ = false;
  double started_, shown_;
};

}  // namespace wick::inline WICK_ISA
