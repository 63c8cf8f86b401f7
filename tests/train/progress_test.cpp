// SPDX-License-Identifier: MIT
// The progress bar: what it says, how often, how wide, and how it ends.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <wick/train/progress.hpp>

#if WICK_HAS_TERMINAL
#include <fcntl.h>
#include <termios.h>
#endif

namespace {

using wick::Progress;

double time_now = 0;
double test_clock() { return time_now; }

// A stream that remembers what is written to it.
class Recorder {
 public:
  Recorder() { REQUIRE(file_ != nullptr); }
  ~Recorder() { std::fclose(file_); }
  Recorder(Recorder const&) = delete;
  Recorder& operator=(Recorder const&) = delete;
  operator std::FILE*() const { return file_; }
  std::string text() const {
    std::string all;
    std::rewind(file_);
    for (int c; (c = std::fgetc(file_)) != EOF;) all += static_cast<char>(c);
    return all;
  }

 private:
  std::FILE* file_ = std::tmpfile();
};

std::ptrdiff_t count(std::string const& text, char c) { return std::count(text.begin(), text.end(), c); }

}  // namespace

TEST_CASE("progress: the line says how far, how fast, how long still, and the loss") {
  Recorder const out;
  time_now = 100;
  Progress bar(60000, {.label = "epoch 1/5", .stream = out, .clock = test_clock});
  time_now = 110;
  bar.update(15000, 0.51234);
  CHECK(bar.done() == 15000);
  CHECK(bar.rate() == 1500);
  CHECK(bar.seconds() == 10);
  CHECK(bar.line(0) == "epoch 1/5  25%  15000/60000  1.5k/s  0:10<0:30  loss 0.5123");
  CHECK(bar.line(100) ==
        "epoch 1/5  25% [=========>                             ] 15000/60000  1.5k/s  0:10<0:30  loss 0.5123");
  CHECK(bar.line(70) == "epoch 1/5  25% [==>      ] 15000/60000  1.5k/s  0:10<0:30  loss 0.5123");
  CHECK(bar.line(100).size() == 100);
  CHECK(bar.line(70).size() == 70);
  CHECK(bar.line(20) == "epoch 1/5  25%  1500");
  bar.update(15000);
  CHECK(bar.line(0) == "epoch 1/5  50%  30000/60000  3k/s  0:10<0:10  loss 0.5123");
}

TEST_CASE("progress: no division by zero, no total, too many items, odd losses") {
  Recorder const out;
  time_now = 5;
  Progress bar(100, {.stream = out, .clock = test_clock});
  CHECK(bar.rate() == 0);
  CHECK(bar.line(0) == "  0%  0/100  0/s  0:00<?");
  bar.update(10);
  CHECK(bar.line(0) == " 10%  10/100  0/s  0:00<?");
  time_now = 6;
  bar.update(200, std::nan(""));
  CHECK(bar.line(0) == "100%  210/100  210/s  0:01  loss nan");
  CHECK(bar.line(60) == "100% [======================] 210/100  210/s  0:01  loss nan");
  Progress unknown(0, {.stream = out, .clock = test_clock});
  CHECK(unknown.line(80) == "0  0/s  0:00");
  time_now = 6 + 4000;
  unknown.update(1);
  CHECK(unknown.line(80) == "1  0.00025/s  1:06:40");
}

TEST_CASE("progress: plain lines at an interval when the stream is no terminal") {
  Recorder const out;
  time_now = 0;
  {
    Progress bar(1000, {.stream = out, .line_interval = 10, .clock = test_clock});
    for (int i = 0; i < 100; ++i) {
      time_now += 0.25;  // 25 seconds: lines at 10, 20, and the last
      bar.update(10, 1.5);
    }
  }
  CHECK(out.text() ==
        " 40%  400/1000  40/s  0:10<0:15  loss 1.5\n"
        " 80%  800/1000  40/s  0:20<0:05  loss 1.5\n"
        "100%  1000/1000  40/s  0:25  loss 1.5\n");
}

TEST_CASE("progress: on a terminal one line is redrawn, ten times a second at most") {
  Recorder const out;
  time_now = 0;
  {
    Progress bar(1000, {.stream = out, .terminal = true, .clock = test_clock});
    for (int i = 0; i < 1000; ++i) {
      time_now += 0.001;
      bar.update(1);
    }
    bar.finish();
    bar.finish();
    bar.update(1);
  }
  auto const text = out.text();
  CHECK(count(text, '\n') == 1);
  CHECK(text.back() == '\n');
  CHECK(count(text, '\r') >= 9);
  CHECK(count(text, '\r') <= 12);
  CHECK(text.find("1000/1000") != std::string::npos);
}

TEST_CASE("progress: an exception ends the line") {
  Recorder const out;
  time_now = 0;
  try {
    Progress bar(10, {.stream = out, .terminal = true, .clock = test_clock});
    bar.update(3);
    throw std::runtime_error("stop");
  } catch (std::runtime_error const&) {
  }
  auto const text = out.text();
  CHECK(text.back() == '\n');
  CHECK(text.find("3/10") != std::string::npos);
}

#if WICK_HAS_TERMINAL
TEST_CASE("progress: a real terminal gives its width") {
  int const master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
    MESSAGE("skipped: this system gives no pseudo terminal");
    return;
  }
  std::FILE* const stream = std::fopen(ptsname(master), "w");
  REQUIRE(stream != nullptr);
  termios mode{};
  REQUIRE(tcgetattr(fileno(stream), &mode) == 0);
  mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // what is written is what is read
  REQUIRE(tcsetattr(fileno(stream), TCSANOW, &mode) == 0);
  winsize const size{.ws_row = 24, .ws_col = 60, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(ioctl(master, TIOCSWINSZ, &size) == 0);

  time_now = 0;
  Progress bar(100, {.stream = stream, .clock = test_clock});
  time_now = 1;
  bar.update(50, 0.25);
  std::array<char, 4096> buffer{};
  auto const length = read(master, buffer.data(), buffer.size());
  REQUIRE(length > 0);
  std::string const shown(buffer.data(), static_cast<std::size_t>(length));
  CHECK(shown == "\r" + bar.line(59) + "\x1b[K");
  CHECK(bar.line(59).size() <= 59);
  CHECK(shown.find("[=") != std::string::npos);
  bar.finish();
  std::fclose(stream);
  close(master);
}
#endif
