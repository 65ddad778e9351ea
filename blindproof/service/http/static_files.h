// The web page's files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "blindproof/base/result.h"
#include "blindproof/service/http/message.h"

namespace blindproof::service::http {

/// The files of a folder as they are when it is opened. Requests are looked up among them: no path from outside reaches the file system.
class StaticFiles {
 public:
  /// Files of types that a browser takes; "x.gz" beside "x" is sent in its place to those who take gzip.
  /// Errors: kIo; kInvalidArgument if there is no index.html.
  static base::Result<StaticFiles> open(const std::filesystem::path& folder);

  /// Nothing if there is no such file. "/" is index.html.
  std::optional<Response> find(std::string_view path, const RequestHead& head) const;

 private:
  struct File {
    std::filesystem::path path;
    std::optional<std::filesystem::path> gzip;
    std::string type, etag;
  };
  std::map<std::string, File, std::less<>> files_;  // by path, from the first slash on
};

}  // namespace blindproof::service::http
