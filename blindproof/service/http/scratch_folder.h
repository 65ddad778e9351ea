// A folder for files that a request needs for a moment: decrypted ones.
#pragma once

#include <filesystem>
#include <system_error>

#include "blindproof/service/jobs/data_folder.h"

namespace blindproof::service::http {

inline constexpr const char* kScratchPrefix = "server-";  // what a killed server left is removed by it

/// Removed, with what is in it, when this is destroyed.
class ScratchFolder {
 public:
  explicit ScratchFolder(const jobs::DataFolder& data) : path_(data.root / "scratch" / (kScratchPrefix + store::make_id(jobs::now_ms()))) {
    std::error_code ignored;  // then writing fails
    std::filesystem::create_directories(path_, ignored);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path at(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace blindproof::service::http
