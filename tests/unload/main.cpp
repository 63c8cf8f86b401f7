// SPDX-License-Identifier: MIT
// A library that has used threads is closed and opened again: the threads that help it sleep in its code, which
// therefore stays. argv[1]: the library.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: unload LIBRARY\n", stderr), 2;
  for (int round = 0; round < 3; ++round) {
    void* const library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) return std::fprintf(stderr, "%s\n", dlerror()), 1;
    auto const sum_to = reinterpret_cast<std::int64_t (*)(std::int64_t)>(dlsym(library, "sum_to"));
    if (!sum_to || sum_to(1'000'001) != 500'000'500'000) return std::fputs("a wrong sum\n", stderr), 1;
    dlclose(library);
    usleep(20'000);
  }
}
