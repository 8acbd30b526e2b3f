// The least that any tool can spend, measured with the libraries alone and none of Lifeboat's code:
//
//   peer_floor compress DIR CODEC LEVEL BLOCK_BYTES   CPU seconds of compressing every file below DIR block by block
//   peer_floor write DIR BYTES THREADS FILES          seconds to write that many bytes, in FILES files of one size,
//   into
//                                                     DIR and sync them
//
// Prints one number.
#include <fcntl.h>
#include <fmt/format.h>
#include <lz4.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class Codec {
 public:
  Codec(const std::string& name, int level) : zstd_(name == "zstd"), level_(level), context_(ZSTD_createCCtx()) {
    if (!zstd_ && name != "lz4") throw std::invalid_argument("the codec is zstd or lz4");
  }
  void compress(const char* block, std::size_t bytes) {
    out_.resize(zstd_ ? ZSTD_compressBound(bytes)
                      : static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(bytes))));
    if (zstd_) {
      ZSTD_compressCCtx(context_.get(), out_.data(), out_.size(), block, bytes, level_);
    } else {
      LZ4_compress_default(block, out_.data(), static_cast<int>(bytes), static_cast<int>(out_.size()));
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  bool zstd_;
  int level_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::vector<char> out_;
};

// Reading lies outside the clock.
double compress_all(const std::filesystem::path& directory, Codec codec, std::size_t block_bytes) {
  double seconds = 0;
  std::vector<char> read(std::max<std::size_t>(block_bytes, 16U << 20U));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    while (file.read(read.data(), static_cast<std::streamsize>(read.size())) || file.gcount() > 0) {
      const auto got = static_cast<std::size_t>(file.gcount());
      const auto began = thread_cpu_seconds();
      for (std::size_t at = 0; at < got; at += block_bytes) {
        codec.compress(read.data() + at, std::min(block_bytes, got - at));
      }
      seconds += thread_cpu_seconds() - began;
    }
  }
  return seconds;
}

void write_one(const std::filesystem::path& path, std::uint64_t bytes, const std::vector<char>& content,
               bool sync_each) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (file < 0) throw std::runtime_error("cannot write " + path.string());
  for (std::uint64_t left = bytes; left > 0;) {
    const auto wrote = ::write(file, content.data(), std::min<std::uint64_t>(left, content.size()));
    if (wrote <= 0) throw std::runtime_error("cannot write " + path.string());
    left -= static_cast<std::uint64_t>(wrote);
  }
  if (sync_each && ::fsync(file) != 0) throw std::runtime_error("cannot sync " + path.string());
  ::close(file);
}

void sync_file_system(const std::filesystem::path& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY);
  if (file < 0 || ::syncfs(file) != 0) throw std::runtime_error("cannot sync " + directory.string());
  ::close(file);
}

double write_all(const std::filesystem::path& directory, std::uint64_t bytes, unsigned threads, unsigned files) {
  std::vector<char> content(128U << 10U);  // the fastest size there is here: docs/benchmarks.md
  std::mt19937_64 random(1);
  for (auto& byte : content) byte = static_cast<char>(random());
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> writers;
    for (unsigned n = 0; n < threads; ++n) {
      writers.emplace_back([&, n] {
        for (auto i = n; i < files; i += threads) {
          write_one(directory / fmt::format("floor-{}", i), bytes / files, content, files == threads);
        }
      });
    }
  }
  if (files != threads) sync_file_system(directory);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double measure(const std::vector<std::string>& arguments) {
  if (arguments.size() == 5 && arguments[0] == "compress") {
    return compress_all(arguments[1], Codec(arguments[2], std::stoi(arguments[3])), std::stoul(arguments[4]));
  }
  if (arguments.size() == 5 && arguments[0] == "write") {
    return write_all(arguments[1], std::stoull(arguments[2]), static_cast<unsigned>(std::stoul(arguments[3])),
                     static_cast<unsigned>(std::stoul(arguments[4])));
  }
  throw std::invalid_argument("usage: peer_floor compress DIR CODEC LEVEL BLOCK_BYTES | write DIR BYTES THREADS FILES");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    fmt::print("{:.4f}\n", measure({argv + 1, argv + argc}));
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "peer_floor: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
